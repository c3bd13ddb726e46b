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

/// A counter that wraps at 32 bits and is cleared by resets only, made to last.
#[derive(Clone, Copy, Default)]
struct Counter {
    /// What it was when it was last read. What it was before it was ever read does not count.
    seen: Option<u32>,
    total: u64,
}

impl Counter {
    /// It is now `now`, and was not cleared since it was last read.
    fn advance(&mut self, now: u32) {
        let gained = self.seen.map_or(0, |seen| now.wrapping_sub(seen));
        self.total += u64::from(gained);
        self.seen = Some(now);
    }

    /// It is now `now`, and may have been cleared since. Counts no more than there was.
    fn restart(&mut self, now: u32) {
        let gained = self
            .seen
            .map_or(0, |seen| now.checked_sub(seen).unwrap_or(now));
        self.total += u64::from(gained);
        self.seen = Some(now);
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
    /// Adds what the counters at `block` have gained since the last call to `stats`. They must not have
    /// been cleared since.
    pub fn read_vf_stats(&self, block: Block<VfCounters>, stats: &mut VfStats) -> Result {
        self.each_vf_counter(block, stats, Counter::advance)
    }

    /// As [`Self::read_vf_stats`], after a reset that may or may not have cleared the counters.
    pub fn restart_vf_stats(&self, block: Block<VfCounters>, stats: &mut VfStats) -> Result {
        self.each_vf_counter(block, stats, Counter::restart)
    }

    fn each_vf_counter(
        &self,
        block: Block<VfCounters>,
        stats: &mut VfStats,
        take: fn(&mut Counter, u32),
    ) -> Result {
        let rx_packets = self.read_in::<VFGPRC>(block)?.into();
        let tx_packets = self.read_in::<VFGPTC>(block)?.into();
        let rx_bytes = self.read_in::<VFGORC>(block)?.into();
        let tx_bytes = self.read_in::<VFGOTC>(block)?.into();
        let rx_multicast = self.read_in::<VFMPRC>(block)?.into();

        take(&mut stats.rx_packets, rx_packets);
        take(&mut stats.tx_packets, tx_packets);
        take(&mut stats.rx_bytes, rx_bytes);
        take(&mut stats.tx_bytes, tx_bytes);
        take(&mut stats.rx_multicast, rx_multicast);
        Ok(())
    }
}
