// SPDX-License-Identifier: GPL-2.0

//! Mailboxes of the virtual functions (82576 datasheet 7.10.2.9, 8.14.1 to 8.14.6).
//!
//! Each virtual function shares sixteen words with the physical function. A side takes the buffer
//! (PFU or VFU), works on it, and gives it back by telling the other side that there is a message
//! (STS) or that the message has been read (ACK).

use igb_common::{
    layout::POOLS,
    mbx::{
        Words,
        MAILBOX_WORDS, //
    },
};

use kernel::{
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
        let reset = self.regs.read::<VFLRE>()?;
        let mail = self.regs.read::<MBVFICR>()?;

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

    /// Reads the message of virtual function `vf` and acknowledges it. Sleeps.
    ///
    /// `EBUSY` if the virtual function keeps the buffer.
    pub(crate) fn mailbox_read(&self, vf: u8, message: &mut Words) -> Result {
        self.take_mailbox(vf)?;

        for (index, word) in message.iter_mut().enumerate() {
            *word = self.regs.read_at::<VMBMEM>(mailbox_word(vf, index))?.into();
        }
        self.release_mailbox(vf, P2VMAILBOX::zeroed().with_ack(true))
    }

    /// Sends `message`, of up to sixteen words, to virtual function `vf`. Sleeps.
    ///
    /// The whole buffer is written: nothing of an earlier message shows. `EINVAL` for a longer
    /// message, `EBUSY` if the virtual function keeps the buffer.
    pub(crate) fn mailbox_write(&self, vf: u8, message: &[u32]) -> Result {
        if message.len() > MAILBOX_WORDS {
            return Err(EINVAL);
        }
        self.take_mailbox(vf)?;

        for index in 0..MAILBOX_WORDS {
            let word = message.get(index).copied().unwrap_or(0);
            self.regs
                .write_at(mailbox_word(vf, index), VMBMEM::from(word))?;
        }
        self.release_mailbox(vf, P2VMAILBOX::zeroed().with_sts(true))
    }

    /// Takes the buffer of virtual function `vf`.
    fn take_mailbox(&self, vf: u8) -> Result {
        if vf >= POOLS {
            return Err(EINVAL);
        }
        let index = usize::from(vf);
        let take = P2VMAILBOX::zeroed().with_pfu(true);
        let wait = |limit| {
            self.regs.write_at(index, take)?;
            self.regs
                .wait_for_at::<P2VMAILBOX>(index, Delta::from_micros(100), limit, |r| {
                    r.pfu() || {
                        // An error shows in the next read.
                        let _ = self.regs.write_at(index, take);
                        false
                    }
                })
                .map(|_| ())
        };

        match wait(Delta::from_millis(10)) {
            Err(e) if e == ETIMEDOUT => {
                // A virtual function that died with the buffer, or that wants to hold us up.
                self.regs
                    .write_at(index, P2VMAILBOX::zeroed().with_rvfu(true))?;
                wait(Delta::from_millis(1)).map_err(|e| if e == ETIMEDOUT { EBUSY } else { e })
            }
            other => other,
        }
    }

    /// Gives the buffer of virtual function `vf` back and tells it why: `signal` is without PFU.
    fn release_mailbox(&self, vf: u8, signal: P2VMAILBOX) -> Result {
        self.regs.write_at(usize::from(vf), signal)
    }
}

/// Returns the place of word `index` of virtual function `vf` in the mailbox memory.
fn mailbox_word(vf: u8, index: usize) -> usize {
    usize::from(vf) * MAILBOX_WORDS + index
}
