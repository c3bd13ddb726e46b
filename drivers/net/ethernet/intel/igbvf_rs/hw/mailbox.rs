// SPDX-License-Identifier: GPL-2.0

//! The mailbox to the physical function (82576 datasheet 7.10.2.9, 8.26).
//!
//! Both functions share sixteen words. A side takes the buffer (VFU or PFU), works on it, and
//! gives it back by telling the other side that there is a message (REQ) or that the message has
//! been read (ACK).

use igb_common::mbx::Words;

use kernel::{
    io::poll::read_poll_timeout,
    prelude::*,
    time::Delta, //
};

use crate::regs::{
    V2PMAILBOX,
    VMBMEM, //
};

use super::Hw;

/// Pause between two looks at the mailbox.
const PAUSE: Delta = Delta::from_micros(200);

/// Longest wait for the buffer.
const TAKE_LIMIT: Delta = Delta::from_millis(100);

/// Longest wait for the physical function's driver to read a message, or to answer one: it has
/// other work, and may be a virtual machine that is not running at the moment.
const ANSWER_LIMIT: Delta = Delta::from_millis(1000);

/// Longest wait for the physical function to come out of its reset.
const RESET_LIMIT: Delta = Delta::from_millis(200);

/// What the mailbox register has said and nobody has dealt with yet: reading clears the register.
///
/// To be kept under the lock that serialises the use of the mailbox.
#[derive(Default)]
pub(crate) struct Mailbox {
    message: bool,
    ack: bool,
    reset_done: bool,
}

/// What happened at the mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MailboxEvents {
    /// The physical function sent a message, to be read with [`Hw::mailbox_receive`].
    pub(crate) message: bool,
    /// The physical function is in reset, or has been in one since the last
    /// [`Hw::reset`]: nothing is as it was, and this function has to be reset.
    pub(crate) pf_reset: bool,
}

impl Hw<'_> {
    /// Reads the mailbox register and remembers in `mailbox` what reading clears.
    fn mailbox_status(&self, mailbox: &mut Mailbox) -> Result<V2PMAILBOX> {
        let status = self.regs.read::<V2PMAILBOX>()?;

        mailbox.message |= status.pfsts();
        mailbox.ack |= status.pfack();
        mailbox.reset_done |= status.rstd();
        Ok(status)
    }

    /// Waits until `done` accepts what the mailbox register says.
    ///
    /// `ENETRESET` if the physical function is reset meanwhile.
    fn mailbox_wait(
        &self,
        mailbox: &mut Mailbox,
        limit: Delta,
        mut done: impl FnMut(V2PMAILBOX, &mut Mailbox) -> Result<bool>,
    ) -> Result {
        read_poll_timeout(
            || {
                let status = self.mailbox_status(mailbox)?;

                if done(status, mailbox)? {
                    return Ok(true);
                }
                if status.rsti() || mailbox.reset_done {
                    return Err(ENETRESET);
                }
                Ok(false)
            },
            |&done| done,
            PAUSE,
            limit,
        )
        .map(|_| ())
    }

    /// Forgets what came before a reset of this function and waits for the physical function to
    /// be out of its own.
    pub(super) fn mailbox_restart(&self, mailbox: &mut Mailbox) -> Result {
        let result = read_poll_timeout(
            || self.mailbox_status(mailbox),
            |status| !status.rsti(),
            Delta::from_millis(2),
            RESET_LIMIT,
        );

        *mailbox = Mailbox::default();
        result.map(|_| ())
    }

    /// Returns what happened at the mailbox.
    pub(crate) fn mailbox_events(&self, mailbox: &mut Mailbox) -> Result<MailboxEvents> {
        let status = self.mailbox_status(mailbox)?;

        Ok(MailboxEvents {
            message: mailbox.message,
            pf_reset: status.rsti() || mailbox.reset_done,
        })
    }

    /// Returns whether the physical function is in reset now, or has no driver.
    pub(crate) fn pf_in_reset(&self, mailbox: &mut Mailbox) -> Result<bool> {
        Ok(self.mailbox_status(mailbox)?.rsti())
    }

    /// Sends `message` and waits until the physical function has read it. Sleeps.
    ///
    /// A message of the physical function that has not been read is lost. `ENETRESET` if the physical
    /// function has been reset, `EBUSY` if it keeps the buffer, `EAGAIN` if it has put a message of its
    /// own in the place of this one, `ETIMEDOUT` if it does not read.
    pub(crate) fn mailbox_send(&self, mailbox: &mut Mailbox, message: &Words) -> Result {
        self.take_buffer(mailbox)?;

        for (index, &word) in message.iter().enumerate() {
            self.regs.write_at(index, VMBMEM::from(word))?;
        }
        // An acknowledgement from before is not for this message.
        self.mailbox_status(mailbox)?;
        mailbox.ack = false;
        mailbox.message = false;

        self.regs.write(V2PMAILBOX::zeroed().with_req(true))?;
        self.mailbox_wait(mailbox, ANSWER_LIMIT, |_, mailbox| {
            if core::mem::take(&mut mailbox.ack) {
                Ok(true)
            } else if mailbox.message {
                // Whoever reads first acknowledges first.
                Err(EAGAIN)
            } else {
                Ok(false)
            }
        })
    }

    /// Waits for a message of the physical function, reads and acknowledges it. Sleeps.
    ///
    /// `ENETRESET` if the physical function has been reset, `EBUSY` if it keeps the buffer,
    /// `ETIMEDOUT` if it sends nothing.
    pub(crate) fn mailbox_receive(&self, mailbox: &mut Mailbox, message: &mut Words) -> Result {
        self.mailbox_wait(mailbox, ANSWER_LIMIT, |_, mailbox| {
            Ok(core::mem::take(&mut mailbox.message))
        })?;
        self.take_buffer(mailbox)?;

        for (index, word) in message.iter_mut().enumerate() {
            *word = self.regs.read_at::<VMBMEM>(index)?.into();
        }
        self.regs.write(V2PMAILBOX::zeroed().with_ack(true))
    }

    /// Takes the buffer.
    fn take_buffer(&self, mailbox: &mut Mailbox) -> Result {
        let take = V2PMAILBOX::zeroed().with_vfu(true);

        self.regs.write(take)?;
        self.mailbox_wait(mailbox, TAKE_LIMIT, |status, _| {
            if !status.vfu() {
                self.regs.write(take)?;
            }
            Ok(status.vfu())
        })
        .map_err(|e| if e == ETIMEDOUT { EBUSY } else { e })
    }
}
