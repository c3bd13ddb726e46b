// SPDX-License-Identifier: GPL-2.0

//! Statistics (82576 datasheet 8.18).

use igb_common::layout::{
    Layout,
    POOLS, //
};

use igb_hw::{
    access::Block,
    vf_stats::{
        VfCounters,
        VfStats, //
    },
};

use kernel::prelude::*;

use crate::regs::stats::{
    self,
    with_counters,
    GORCH,
    GORCL,
    GOTCH,
    GOTCL, //
};

use super::{
    queues::rx_block,
    Hw, //
};

/// Where the counters of virtual function 0 are.
const VF_COUNTERS_FIRST: usize = 0x10000;

/// Bytes from one virtual function's counters to the next one's.
const VF_COUNTERS_STRIDE: usize = 0x100;

/// Defines [`HwStats`] and how it is read.
macro_rules! hw_stats {
    ($($field:ident $register:ident $offset:literal $doc:literal)*) => {
        /// Totals of the port. They include what virtual functions send to and get from the wire.
        #[derive(Clone, Default)]
        pub(crate) struct HwStats {
            $(
            #[doc = $doc]
            pub(crate) $field: u64,
            )*
            /// Bytes of good packets received.
            pub(crate) rx_bytes: u64,
            /// Bytes of good packets sent.
            pub(crate) tx_bytes: u64,
        }

        impl HwStats {
            /// Names of the totals, in the order of [`Self::values`].
            pub(crate) const NAMES: &'static [&'static str] = &[
                $(stringify!($field),)*
                "rx_bytes",
                "tx_bytes",
            ];

            /// Returns the totals in the order of [`Self::NAMES`].
            pub(crate) fn values(&self) -> [u64; Self::NAMES.len()] {
                [$(self.$field,)* self.rx_bytes, self.tx_bytes]
            }
        }

        impl Hw<'_> {
            /// Adds what the device has counted since the last call to `totals`.
            ///
            /// Some 45 reads, and the counters clear as they are read: one caller at a time.
            pub(crate) fn update_stats(&self, totals: &mut HwStats) -> Result {
                $(
                let count: u32 = self.regs.read::<stats::$register>()?.into();
                totals.$field += u64::from(count);
                )*

                // The high half clears both: it comes last. A device that answers with garbage counts more
                // than a total can hold.
                let low: u32 = self.regs.read::<GORCL>()?.into();
                let high: u32 = self.regs.read::<GORCH>()?.into();
                totals.rx_bytes = totals
                    .rx_bytes
                    .wrapping_add(u64::from(high) << 32 | u64::from(low));

                let low: u32 = self.regs.read::<GOTCL>()?.into();
                let high: u32 = self.regs.read::<GOTCH>()?.into();
                totals.tx_bytes = totals
                    .tx_bytes
                    .wrapping_add(u64::from(high) << 32 | u64::from(low));
                Ok(())
            }
        }
    };
}

with_counters!(hw_stats);

impl Hw<'_> {
    /// Adds what virtual function `vf` has gained since the last call to `stats`.
    pub(crate) fn update_vf_stats(&self, vf: u8, stats: &mut VfStats) -> Result {
        self.regs.read_vf_stats(vf_counters(vf)?, stats)?;
        for queue in Layout::pool_queues(vf) {
            stats.add_rx_dropped(self.rx_queue_drops(queue)?);
        }
        Ok(())
    }

    /// As [`Self::update_vf_stats`], after a reset that may have cleared the counters.
    pub(crate) fn restart_vf_stats(&self, vf: u8, stats: &mut VfStats) -> Result {
        self.regs.restart_vf_stats(vf_counters(vf)?, stats)
    }

    /// Returns how many packets receive queue `queue` has dropped since the last call.
    pub(crate) fn rx_queue_drops(&self, queue: u8) -> Result<u32> {
        self.regs.rx_drops(rx_block(queue)?)
    }
}

/// Returns where the counters of virtual function `vf` are.
fn vf_counters(vf: u8) -> Result<Block<VfCounters>> {
    Block::new(VF_COUNTERS_FIRST, VF_COUNTERS_STRIDE, POOLS, vf)
}
