// SPDX-License-Identifier: GPL-2.0

//! Interrupt vectors (82576 datasheet 7.3, 8.26).

use igb_common::{
    itr::Interval,
    layout::{
        vtivar,
        vtivar_misc,
        VF_EIMS_ALL,
        VF_VECTORS, //
    },
};

use igb_hw::intr;

use kernel::prelude::*;

use crate::regs::{
    BAR_SIZE,
    VTIVAR,
    VTIVAR_MISC, //
};

use super::Hw;

/// The timer of a vector.
pub(crate) type VectorTimer<'bound> = intr::VectorTimer<'bound, BAR_SIZE>;

impl<'bound> Hw<'bound> {
    /// Sends the interrupts of the queues to the vectors `rx` and `tx`, those of the mailbox to
    /// vector `mailbox`.
    ///
    /// Once after each reset: QEMU adds what is written to what was there.
    pub(crate) fn map_vectors(&self, rx: u8, tx: u8, mailbox: u8) -> Result {
        if [rx, tx, mailbox].iter().any(|&vector| vector >= VF_VECTORS) {
            return Err(EINVAL);
        }

        self.regs.write(VTIVAR::from(vtivar(rx, tx)))?;
        self.regs.write(VTIVAR_MISC::from(vtivar_misc(mailbox)))
    }

    /// See [`Registers::auto_clear_vectors`](igb_hw::access::Registers::auto_clear_vectors).
    pub(crate) fn auto_clear_vectors(&self, mask: u32) -> Result {
        self.regs.auto_clear_vectors(mask)
    }

    /// Enables the vectors in `mask`. Any context.
    #[inline]
    pub(crate) fn enable_vectors(&self, mask: u32) {
        self.regs.enable_vectors(mask);
    }

    /// Disables the vectors in `mask`. Any context.
    #[inline]
    pub(crate) fn disable_vectors(&self, mask: u32) {
        self.regs.disable_vectors(mask);
    }

    /// Fires the vectors in `mask`. Any context.
    #[inline]
    pub(crate) fn trigger_vectors(&self, mask: u32) {
        self.regs.trigger_vectors(mask);
    }

    /// Turns off every interrupt and forgets those pending.
    pub(crate) fn disable_all_interrupts(&self) -> Result {
        self.regs.silence_vectors(VF_EIMS_ALL)?;
        self.regs.forget_vectors(VF_EIMS_ALL)
    }

    /// Sets the least time between interrupts of `vector`. Any context.
    pub(crate) fn set_moderation(&self, vector: u8, interval: Interval) -> Result {
        self.regs.set_moderation(vector, interval)
    }

    /// Returns the timer of `vector`, for a [`nic::moderation::Moderator`].
    pub(crate) fn timer(&self, vector: u8) -> VectorTimer<'bound> {
        intr::VectorTimer::new(&self.regs, vector)
    }
}
