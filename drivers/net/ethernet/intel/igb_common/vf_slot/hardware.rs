// SPDX-License-Identifier: GPL-2.0

//! What the registers have to hold for a VF.

use super::{
    Filters,
    VfSlot,
    VfState, //
};
use crate::frame::MAX_FRAME;

/// Hardware state that has to be written, as a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Effects(u16);

impl Effects {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Receive addresses: flush [`Filters::rar`].
    pub const RAR: Self = Self(1 << 0);
    /// VLAN filters: flush [`Filters::vlan`].
    pub const VLAN: Self = Self(1 << 1);
    /// The multicast table: rebuild from all slots' [`VfSlot::hashes`].
    pub const MULTICAST: Self = Self(1 << 2);
    /// VMOLR of the pool: [`VfSlot::vmolr`].
    pub const VMOLR: Self = Self(1 << 3);
    /// VMVIR of the pool: [`VfSlot::vmvir`].
    pub const VMVIR: Self = Self(1 << 4);
    /// VFRE and VFTE: [`VfSlot::queues_enabled`].
    pub const QUEUES: Self = Self(1 << 5);
    /// DTXSWC: [`VfSlot::spoof_check`].
    pub const SPOOF: Self = Self(1 << 6);
    /// Transmit rate: [`VfSlot::rttbcnrc`].
    pub const RATE: Self = Self(1 << 7);
    /// Everything else a VF's driver may have left in the registers of its queues (SRRCTL, RXDCTL,
    /// RXCTL, TXCTL, TDWBAL, TDWBAH, PSRTYPE): reset it before the queues are enabled.
    pub const SCRUB: Self = Self(1 << 8);
    /// Everything.
    pub const ALL: Self = Self(0x1ff);

    /// Both sets together.
    #[inline]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in the set.
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is nothing in it.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl VfSlot {
    /// The VF's multicast hashes.
    #[inline]
    pub fn hashes(&self) -> &[u16] {
        self.hashes.as_slice()
    }

    /// Whether the VF's bits in VFRE and VFTE shall be set.
    #[inline]
    pub fn queues_enabled(&self) -> bool {
        self.clear_to_send()
    }

    /// The VF's bits in DTXSWC: MAC and VLAN anti-spoofing.
    #[inline]
    pub const fn spoof_check(&self) -> u32 {
        match (self.state, self.admin.spoof_check) {
            (VfState::Inactive, _) | (_, false) => 0,
            // MAC in bits 7:0, VLAN in 15:8.
            _ => 0x0101 << (self.vf & 7),
        }
    }

    /// VMOLR of the VF's pool.
    pub fn vmolr(&self, ctx: &Filters) -> u32 {
        const LPE: u32 = 1 << 16;
        const AUPE: u32 = 1 << 24;
        const ROMPE: u32 = 1 << 25;
        const BAM: u32 = 1 << 27;
        const MPME: u32 = 1 << 28;
        const STRVLAN: u32 = 1 << 30;
        const STRCRC: u32 = 1 << 31;

        if self.state == VfState::Inactive {
            return 0;
        }
        let mut value = u32::from(self.max_frame.min(MAX_FRAME)) | LPE | BAM | STRCRC;
        if self.admin.port_vid() == 0 {
            value |= AUPE;
        }
        if self.admin.vlan.is_some() || ctx.vlan.of_vf(self.vf).next().is_some() {
            value |= STRVLAN;
        }
        if self.multicast_promisc || self.hashes.overflowed() {
            value |= MPME;
        } else if !self.hashes().is_empty() {
            value |= ROMPE;
        }
        value
    }

    /// VMVIR of the VF's pool: the tag all its frames get.
    pub const fn vmvir(&self) -> u32 {
        const VLANA_ALWAYS: u32 = 1 << 30;
        match self.admin.vlan {
            // CAST: widening.
            Some(vlan) => vlan.tag() as u32 | VLANA_ALWAYS,
            None => 0,
        }
    }

    /// RTTBCNRC for the VF's hardware queue `queue` when the link does `link_mbps`: 0, no limit, if none is
    /// set or the link is slower.
    ///
    /// The second queue, which no driver uses, would be a way round the limit: it gets the least there is.
    pub fn rttbcnrc(&self, queue: u8, link_mbps: u32) -> u32 {
        const RS_ENA: u32 = 1 << 31;
        const RF_INT_SHIFT: u32 = 14;
        const RF_INT_MAX: u32 = 0x3ff;
        let rate = self.admin.max_tx_rate;
        match (
            link_mbps.checked_div(rate),
            // The fraction in units of 2^-14. At most 16383.
            link_mbps
                .checked_rem(rate)
                .and_then(|rest| (u64::from(rest) << RF_INT_SHIFT).checked_div(u64::from(rate))),
        ) {
            (Some(1..=RF_INT_MAX), Some(_)) if queue != self.vf => {
                RS_ENA | (RF_INT_MAX << RF_INT_SHIFT)
            }
            (Some(whole @ 1..=RF_INT_MAX), Some(fraction)) => {
                // CAST: 14 bits.
                RS_ENA | (whole << RF_INT_SHIFT) | fraction as u32
            }
            _ => 0,
        }
    }
}
