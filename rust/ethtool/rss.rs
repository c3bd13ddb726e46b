// SPDX-License-Identifier: GPL-2.0

//! Spreading of received packets over queues.
//!
//! C header: [`include/linux/ethtool.h`](srctree/include/linux/ethtool.h)

use core::ops::BitOr;

use crate::raw;

/// A wish to change the spreading (`ethtool -X`). Lengths are those of the driver's constants; each
/// entry of the table is below the number of receive rings.
pub struct RssRequest<'a> {
    /// The new table, if it is to change.
    pub table: Option<&'a [u32]>,
    /// The new key of the Toeplitz hash, if it is to change.
    pub key: Option<&'a [u8]>,
}

/// Kinds of packets that hash alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// TCP over IPv4.
    Tcp4,
    /// UDP over IPv4.
    Udp4,
    /// Other IPv4, SCTP included.
    Ip4,
    /// TCP over IPv6.
    Tcp6,
    /// UDP over IPv6.
    Udp6,
    /// Other IPv6, SCTP included.
    Ip6,
}

impl Flow {
    /// `None` for kinds this library does not tell apart.
    pub(super) fn from_raw(flow_type: u32) -> Option<Self> {
        Some(match flow_type {
            raw::TCP_V4_FLOW => Self::Tcp4,
            raw::UDP_V4_FLOW => Self::Udp4,
            raw::IPV4_FLOW
            | raw::SCTP_V4_FLOW
            | raw::AH_ESP_V4_FLOW
            | raw::AH_V4_FLOW
            | raw::ESP_V4_FLOW => Self::Ip4,
            raw::TCP_V6_FLOW => Self::Tcp6,
            raw::UDP_V6_FLOW => Self::Udp6,
            raw::IPV6_FLOW
            | raw::SCTP_V6_FLOW
            | raw::AH_ESP_V6_FLOW
            | raw::AH_V6_FLOW
            | raw::ESP_V6_FLOW => Self::Ip6,
            _ => return None,
        })
    }
}

/// What of a packet goes into the hash.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct HashFields(pub(super) u32);

impl HashFields {
    /// Nothing: no hash.
    pub const NONE: Self = Self(0);
    /// Both network addresses.
    pub const ADDRESSES: Self = Self(raw::RXH_IP_SRC | raw::RXH_IP_DST);
    /// Both ports.
    pub const PORTS: Self = Self(raw::RXH_L4_B_0_1 | raw::RXH_L4_B_2_3);
    /// Addresses and ports.
    pub const FOUR_TUPLE: Self = Self(Self::ADDRESSES.0 | Self::PORTS.0);
}

impl BitOr for HashFields {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
