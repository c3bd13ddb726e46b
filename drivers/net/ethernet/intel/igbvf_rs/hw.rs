// SPDX-License-Identifier: GPL-2.0

//! The hardware of the virtual function: sequences of register accesses. Knows neither the
//! network stack nor packets, nor what the messages in the mailbox mean.
//!
//! # Locking
//!
//! Methods that change registers are for one caller at a time: the adapter calls them under its
//! configuration lock. Methods that say "any context" are single accesses and need no lock.
//!
//! # Errors
//!
//! `ENODEV` once the device does not answer any more, `EINVAL` for an index that does not exist,
//! `ETIMEDOUT` where the device or the physical function's driver does not do what it should in
//! time. Every wait is bounded.

use igb_hw::{
    access::{
        Block,
        Registers, //
    },
    link::Link,
    vf_stats::{
        VfCounters,
        VfStats, //
    },
};

use kernel::{
    device::Bound,
    pci,
    prelude::*,
    sync::Arc,
    time::{
        delay::fsleep,
        Delta, //
    },
};

use crate::regs::{
    Bar,
    BAR_SIZE,
    CTRL, //
};

mod dump;
mod intr;
mod mailbox;
mod queues;

pub(crate) use self::{
    dump::{
        DUMP_VERSION,
        DUMP_WORDS, //
    },
    intr::VectorTimer,
    mailbox::Mailbox,
    queues::Tail, //
};

/// Where the counters are: the layout that [`VfCounters`] describes starts here.
const COUNTERS: usize = 0xf00;

/// The virtual function's registers and what is done with them.
pub(crate) struct Hw<'bound> {
    regs: Arc<Registers<'bound, BAR_SIZE>>,
}

impl<'bound> Hw<'bound> {
    /// Takes over the registers `bar` of `dev`. Changes nothing in the device.
    ///
    /// `ENODEV` if the device reads all ones.
    pub(crate) fn new(dev: &'bound pci::Device<Bound>, bar: Bar<'bound>) -> Result<Self> {
        Ok(Self {
            regs: Arc::new(Registers::new(dev, bar)?, GFP_KERNEL)?,
        })
    }

    /// Returns whether the device has stopped answering. Any context.
    #[inline]
    pub(crate) fn is_gone(&self) -> bool {
        self.regs.is_gone()
    }

    /// Asks the device for a sign of life and returns whether it gave one. Any context.
    pub(crate) fn check_alive(&self) -> bool {
        self.regs.check_alive()
    }

    /// Keeps everybody from the device until [`Self::readmit`]. Any context.
    pub(crate) fn block(&self) {
        self.regs.block();
    }

    /// Allows access again if the device answers; it has to be reset then. `ENODEV` if it does not.
    pub(crate) fn readmit(&self) -> Result {
        self.regs.readmit()
    }

    /// Resets the function: interrupts masked, queues off, vectors unmapped. The physical
    /// function's driver is told and clears the filters. What came by mailbox is forgotten. Sleeps.
    ///
    /// `ETIMEDOUT` if the physical function is in reset or has no driver: the function is reset,
    /// but nobody answers its messages yet.
    pub(crate) fn reset(&self, mailbox: &mut Mailbox) -> Result {
        self.disable_all_interrupts()?;

        // 82576 datasheet 4.2.1.6.2: nothing may be accessed for 1 ms.
        self.regs.write(CTRL::zeroed().with_rst(true))?;
        fsleep(Delta::from_millis(2));
        self.disable_all_interrupts()?;

        self.mailbox_restart(mailbox)
    }

    /// Returns the link, which is that of the port, `None` if it is down. Any context.
    pub(crate) fn link_state(&self) -> Result<Option<Link>> {
        self.regs.link_state()
    }

    /// Adds what the device has counted since the last call to `stats`.
    pub(crate) fn update_stats(&self, stats: &mut VfStats) -> Result {
        self.regs.read_vf_stats(counters()?, stats)
    }

    /// As [`Self::update_stats`], after a reset of this or the physical function, which may have
    /// cleared the counters.
    pub(crate) fn restart_stats(&self, stats: &mut VfStats) -> Result {
        self.regs.restart_vf_stats(counters()?, stats)
    }
}

/// Returns where the counters are.
fn counters() -> Result<Block<VfCounters>> {
    Block::new(COUNTERS, 0, 1, 0)
}
