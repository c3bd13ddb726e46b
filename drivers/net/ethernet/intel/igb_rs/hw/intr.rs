// SPDX-License-Identifier: GPL-2.0

//! Interrupt vectors (82576 datasheet 7.3, 8.8). MSI-X only.

use igb_common::{
    itr::Interval,
    layout::{
        ivar_misc,
        IvarEntry, //
    },
};

use igb_hw::intr;

use kernel::prelude::*;

use crate::regs::{
    intr::{
        GPIE,
        ICR,
        IMC,
        IMS,
        IVAR,
        IVAR_MISC, //
    },
    BAR_SIZE, //
};

use super::Hw;

/// The timer of a vector.
pub(crate) type VectorTimer<'bound> = intr::VectorTimer<'bound, BAR_SIZE>;

/// Causes of the "other" interrupt.
#[derive(Clone, Copy)]
pub(crate) struct Causes(ICR);

impl Causes {
    /// No cause.
    pub(crate) const NONE: Self = Self(ICR::from_raw(0));

    /// The link went up or down.
    pub(crate) fn link_change(self) -> bool {
        self.0.lsc()
    }

    /// Something else has reset the device.
    pub(crate) fn device_reset(self) -> bool {
        self.0.drsta()
    }
}

impl<'bound> Hw<'bound> {
    /// Puts the function in MSI-X mode. Must come before vectors are mapped: the settings would
    /// not stick otherwise.
    pub(crate) fn setup_msix(&self) -> Result {
        // 82576 datasheet 7.3.2.11.
        self.regs.write(
            GPIE::zeroed()
                .with_pba(true)
                .with_eiame(true)
                .with_multiple_msix(true)
                .with_nsicr(true),
        )
    }

    /// Whether the device was reset since [`Self::setup_msix`].
    pub(crate) fn was_reset(&self) -> Result<bool> {
        Ok(!self.regs.read::<GPIE>()?.multiple_msix())
    }

    /// Sends the interrupts of receive queue `queue` to `vector`.
    pub(crate) fn map_rx(&self, queue: u8, vector: u8) -> Result {
        self.map_queue(IvarEntry::rx(queue), vector)
    }

    /// Sends the interrupts of transmit queue `queue` to `vector`.
    pub(crate) fn map_tx(&self, queue: u8, vector: u8) -> Result {
        self.map_queue(IvarEntry::tx(queue), vector)
    }

    fn map_queue(&self, entry: IvarEntry, vector: u8) -> Result {
        // 82576 datasheet 7.3.1.2, 8.8.13.
        self.regs.update_at::<IVAR>(entry.register.into(), |r| {
            entry.insert(r.into(), vector).into()
        })
    }

    /// Takes the vectors from both directions of queue `queue`.
    pub(crate) fn unmap_queue(&self, queue: u8) -> Result {
        for entry in [IvarEntry::rx(queue), IvarEntry::tx(queue)] {
            self.regs
                .update_at::<IVAR>(entry.register.into(), |r| entry.remove(r.into()).into())?;
        }
        Ok(())
    }

    /// Sends link, mailbox and error interrupts to `vector`.
    pub(crate) fn map_other(&self, vector: u8) -> Result {
        self.regs.write(IVAR_MISC::from(ivar_misc(vector)))
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

    /// Lets link changes and resets, and with `mailbox` the virtual functions, raise the "other"
    /// interrupt. Spoof events do not: a virtual function can make as many as it sends packets.
    pub(crate) fn enable_causes(&self, mailbox: bool) -> Result {
        self.regs.write(
            IMS::zeroed()
                .with_drsta(true)
                .with_vmmb(mailbox)
                .with_lsc(true),
        )
    }

    /// Turns off every interrupt and forgets those pending.
    pub(crate) fn disable_all_interrupts(&self) -> Result {
        self.regs.write(IMC::from(u32::MAX))?;
        self.regs.silence_vectors(u32::MAX)?;
        self.regs.read::<ICR>()?;
        self.regs.forget_vectors(u32::MAX)
    }

    /// Takes the causes of the "other" interrupt; reading clears them. Any context.
    pub(crate) fn take_causes(&self) -> Causes {
        self.regs.read().map_or(Causes::NONE, Causes)
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
