// SPDX-License-Identifier: GPL-2.0

//! Kinds of messages in the kernel log.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use crate::raw;

/// A set of kinds of messages, which the user switches on and off (`ethtool -s ethX msglvl`). The
/// driver asks before it logs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Messages(u32);

impl Messages {
    /// That the link came or went.
    pub const LINK: Self = Self(1 << raw::NETIF_MSG_LINK_BIT);
    /// The set that most drivers begin with: what concerns the driver, probing and the link.
    pub const DEFAULT: Self =
        Self(Self::LINK.0 | 1 << raw::NETIF_MSG_DRV_BIT | 1 << raw::NETIF_MSG_PROBE_BIT);

    /// Whether all of `other` is in `self`.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) const fn from_raw(bits: u32) -> Self {
        Self(bits)
    }

    pub(super) const fn to_raw(self) -> u32 {
        self.0
    }
}
