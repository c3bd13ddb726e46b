// SPDX-License-Identifier: GPL-2.0

//! The hardware of the physical function: sequences of register accesses, with the waits and the
//! errata of the 82576. Knows neither the network stack nor packets.
//!
//! # Locking
//!
//! Methods that change registers, in particular those that read them first, are for one caller at
//! a time: the adapter calls them under its configuration lock. Methods that say "any context"
//! are single accesses and need no lock.
//!
//! # Errors
//!
//! `ENODEV` once the device does not answer any more, `EINVAL` for an index that does not exist,
//! `ETIMEDOUT` where the device does not do what it should in time. Every wait is bounded.

use igb_hw::access::Registers;

use kernel::{
    device::Bound,
    pci,
    prelude::*,
    sync::Arc, //
};

use crate::regs::{
    ctrl::CTRL_EXT,
    Bar,
    BAR_SIZE, //
};

mod bank;
mod dump;
mod filter;
mod intr;
mod led;
mod link;
mod mac;
mod mbx;
mod nvm;
mod phy;
mod queues;
mod rss;
mod selftest;
mod stats;
mod swfw;
mod vmdq;

pub(crate) use igb_hw::link::Link;

pub(crate) use self::{
    dump::{
        DUMP_VERSION,
        DUMP_WORDS, //
    },
    filter::RxMode,
    intr::VectorTimer,
    led::Lights,
    link::{
        Crossover,
        FlowControl,
        LinkConfig,
        LinkMode,
        Modes,
        PhyLink, //
    },
    nvm::{
        BoardId,
        NvmVersion, //
    },
    queues::Tail,
    stats::HwStats,
    vmdq::{
        PoolConfig,
        REUSE_MS, //
    }, //
};

/// The physical function's registers and what is done with them.
pub(crate) struct Hw<'bound> {
    regs: Arc<Registers<'bound, BAR_SIZE>>,
}

impl<'bound> Hw<'bound> {
    /// Takes over the registers `bar` of `dev`. Changes nothing in the device.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the device reads all ones, `EOPNOTSUPP` if its port is not the copper one.
    pub(crate) fn new(dev: &'bound pci::Device<Bound>, bar: Bar<'bound>) -> Result<Self> {
        let hw = Self {
            regs: Arc::new(Registers::new(dev, bar)?, GFP_KERNEL)?,
        };

        // 82576 datasheet 8.2.3, CTRL_EXT.LINK_MODE.
        if hw.regs.read::<CTRL_EXT>()?.link_mode() != 0 {
            dev_err!(
                dev,
                "port is not in copper mode, which is the only one supported\n"
            );
            return Err(EOPNOTSUPP);
        }
        Ok(hw)
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
}
