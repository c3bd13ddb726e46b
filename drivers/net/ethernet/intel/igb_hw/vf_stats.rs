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

/// Defines [`VfStats`], its registers and how it is read.
macro_rules! vf_stats {
    ($($field:ident $register:ident $offset:literal $doc:literal)*) => {
        register! {
            $(
            #[doc = $doc]
            pub(crate) $register(u32) @ VfCounters + $offset {
                31:0    count;
            }
            )*
        }

        /// Totals of one virtual function.
        ///
        /// At 1 Gb/s the byte counters wrap in 34 seconds: they have to be read more often than that.
        #[derive(Clone, Copy, Default)]
        pub struct VfStats {
            $($field: Counter,)*
            rx_dropped: u64,
        }

        impl VfStats {
            /// Names of the totals that the virtual function sees, in the order of [`Self::values`].
            pub const NAMES: &'static [&'static str] = &[$(stringify!($field),)*];

            /// Returns the totals in the order of [`Self::NAMES`].
            pub fn values(&self) -> [u64; Self::NAMES.len()] {
                [$(self.$field.total,)*]
            }

            $(
            #[doc = $doc]
            pub fn $field(&self) -> u64 {
                self.$field.total
            }
            )*
        }

        impl<const SIZE: usize> Registers<'_, SIZE> {
            fn each_vf_counter(
                &self,
                block: Block<VfCounters>,
                stats: &mut VfStats,
                take: fn(&mut Counter, u32),
            ) -> Result {
                $(let $field = self.read_in::<$register>(block)?.into();)*

                $(take(&mut stats.$field, $field);)*
                Ok(())
            }
        }
    };
}

// Loopback is what passes between functions of the port. QEMU counts none of it there.
vf_stats! {
    rx_packets VFGPRC 0x10 "Good packets received."
    tx_packets VFGPTC 0x14 "Good packets sent."
    rx_bytes VFGORC 0x18 "Bytes of good packets received."
    tx_bytes VFGOTC 0x34 "Bytes of good packets sent."
    rx_multicast VFMPRC 0x3c "Multicast packets received."
    rx_loopback_packets VFGPRLBC 0x40 "Good packets received by loopback."
    tx_loopback_packets VFGPTLBC 0x44 "Good packets sent by loopback."
    rx_loopback_bytes VFGORLBC 0x48 "Bytes of good packets received by loopback."
    tx_loopback_bytes VFGOTLBC 0x50 "Bytes of good packets sent by loopback."
}

impl VfStats {
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
}
