// SPDX-License-Identifier: GPL-2.0

//! Ethernet addresses.

use core::fmt;

/// An Ethernet address, in transmission order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct MacAddr([u8; 6]);

impl MacAddr {
    /// `00:00:00:00:00:00`, which means "none" in the mailbox and in `ip link`.
    pub const ZERO: Self = Self([0; 6]);

    /// Wraps six bytes in transmission order.
    #[inline]
    pub const fn new(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }

    /// The six bytes in transmission order.
    #[inline]
    pub const fn bytes(self) -> [u8; 6] {
        self.0
    }

    /// Whether all bytes are zero.
    #[inline]
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// Whether the group bit is set (multicast or broadcast).
    #[inline]
    pub const fn is_multicast(self) -> bool {
        let [first, ..] = self.0;
        first & 1 != 0
    }

    /// Whether a station may have this address: neither zero nor a group address.
    #[inline]
    pub fn is_station(self) -> bool {
        !self.is_zero() && !self.is_multicast()
    }

    /// The address that virtual function `vf` of the port with this permanent address has until it or
    /// the administrator chooses another: always the same, and locally administered. The number goes
    /// into the first byte, so that the VFs of ports with neighbouring addresses do not meet.
    #[inline]
    pub const fn of_vf(self, vf: u8) -> Self {
        const GROUP: u8 = 1 << 0;
        const LOCAL: u8 = 1 << 1;
        let [first, b, c, d, e, f] = self.0;
        // 1 to 8, so never the port's own address, should that be locally administered too.
        let number = (vf & 7) + 1;
        Self([((first | LOCAL) & !GROUP) ^ (number << 4), b, c, d, e, f])
    }

    /// The address as two little-endian words: the first four bytes, then the last two in the low
    /// half. RAL/RAH and the mailbox have it this way.
    #[inline]
    pub const fn to_words(self) -> [u32; 2] {
        let [a, b, c, d, e, f] = self.0;
        [
            u32::from_le_bytes([a, b, c, d]),
            u32::from_le_bytes([e, f, 0, 0]),
        ]
    }

    /// The inverse of [`MacAddr::to_words`]; the upper half of the second word is ignored.
    #[inline]
    pub const fn from_words(words: [u32; 2]) -> Self {
        let [low, high] = words;
        let [a, b, c, d] = low.to_le_bytes();
        let [e, f, ..] = high.to_le_bytes();
        Self([a, b, c, d, e, f])
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(out, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}
