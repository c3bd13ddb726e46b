// SPDX-License-Identifier: GPL-2.0

//! Filters of received packets: addresses, hash tables, VLANs (82576 datasheet 7.1.1, 7.4.4,
//! 7.10.3, 8.10.15).

use igb_common::rar::RAR_ENTRIES;

use kernel::prelude::*;

use crate::regs::{
    filter::{
        MTA,
        RAH,
        RAH2,
        RAL,
        RAL2,
        UTA,
        VFTA, //
    },
    rx::RCTL,
    virt::VLVF, //
};

use super::Hw;

/// Receive addresses in the first of their two register arrays.
const FIRST_RAR_ARRAY: usize = 16;

/// What the port receives besides its own addresses.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RxMode {
    /// All unicast.
    pub(crate) unicast_promisc: bool,
    /// All multicast.
    pub(crate) multicast_promisc: bool,
    /// Only the VLANs in the table.
    pub(crate) vlan_filter: bool,
}

impl Hw<'_> {
    /// Sets what the port receives besides its own addresses. Of that, while the device has pools, each
    /// gets what it asks for, and the default pool what none does. QEMU ignores the promiscuous bits then.
    pub(crate) fn set_rx_mode(&self, mode: RxMode) -> Result {
        self.regs.update::<RCTL>(|r| {
            r.with_vfe(mode.vlan_filter)
                .with_mpe(mode.multicast_promisc)
                .with_upe(mode.unicast_promisc)
        })
    }

    /// Makes all (`true`) or no unicast packets match the unicast hash table, for pools that ask
    /// for it.
    pub(crate) fn write_uta(&self, all: bool) -> Result {
        self.regs.fill::<UTA>(if all { u32::MAX } else { 0 })
    }

    /// Empties every filter but receive address 0, which the device has from its NVM.
    pub(super) fn clear_filters(&self) -> Result {
        for index in 1..RAR_ENTRIES {
            self.write_rar(index, 0, 0)?;
        }
        self.regs.fill::<MTA>(0)?;
        self.regs.fill::<UTA>(0)?;
        self.regs.fill::<VFTA>(0)?;
        self.regs.fill::<VLVF>(0)
    }

    /// Writes a receive address so that it at no time matches a mixture of two addresses.
    pub(super) fn write_rar(&self, index: usize, low: u32, high: u32) -> Result {
        self.write_rah(index, 0)?;
        // A bridge may merge writes to neighbouring registers, which the device cannot take.
        self.regs.flush()?;
        self.write_ral(index, low)?;
        if high == 0 {
            return Ok(());
        }
        self.regs.flush()?;
        self.write_rah(index, high)
    }

    fn write_ral(&self, index: usize, value: u32) -> Result {
        match index.checked_sub(FIRST_RAR_ARRAY) {
            None => self.regs.write_at(index, RAL::from(value)),
            Some(index) => self.regs.write_at(index, RAL2::from(value)),
        }
    }

    fn write_rah(&self, index: usize, value: u32) -> Result {
        match index.checked_sub(FIRST_RAR_ARRAY) {
            None => self.regs.write_at(index, RAH::from(value)),
            Some(index) => self.regs.write_at(index, RAH2::from(value)),
        }
    }
}
