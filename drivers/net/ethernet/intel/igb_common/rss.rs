// SPDX-License-Identifier: GPL-2.0

//! Receive-side scaling: MRQC, the redirection table, the hash key (82576 datasheet 7.1.1.7).

use crate::layout::{
    Layout,
    MAX_RSS_QUEUES, //
};

/// Entries of the redirection table.
pub const RETA_ENTRIES: usize = 128;
/// Bytes of the hash key.
pub const KEY_LEN: usize = 40;

/// The hash key: 40 bytes, in the order they enter the Toeplitz hash.
pub type Key = [u8; KEY_LEN];

/// Which of the PF's queues (not hardware queues) a hash leads to.
///
/// # Examples
///
/// ```
/// use igb_common::{layout::Layout, rss::Reta};
///
/// let table = Reta::spread(2);
/// assert_eq!(table.entries()[..4], [0, 1, 0, 1]);
/// // The first entry is in the lowest byte.
/// assert_eq!(table.registers(Layout::WITHOUT_VFS).next(), Some(0x0100_0100));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reta([u8; RETA_ENTRIES]);

impl Reta {
    /// Spreads evenly over `queues` queues (0 counts as 1).
    pub fn spread(queues: u8) -> Self {
        let mut table = [0; RETA_ENTRIES];
        for (entry, queue) in table.iter_mut().zip((0..queues.max(1)).cycle()) {
            *entry = queue;
        }
        Self(table)
    }

    /// A table the user made, or `None` if an entry is not below `queues`.
    pub fn from_entries(entries: &[u32; RETA_ENTRIES], queues: u8) -> Option<Self> {
        let limit = queues.min(MAX_RSS_QUEUES);
        let mut table = [0; RETA_ENTRIES];
        for (slot, entry) in table.iter_mut().zip(entries) {
            *slot = u8::try_from(*entry).ok().filter(|queue| *queue < limit)?;
        }
        Some(Self(table))
    }

    /// The entries.
    pub const fn entries(&self) -> &[u8; RETA_ENTRIES] {
        &self.0
    }

    /// The values of the RETA registers. With VFs an entry holds the bit that tells the two queues
    /// of a pool apart, bit 3 as in their numbers.
    pub fn registers(&self, layout: Layout) -> impl Iterator<Item = u32> + '_ {
        let shift = if layout.has_vfs() { 3 } else { 0 };
        self.0.chunks_exact(4).map(move |four| {
            four.iter().rev().fold(0, |register, entry| {
                (register << 8) | (u32::from(entry & 7) << shift)
            })
        })
    }
}

/// The values of the RSSRK registers.
pub fn key_registers(key: &Key) -> impl Iterator<Item = u32> + '_ {
    key.chunks_exact(4).map(|four| {
        four.iter()
            .rev()
            .fold(0, |register, byte| (register << 8) | u32::from(*byte))
    })
}

/// Which headers are hashed beyond addresses and TCP ports.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HashFields {
    /// UDP ports over IPv4. Fragments, which have none, may then arrive out of order.
    pub udp4: bool,
    /// UDP ports over IPv6. Fragments, which have none, may then arrive out of order.
    pub udp6: bool,
}

/// MRQC for a PF with `queues` receive queues: which mode, which headers are hashed.
pub const fn mrqc(layout: Layout, queues: u8, fields: HashFields) -> u32 {
    const ENABLE_RSS: u32 = 2;
    const ENABLE_VMDQ: u32 = 3;
    const ENABLE_VMDQ_RSS: u32 = 5;
    const TCP_IPV4: u32 = 1 << 16;
    const IPV4: u32 = 1 << 17;
    const TCP_IPV6_EX: u32 = 1 << 18;
    const IPV6: u32 = 1 << 20;
    const TCP_IPV6: u32 = 1 << 21;
    const UDP_IPV4: u32 = 1 << 22;
    const UDP_IPV6: u32 = 1 << 23;

    let mode = match (layout.has_vfs(), queues > 1) {
        (false, _) => ENABLE_RSS,
        (true, false) => ENABLE_VMDQ,
        (true, true) => ENABLE_VMDQ_RSS,
    };
    let mut value = mode | TCP_IPV4 | IPV4 | TCP_IPV6_EX | IPV6 | TCP_IPV6;
    if fields.udp4 {
        value |= UDP_IPV4;
    }
    if fields.udp6 {
        value |= UDP_IPV6;
    }
    value
}
