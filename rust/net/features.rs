// SPDX-License-Identifier: GPL-2.0

//! Offload features of a network device.
//!
//! C header: [`include/linux/netdev_features.h`](srctree/include/linux/netdev_features.h)

use core::ops::{
    BitAnd,
    BitOr,
    BitXor, //
};

use crate::raw;

/// A set of `NETIF_F_*` bits.
///
/// # Examples
///
/// ```
/// use nic::net::features::{HW_CSUM, SG, TSO};
///
/// let offered = SG | HW_CSUM | TSO;
/// assert!(offered.contains(SG | TSO));
/// assert!(!offered.without(TSO).contains(TSO));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Features(pub(super) u64);

impl Features {
    /// No feature.
    pub const NONE: Self = Self(0);

    const fn bit(n: u32) -> Self {
        Self(1 << n)
    }

    /// The union, usable in constants.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in `self`.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// `self` without `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Features {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Features {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitXor for Features {
    type Output = Self;

    fn bitxor(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }
}

/// Scattered buffers.
pub const SG: Features = Features::bit(raw::NETIF_F_SG_BIT);
/// Packets made of lists of buffers.
pub const FRAGLIST: Features = Features::bit(raw::NETIF_F_FRAGLIST_BIT);
/// Buffers anywhere in memory.
pub const HIGHDMA: Features = Features::bit(raw::NETIF_F_HIGHDMA_BIT);
/// One's complement checksum at any offset.
pub const HW_CSUM: Features = Features::bit(raw::NETIF_F_HW_CSUM_BIT);
/// SCTP's CRC32c.
pub const SCTP_CRC: Features = Features::bit(raw::NETIF_F_SCTP_CRC_BIT);
/// TCP segmentation over IPv4.
pub const TSO: Features = Features::bit(raw::NETIF_F_TSO_BIT);
/// TCP segmentation over IPv6.
pub const TSO6: Features = Features::bit(raw::NETIF_F_TSO6_BIT);
/// Receive checksum verification.
pub const RXCSUM: Features = Features::bit(raw::NETIF_F_RXCSUM_BIT);
/// Receive hash.
pub const RXHASH: Features = Features::bit(raw::NETIF_F_RXHASH_BIT);
/// VLAN tag insertion.
pub const VLAN_TX: Features = Features::bit(raw::NETIF_F_HW_VLAN_CTAG_TX_BIT);
/// VLAN tag stripping.
pub const VLAN_RX: Features = Features::bit(raw::NETIF_F_HW_VLAN_CTAG_RX_BIT);
/// VLAN filtering.
pub const VLAN_FILTER: Features = Features::bit(raw::NETIF_F_HW_VLAN_CTAG_FILTER_BIT);
/// Every kind of segmentation (`NETIF_F_GSO_MASK`).
pub(super) const ALL_SEGMENTATION: Features =
    Features((2 << raw::NETIF_F_GSO_LAST) - (1 << raw::NETIF_F_GSO_SHIFT));
