// SPDX-License-Identifier: GPL-2.0

//! Counters of one virtual function.
//!
//! The virtual function and the physical function see them at different places in the same
//! layout (82576 datasheet 8.14, 8.26).

use kernel::{
    io::register,
    prelude::*, //
};

use crate::access::{
    Block,
    Registers, //
};

/// Base family of the counters of one virtual function.
pub struct VfCounters;

register! {
    /// Good packets received.
    pub(crate) VFGPRC(u32) @ VfCounters + 0x10 {
        31:0    count;
    }

    /// Good packets sent.
    pub(crate) VFGPTC(u32) @ VfCounters + 0x14 {
        31:0    count;
    }

    /// Bytes of good packets received.
    pub(crate) VFGORC(u32) @ VfCounters + 0x18 {
        31:0    count;
    }

    /// Bytes of good packets sent.
    pub(crate) VFGOTC(u32) @ VfCounters + 0x34 {
        31:0    count;
    }

    /// Multicast packets received.
    pub(crate) VFMPRC(u32) @ VfCounters + 0x3c {
        31:0    count;
    }
}

/// A counter that wraps at 32 bits and is never cleared, made to last.
#[derive(Clone, Copy, Default)]
struct Counter {
    seen: u32,
    total: u64,
}

impl Counter {
    fn advance(&mut self, now: u32) {
        self.total += u64::from(now.wrapping_sub(self.seen));
        self.seen = now;
    }
}

/// Totals of one virtual function.
///
/// At 1 Gb/s the byte counters wrap in 34 seconds: they have to be read more often than that.
#[derive(Clone, Copy, Default)]
pub struct VfStats {
    rx_packets: Counter,
    tx_packets: Counter,
    rx_bytes: Counter,
    tx_bytes: Counter,
    rx_multicast: Counter,
    rx_dropped: u64,
}

impl VfStats {
    /// Good packets received.
    pub fn rx_packets(&self) -> u64 {
        self.rx_packets.total
    }

    /// Good packets sent.
    pub fn tx_packets(&self) -> u64 {
        self.tx_packets.total
    }

    /// Bytes of good packets received.
    pub fn rx_bytes(&self) -> u64 {
        self.rx_bytes.total
    }

    /// Bytes of good packets sent.
    pub fn tx_bytes(&self) -> u64 {
        self.tx_bytes.total
    }

    /// Multicast packets received.
    pub fn rx_multicast(&self) -> u64 {
        self.rx_multicast.total
    }

    /// Packets that found no free descriptor. Only the physical function sees how many.
    pub fn rx_dropped(&self) -> u64 {
        self.rx_dropped
    }

    /// Adds packets that found no free descriptor.
    pub fn add_rx_dropped(&mut self, packets: u32) {
        self.rx_dropped += u64::from(packets);
    }
}

impl<const SIZE: usize> Registers<'_, SIZE> {
    /// Adds what the counters at `block` have gained since the last call to `stats`.
    pub fn read_vf_stats(&self, block: Block<VfCounters>, stats: &mut VfStats) -> Result {
        let rx_packets = self.read_in::<VFGPRC>(block)?.into();
        let tx_packets = self.read_in::<VFGPTC>(block)?.into();
        let rx_bytes = self.read_in::<VFGORC>(block)?.into();
        let tx_bytes = self.read_in::<VFGOTC>(block)?.into();
        let rx_multicast = self.read_in::<VFMPRC>(block)?.into();

        stats.rx_packets.advance(rx_packets);
        stats.tx_packets.advance(tx_packets);
        stats.rx_bytes.advance(rx_bytes);
        stats.tx_bytes.advance(tx_bytes);
        stats.rx_multicast.advance(rx_multicast);
        Ok(())
    }

    /// Takes the counters at `block` as they are for the new start, after a reset that may or may
    /// not have cleared them. The totals in `stats` stay.
    pub fn restart_vf_stats(&self, block: Block<VfCounters>, stats: &mut VfStats) -> Result {
        let totals = *stats;

        self.read_vf_stats(block, stats)?;
        stats.rx_packets.total = totals.rx_packets.total;
        stats.tx_packets.total = totals.tx_packets.total;
        stats.rx_bytes.total = totals.rx_bytes.total;
        stats.tx_bytes.total = totals.tx_bytes.total;
        stats.rx_multicast.total = totals.rx_multicast.total;
        Ok(())
    }
}
