// SPDX-License-Identifier: GPL-2.0

//! Spreading of received packets over queues (82576 datasheet 7.1.1.7, 8.10.19 to 8.10.21).

use kernel::prelude::*;

use crate::regs::filter::{
    MRQC,
    RETA,
    RSSRK, //
};

use super::Hw;

/// Entries of the redirection table.
pub(crate) const RSS_TABLE_ENTRIES: usize = 128;

/// Bytes of the key.
pub(crate) const RSS_KEY_BYTES: usize = 40;

/// How packets find their queue.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MultiQueue {
    /// Everything goes to queue 0.
    Single,
    /// By hash.
    Rss(RssPorts),
    /// By pool, to the pool's first queue.
    Pools,
    /// By pool, then by hash to one of the pool's two queues. QEMU takes the first one.
    PoolsRss(RssPorts),
}

/// Protocols besides TCP whose ports are hashed. Fragments have no ports: they arrive on another
/// queue than the rest.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RssPorts {
    /// UDP over IPv4.
    pub(crate) udp4: bool,
    /// UDP over IPv6.
    pub(crate) udp6: bool,
}

impl Hw<'_> {
    /// Sets the key of the hash.
    pub(crate) fn set_rss_key(&self, key: &[u8; RSS_KEY_BYTES]) -> Result {
        for (index, bytes) in key.chunks_exact(4).enumerate() {
            self.regs.write_at(index, RSSRK::from(word(bytes)))?;
        }
        Ok(())
    }

    /// Sets the queue for each value of the low seven bits of the hash.
    pub(crate) fn set_rss_table(&self, table: &[u8; RSS_TABLE_ENTRIES]) -> Result {
        for (index, bytes) in table.chunks_exact(4).enumerate() {
            self.regs.write_at(index, RETA::from(word(bytes)))?;
        }
        Ok(())
    }

    /// Sets how packets find their queue.
    pub(crate) fn set_multiqueue(&self, mode: MultiQueue) -> Result {
        let hashed = |ports: RssPorts| {
            MRQC::zeroed()
                .with_udp_ipv6(ports.udp6)
                .with_udp_ipv4(ports.udp4)
                .with_tcp_ipv6(true)
                .with_ipv6(true)
                .with_tcp_ipv6_ex(true)
                .with_ipv4(true)
                .with_tcp_ipv4(true)
        };

        self.regs.write(match mode {
            MultiQueue::Single => MRQC::zeroed(),
            MultiQueue::Rss(ports) => hashed(ports).with_const_mrqe::<2>(),
            MultiQueue::Pools => MRQC::zeroed().with_const_mrqe::<3>(),
            MultiQueue::PoolsRss(ports) => hashed(ports).with_const_mrqe::<5>(),
        })
    }
}

/// Returns the register word of four consecutive bytes.
fn word(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, &byte| word << 8 | u32::from(byte))
}
