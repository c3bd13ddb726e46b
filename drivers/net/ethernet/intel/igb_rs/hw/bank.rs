// SPDX-License-Identifier: GPL-2.0

//! Carrying out what [`VfBank::flush`](igb_common::vf_bank::VfBank::flush) asks for: shared
//! filters and whatever belongs to a virtual function.

use igb_common::{
    layout::Layout,
    vf_bank::Write,
    vlan::VlanWrite, //
};

use kernel::prelude::*;

use crate::regs::{
    filter::{
        MTA,
        VFTA, //
    },
    mbx::{
        VFRE,
        VFTE, //
    },
    tx::{
        RTTBCNRC,
        RTTBCNRM,
        RTTDQSEL, //
    },
    virt::{
        DTXSWC,
        VLVF,
        VMOLR,
        VMVIR, //
    },
};

use super::Hw;

/// Memory window of the rate limiter, for frames of up to 9.5 KiB (82576 datasheet 8.12).
const RATE_WINDOW: u32 = 0x14;

impl Hw<'_> {
    /// Does what `write` says. Sleeps. `unread` is as for [`Self::mailbox_insist`].
    ///
    /// `EBUSY` for a notice if the virtual function does not let go of its mailbox, `ETIMEDOUT` for scrubbing
    /// if a queue of its does not stop.
    pub(crate) fn apply(&self, write: &Write, unread: u8) -> Result {
        match *write {
            Write::Queues(pools) => {
                self.regs.write(VFRE::from(pools))?;
                self.regs.write(VFTE::from(pools))
            }
            Write::Rar { index, ral, rah } => self.write_rar(index.into(), ral, rah),
            Write::Vlan(VlanWrite::Vlvf(index, value)) => {
                self.regs.write_at(index.into(), VLVF::from(value))
            }
            Write::Vlan(VlanWrite::Vfta(index, value)) => {
                self.regs.write_at(index.into(), VFTA::from(value))
            }
            Write::Mta { index, value } => self.regs.write_at(index.into(), MTA::from(value)),
            Write::Vmolr { pool, value } => self.regs.write_at(pool.into(), VMOLR::from(value)),
            Write::Vmvir { pool, value } => self.regs.write_at(pool.into(), VMVIR::from(value)),
            Write::Spoof(value) => self.regs.write(DTXSWC::from(value)),
            Write::Rate { queue, value } => self.set_rate(queue, RTTBCNRC::from(value)),
            Write::Scrub { vf } => self.scrub_vf(vf),
            Write::Notice { vf, reply } => self.mailbox_insist(vf, reply, unread),
        }
    }

    /// Limits what queue `queue` sends. QEMU has no rate limiter.
    fn set_rate(&self, queue: u8, rate: RTTBCNRC) -> Result {
        self.regs.write(RTTBCNRM::from(RATE_WINDOW))?;
        self.regs.write(RTTDQSEL::zeroed().try_with_queue(queue)?)?;
        self.regs.write(rate)
    }

    /// Wipes what the driver of virtual function `vf` left in the registers of its queues, all of them
    /// whatever becomes of one.
    fn scrub_vf(&self, vf: u8) -> Result {
        let mut result = Ok(());
        for queue in Layout::pool_queues(vf) {
            result = result.and(self.scrub_queue(queue));
        }
        result
    }
}
