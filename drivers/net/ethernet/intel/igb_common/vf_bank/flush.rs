// SPDX-License-Identifier: GPL-2.0

//! What has to be done to the hardware, and in which order.

use super::VfBank;
use crate::{
    layout::Layout,
    mbx::Reply,
    vf_slot::{
        Effects,
        Filters,
        VfSlot, //
    },
    vlan::VlanWrite, //
};

/// Something to do to the hardware.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Write {
    /// Write `value` to VFRE and VFTE.
    Queues(u32),
    /// Write RAL(index), then RAH(index).
    Rar {
        /// Which entry.
        index: u8,
        /// RAL.
        ral: u32,
        /// RAH.
        rah: u32,
    },
    /// Write VLVF or VFTA.
    Vlan(VlanWrite),
    /// Write MTA(index).
    Mta {
        /// Which register.
        index: u8,
        /// Its value.
        value: u32,
    },
    /// Write VMOLR(pool).
    Vmolr {
        /// Which pool.
        pool: u8,
        /// Its value.
        value: u32,
    },
    /// Write VMVIR(pool).
    Vmvir {
        /// Which pool.
        pool: u8,
        /// Its value.
        value: u32,
    },
    /// Write DTXSWC.
    Spoof(u32),
    /// Write RTTBCNRC of the transmit queue (selected with RTTDQSEL).
    Rate {
        /// Which queue.
        queue: u8,
        /// RTTBCNRC.
        value: u32,
    },
    /// Bring SRRCTL, RXDCTL, RXCTL, TXDCTL, TXCTL, TDWBAL, TDWBAH of both queues of the VF, and its
    /// PSRTYPE, into their reset state.
    Scrub {
        /// Which VF.
        vf: u8,
    },
    /// Send a message to the VF.
    Notice {
        /// Which VF.
        vf: u8,
        /// What to send.
        reply: Reply,
    },
}

/// VFRE and VFTE after a reset.
pub(super) const ALL_QUEUES: u32 = 0xff;

impl VfBank {
    /// Calls `write` for everything that has to be done, in an order in which no queue runs with
    /// another's filters or a former owner's settings. `link_mbps` is the link's speed, 0 if down.
    ///
    /// `write` says whether it was done, which matters for [`Write::Scrub`] alone. Returns the VFs, a bit
    /// each, that could not be scrubbed: their queues stay off, and each has to RESET.
    pub fn flush(&mut self, link_mbps: u32, mut write: impl FnMut(Write) -> bool) -> u8 {
        let mut queues = core::mem::take(&mut self.common);
        let mut spoof = queues;
        let mut scrubbed = 0;
        for (slot, pending) in self.slots.iter().zip(&self.pending) {
            queues |= pending.contains(Effects::QUEUES);
            spoof |= pending.contains(Effects::SPOOF);
            // The pool after the last VF is the PF's.
            if pending.contains(Effects::SCRUB) && slot.vf() < self.layout.vfs() {
                scrubbed |= 1 << (slot.vf() & 7);
            }
        }

        let running = self.queues & self.queues_enabled() & !scrubbed;
        if queues && running != self.queues {
            write(Write::Queues(running));
        }
        self.filters.rar.flush(|index, ral, rah| {
            write(Write::Rar { index, ral, rah });
        });
        self.filters.vlan.flush(|vlan_write| {
            write(Write::Vlan(vlan_write));
        });
        self.multicast.flush(|index, value| {
            write(Write::Mta { index, value });
        });
        let mut shut_out = 0;
        for (slot, pending) in self.slots.iter_mut().zip(&mut self.pending) {
            let effects = core::mem::take(pending);
            if !write_slot(slot, effects, &self.filters, link_mbps, &mut write) {
                slot.shut_out();
                shut_out |= 1 << (slot.vf() & 7);
            }
        }
        if spoof {
            write(Write::Spoof(self.dtxswc()));
        }
        if queues {
            self.queues = self.queues_enabled();
            write(Write::Queues(self.queues));
        }
        for (vf, notice) in (0u8..).zip(&mut self.notices) {
            if let Some(reply) = notice.take() {
                write(Write::Notice { vf, reply });
            }
        }
        shut_out
    }

    /// VFRE and VFTE: the PF's pool and the VFs that may run. Without VFs all bits, as after a reset.
    fn queues_enabled(&self) -> u32 {
        if !self.layout.has_vfs() {
            return ALL_QUEUES;
        }
        self.slots
            .iter()
            .filter(|slot| slot.queues_enabled())
            .fold(1 << (self.layout.pf_pool() & 7), |bits, slot| {
                bits | (1 << (slot.vf() & 7))
            })
    }

    /// DTXSWC: the VFs' anti-spoofing, and switching between pools if there are any.
    fn dtxswc(&self) -> u32 {
        const LOOPBACK_EN: u32 = 1 << 31;
        let start = if self.layout.has_vfs() {
            LOOPBACK_EN
        } else {
            0
        };
        self.slots
            .iter()
            .fold(start, |bits, slot| bits | slot.spoof_check())
    }
}

/// Writes what belongs to a VF's pool. Returns whether its queues are scrubbed, if they had to be.
fn write_slot(
    slot: &VfSlot,
    effects: Effects,
    filters: &Filters,
    link_mbps: u32,
    write: &mut impl FnMut(Write) -> bool,
) -> bool {
    let vf = slot.vf();
    let active = slot.ping().is_some();
    // Without a VF the pool may be the PF's, which writes its own VMOLR, and so may be the queues.
    if active && effects.contains(Effects::VMOLR) {
        let value = slot.vmolr(filters);
        write(Write::Vmolr { pool: vf, value });
    }
    if effects.contains(Effects::VMVIR) {
        let value = slot.vmvir();
        write(Write::Vmvir { pool: vf, value });
    }
    if effects.contains(Effects::RATE) {
        // Those of a VF that is gone are the PF's now, without a limit.
        for queue in Layout::pool_queues(vf) {
            let value = slot.rttbcnrc(queue, link_mbps);
            write(Write::Rate { queue, value });
        }
    }
    !(active && effects.contains(Effects::SCRUB)) || write(Write::Scrub { vf })
}
