// SPDX-License-Identifier: GPL-2.0

//! Hash tables and VLAN filters (82576 datasheet 7.1.1, 7.4.4, 7.10.3).

use kernel::prelude::*;

use crate::regs::{
    filter::{
        MTA,
        UTA,
        VFTA, //
    },
    rx::RCTL,
    virt::VLVF, //
};

use super::{
    rar::RAR_ENTRIES,
    Hw, //
};

/// Words of MTA, and of VFTA.
pub(crate) const TABLE_WORDS: usize = 128;

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
    /// Sets what the port receives besides its own addresses. The device ignores the promiscuous
    /// bits while it has pools.
    pub(crate) fn set_rx_mode(&self, mode: RxMode) -> Result {
        self.regs.update::<RCTL>(|r| {
            r.with_vfe(mode.vlan_filter)
                .with_mpe(mode.multicast_promisc)
                .with_upe(mode.unicast_promisc)
        })
    }

    /// Writes the multicast hash table.
    pub(crate) fn write_mta(&self, table: &[u32; TABLE_WORDS]) -> Result {
        for (index, &bits) in table.iter().enumerate() {
            self.regs.write_at(index, MTA::from(bits))?;
        }
        Ok(())
    }

    /// Makes all (`true`) or no unicast packets match the unicast hash table, for pools that ask
    /// for it.
    pub(crate) fn write_uta(&self, all: bool) -> Result {
        self.regs.fill::<UTA>(if all { u32::MAX } else { 0 })
    }

    /// Writes word `word` of the VLAN table: VLANs 32 * `word` to 32 * `word` + 31.
    pub(crate) fn set_vfta(&self, word: usize, bits: u32) -> Result {
        self.regs.write_at(word, VFTA::from(bits))
    }

    /// Makes the pools in the mask `pools` members of VLAN `vid`, as entry `entry`. The VLAN must
    /// be in the VLAN table as well.
    pub(crate) fn set_vlvf(&self, entry: usize, vid: u16, pools: u8) -> Result {
        self.regs.write_at(
            entry,
            VLVF::zeroed()
                .with_vi_en(true)
                .with_poolsel(pools)
                .try_with_vlan_id(vid)?,
        )
    }

    /// Clears entry `entry` of the pools' VLANs.
    pub(crate) fn clear_vlvf(&self, entry: usize) -> Result {
        self.regs.write_at(entry, VLVF::zeroed())
    }

    /// Empties every filter but receive address 0, which the device has from its NVM.
    pub(super) fn clear_filters(&self) -> Result {
        for index in 1..RAR_ENTRIES {
            self.clear_rar(index)?;
        }
        self.regs.fill::<MTA>(0)?;
        self.regs.fill::<UTA>(0)?;
        self.regs.fill::<VFTA>(0)?;
        self.regs.fill::<VLVF>(0)
    }
}
