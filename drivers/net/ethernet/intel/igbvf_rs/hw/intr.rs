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

use kernel::{
    num::Bounded,
    prelude::*, //
};

use crate::regs::{
    EIAC,
    EIAM,
    EICR,
    EICS,
    EIMC,
    EIMS,
    EITR,
    VTIVAR,
    VTIVAR_MISC, //
};

use super::Hw;

impl Hw<'_> {
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

    /// Makes the causes of the vectors in `mask` clear themselves, and the vectors disable
    /// themselves, when they fire.
    ///
    /// QEMU does the first only: a handler may run again before it has enabled its vector.
    pub(crate) fn auto_clear_vectors(&self, mask: u32) -> Result {
        let mask = vectors(mask);

        self.regs.write(EIAC::zeroed().with_vectors(mask))?;
        self.regs.write(EIAM::zeroed().with_vectors(mask))
    }

    /// Enables the vectors in `mask`. Any context.
    #[inline]
    pub(crate) fn enable_vectors(&self, mask: u32) {
        self.regs.post(EIMS::zeroed().with_vectors(vectors(mask)));
    }

    /// Disables the vectors in `mask`. Any context.
    #[inline]
    pub(crate) fn disable_vectors(&self, mask: u32) {
        self.regs.post(EIMC::zeroed().with_vectors(vectors(mask)));
    }

    /// Fires the vectors in `mask`. Any context.
    #[inline]
    pub(crate) fn trigger_vectors(&self, mask: u32) {
        self.regs.post(EICS::zeroed().with_vectors(vectors(mask)));
    }

    /// Turns off every interrupt and forgets those pending.
    pub(crate) fn disable_all_interrupts(&self) -> Result {
        self.regs
            .write(EIMC::zeroed().with_vectors(vectors(VF_EIMS_ALL)))?;
        self.regs.write(EIAC::zeroed())?;
        self.regs.write(EIAM::zeroed())?;
        self.regs.flush()?;
        self.regs
            .write(EICR::zeroed().with_vectors(vectors(VF_EIMS_ALL)))
    }

    /// Sets the least time between interrupts of `vector`. Any context.
    pub(crate) fn set_moderation(&self, vector: u8, interval: Interval) -> Result {
        self.regs
            .write_at(usize::from(vector), EITR::from(interval.eitr()))
    }
}

/// Returns the vectors of `mask` that exist.
#[inline(always)]
fn vectors(mask: u32) -> Bounded<u32, 3> {
    Bounded::<u32, 3>::from_expr(mask & VF_EIMS_ALL)
}
