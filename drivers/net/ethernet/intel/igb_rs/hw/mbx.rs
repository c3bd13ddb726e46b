// SPDX-License-Identifier: GPL-2.0

//! Mailboxes of the virtual functions (82576 datasheet 7.10.2.9, 8.14.1 to 8.14.6).
//!
//! Each virtual function shares sixteen words with the physical function. A side takes the buffer
//! (PFU or VFU), works on it, and gives it back, mostly by telling the other side that there is a message
//! (STS) or that the message has been read (ACK).

use igb_common::mbx::{
    Reply,
    Words,
    MAILBOX_WORDS, //
};

use kernel::{
    io::poll::read_poll_timeout,
    prelude::*,
    time::Delta, //
};

use crate::regs::mbx::{
    MBVFICR,
    MBVFIMR,
    P2VMAILBOX,
    VFLRE,
    VMBMEM, //
};

use super::Hw;

/// What virtual functions did since the last look, each a mask of virtual functions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct VfEvents {
    /// Were reset. To be dealt with before messages.
    pub(crate) reset: u8,
    /// Sent a message.
    pub(crate) request: u8,
    /// Read our message.
    pub(crate) ack: u8,
}

impl Hw<'_> {
    /// Returns what virtual functions did since the last call, and clears it. Any context, one
    /// caller.
    pub(crate) fn vf_events(&self) -> Result<VfEvents> {
        // In this order: a message that follows a reset comes with it, or later, never before it.
        let mail = self.regs.read::<MBVFICR>()?;
        let reset = self.regs.read::<VFLRE>()?;

        // Only what was seen is cleared: what comes in between is for the next call.
        self.regs.write(reset)?;
        self.regs.write(mail)?;
        Ok(VfEvents {
            reset: reset.vfs().into(),
            request: mail.vfreq().into(),
            ack: mail.vfack().into(),
        })
    }

    /// Lets the virtual functions in the mask `vfs` interrupt.
    pub(crate) fn enable_mailbox_interrupts(&self, vfs: u8) -> Result {
        self.regs.write(MBVFIMR::zeroed().with_vfs(vfs))
    }

    /// Reads the message of virtual function `vf`, acknowledges it, and keeps the buffer until
    /// [`Self::mailbox_answer`]: so nothing has to be waited for then. With `force` the buffer is taken
    /// from the virtual function first. Does not wait.
    ///
    /// `EBUSY` if the virtual function has the buffer; with `force`, if it has taken it back at once. (QEMU's
    /// PFU shows a virtual function's buffer as taken until the virtual function writes, whatever RVFU says.)
    pub(crate) fn mailbox_read(&self, vf: u8, force: bool, message: &mut Words) -> Result {
        if force {
            self.take_away(vf)?;
        }
        self.take_mailbox(vf)?;

        for (index, word) in message.iter_mut().enumerate() {
            *word = self.regs.read_at::<VMBMEM>(mailbox_word(vf, index))?.into();
        }
        self.write_mailbox(vf, P2VMAILBOX::zeroed().with_ack(true).with_pfu(true))
    }

    /// Ends [`Self::mailbox_read`]: sends `reply`, if there is one, and gives the buffer back.
    pub(crate) fn mailbox_answer(&self, vf: u8, reply: Option<&Words>) -> Result {
        match reply {
            // A notice may have given the buffer back.
            Some(words) => self.mailbox_post(vf, words),
            None => self.write_mailbox(vf, P2VMAILBOX::zeroed()),
        }
    }

    /// Sends `message` to virtual function `vf`, unless it has the buffer: `EBUSY`. Does not wait.
    ///
    /// The whole buffer is written: nothing of an earlier message shows.
    pub(crate) fn mailbox_post(&self, vf: u8, message: &Words) -> Result {
        self.take_mailbox(vf)?;
        self.fill_mailbox(vf, message)
    }

    /// As [`Self::mailbox_post`], but waits 10 ms for the buffer and then takes it away from the virtual
    /// function, which may be dead. Sleeps.
    ///
    /// A ping does not overwrite a message that waits to be read, whether it is one of `unread`, which
    /// [`Self::vf_events`] has told of, or a newer one: the answer to that says as much.
    pub(crate) fn mailbox_insist(&self, vf: u8, reply: Reply, unread: u8) -> Result {
        let gives_way = matches!(reply, Reply::Ping { .. });
        if gives_way && unread & bit(vf) != 0 {
            return Ok(());
        }
        let pause = Delta::from_micros(200);
        let limit = Delta::from_millis(10);
        let taken = read_poll_timeout(
            || match self.take_mailbox(vf) {
                Err(e) if e == EBUSY => Ok(false),
                taken => taken.map(|()| true),
            },
            |taken| *taken,
            pause,
            limit,
        );
        match taken {
            Err(e) if e == ETIMEDOUT => {
                self.take_away(vf)?;
                self.take_mailbox(vf)?;
            }
            taken => {
                taken?;
            }
        }
        if gives_way && self.has_request(vf)? {
            return self.write_mailbox(vf, P2VMAILBOX::zeroed());
        }
        self.fill_mailbox(vf, reply.message().words())
    }

    /// Whether virtual function `vf` has sent a message that [`Self::vf_events`] has not told of yet.
    fn has_request(&self, vf: u8) -> Result<bool> {
        let requests: u8 = self.regs.read::<MBVFICR>()?.vfreq().into();
        Ok(requests & bit(vf) != 0)
    }

    /// Takes the buffer of virtual function `vf`, `EBUSY` if the virtual function has it.
    fn take_mailbox(&self, vf: u8) -> Result {
        self.write_mailbox(vf, P2VMAILBOX::zeroed().with_pfu(true))?;
        if self.regs.read_at::<P2VMAILBOX>(vf.into())?.pfu() {
            Ok(())
        } else {
            Err(EBUSY)
        }
    }

    /// Takes the buffer from virtual function `vf`, which may take it again.
    fn take_away(&self, vf: u8) -> Result {
        self.write_mailbox(vf, P2VMAILBOX::zeroed().with_rvfu(true))
    }

    /// Puts `message` into the buffer, which is ours, and gives it to virtual function `vf`.
    fn fill_mailbox(&self, vf: u8, message: &Words) -> Result {
        for (index, word) in message.iter().enumerate() {
            self.regs
                .write_at(mailbox_word(vf, index), VMBMEM::from(*word))?;
        }
        self.write_mailbox(vf, P2VMAILBOX::zeroed().with_sts(true))
    }

    fn write_mailbox(&self, vf: u8, value: P2VMAILBOX) -> Result {
        self.regs.write_at(usize::from(vf), value)
    }
}

/// Returns virtual function `vf`'s place in masks of virtual functions.
fn bit(vf: u8) -> u8 {
    1 << (vf & 7)
}

/// Returns the place of word `index` of virtual function `vf` in the mailbox memory.
fn mailbox_word(vf: u8, index: usize) -> usize {
    usize::from(vf) * MAILBOX_WORDS + index
}
