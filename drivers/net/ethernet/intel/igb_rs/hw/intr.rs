// SPDX-License-Identifier: GPL-2.0

//! Interrupt vectors (82576 datasheet 7.3, 8.8). MSI-X only.

use kernel::{
    num::Bounded,
    prelude::*, //
};

use crate::regs::intr::{
    EIAC,
    EIAM,
    EICR,
    EICS,
    EIMC,
    EIMS,
    EITR,
    GPIE,
    ICR,
    IMC,
    IMS,
    IVAR,
    IVAR_MISC, //
};

use super::Hw;

/// Vectors of the function.
pub(crate) const VECTORS: u8 = 25;

/// Marks a byte of IVAR as in use.
const IVAR_VALID: u8 = 0x80;

/// Queues whose vectors are in the low half of an IVAR register.
const IVAR_LOW_QUEUES: u8 = 8;

/// Longest moderation interval the register holds, in microseconds.
const EITR_MAX_USECS: u32 = 8191;

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

    /// A virtual function sent or acknowledged a message or was reset.
    pub(crate) fn mailbox(self) -> bool {
        self.0.vmmb()
    }

    /// Something else has reset the device.
    pub(crate) fn device_reset(self) -> bool {
        self.0.drsta()
    }

    /// A virtual function sent a packet with a false address or VLAN, or DMA lost step.
    pub(crate) fn spoof(self) -> bool {
        self.0.doutsync()
    }
}

/// Direction of a queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Rx,
    Tx,
}

impl Hw<'_> {
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

    /// Sends the interrupts of receive queue `queue` to `vector`.
    pub(crate) fn map_rx(&self, queue: u8, vector: u8) -> Result {
        self.map_queue(queue, Direction::Rx, valid_entry(vector)?)
    }

    /// Sends the interrupts of transmit queue `queue` to `vector`.
    pub(crate) fn map_tx(&self, queue: u8, vector: u8) -> Result {
        self.map_queue(queue, Direction::Tx, valid_entry(vector)?)
    }

    /// Takes the vectors from both directions of queue `queue`.
    pub(crate) fn unmap_queue(&self, queue: u8) -> Result {
        self.map_queue(queue, Direction::Rx, 0)?;
        self.map_queue(queue, Direction::Tx, 0)
    }

    fn map_queue(&self, queue: u8, direction: Direction, entry: u8) -> Result {
        if queue >= super::queues::QUEUES {
            return Err(EINVAL);
        }

        // 82576 datasheet 7.3.1.2, 8.8.13.
        let high = queue >= IVAR_LOW_QUEUES;
        let index = usize::from(queue % IVAR_LOW_QUEUES);
        self.regs
            .update_at::<IVAR>(index, |r| match (direction, high) {
                (Direction::Rx, false) => r.with_rx_low(entry),
                (Direction::Tx, false) => r.with_tx_low(entry),
                (Direction::Rx, true) => r.with_rx_high(entry),
                (Direction::Tx, true) => r.with_tx_high(entry),
            })
    }

    /// Sends link, mailbox and error interrupts to `vector`.
    pub(crate) fn map_other(&self, vector: u8) -> Result {
        let entry = valid_entry(vector)?;
        self.regs.write(IVAR_MISC::zeroed().with_other(entry))
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

    /// Lets link changes, resets and spoof events, and with `mailbox` the virtual functions,
    /// raise the "other" interrupt.
    pub(crate) fn enable_causes(&self, mailbox: bool) -> Result {
        self.regs.write(
            IMS::zeroed()
                .with_drsta(true)
                .with_doutsync(true)
                .with_vmmb(mailbox)
                .with_lsc(true),
        )
    }

    /// Turns off every interrupt and forgets those pending.
    pub(crate) fn disable_all_interrupts(&self) -> Result {
        self.regs.write(EIMC::from(u32::MAX))?;
        self.regs.write(IMC::from(u32::MAX))?;
        self.regs.write(EIAC::zeroed())?;
        self.regs.write(EIAM::zeroed())?;
        self.regs.flush()?;
        self.regs.read::<ICR>()?;
        self.regs.write(EICR::from(u32::MAX))
    }

    /// Takes the causes of the "other" interrupt; reading clears them. Any context.
    pub(crate) fn take_causes(&self) -> Causes {
        self.regs.read().map_or(Causes::NONE, Causes)
    }

    /// Sets the least time between interrupts of `vector` in microseconds, 0 for none. Any
    /// context.
    ///
    /// QEMU counts about four times as long.
    pub(crate) fn set_moderation(&self, vector: u8, usecs: u32) {
        let interval = Bounded::<u32, 13>::try_new(usecs.min(EITR_MAX_USECS));
        let value = EITR::zeroed()
            .with_cnt_ignr(true)
            .with_interval(interval.unwrap_or(Bounded::<u32, 13>::new::<0>()));

        // A lost device drops the write, and a vector that does not exist needs no moderation.
        let _ = self.regs.write_at(usize::from(vector), value);
    }
}

/// Returns the vectors of `mask` that exist.
#[inline(always)]
fn vectors(mask: u32) -> Bounded<u32, 25> {
    Bounded::<u32, 25>::from_expr(mask & ((1 << VECTORS) - 1))
}

/// Returns the IVAR byte for `vector`.
fn valid_entry(vector: u8) -> Result<u8> {
    if vector >= VECTORS {
        return Err(EINVAL);
    }
    Ok(vector | IVAR_VALID)
}
