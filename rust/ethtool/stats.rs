// SPDX-License-Identifier: GPL-2.0

//! Counters that `ethtool -S` shows: the driver's own, those of the queues, and the standard ones.
//!
//! C header: [`include/linux/ethtool.h`](srctree/include/linux/ethtool.h)

use core::fmt::Write;

use crate::{
    net::{
        Interface,
        Rtnl,
        RxStats,
        TxStats, //
    },
    raw,
    text::Text, //
};

use super::Operations;

/// Bytes of a name, its end included.
pub(super) const NAME_LEN: usize = raw::ETH_GSTRING_LEN as usize;

/// Bytes before the name of a queue's counter: `rx_queue_N_`, N of up to three digits.
pub(super) const QUEUE_PREFIX: usize = 13;

/// Values of a pair: what the library counts of the transmit and the receive queue, then what the device does.
const fn per_pair<T: Operations>() -> usize {
    TxStats::NAMES.len() + RxStats::NAMES.len() + T::RX_QUEUE_STATS.len()
}

/// Values of `ethtool -S`: the driver's, then for each pair that was allocated the transmit and the
/// receive queue's. The number does not depend on how many pairs are in use, so that names and
/// values that user space asks for one after the other match.
pub(super) fn count<T: Operations>(interface: &Interface<'_, T>) -> usize {
    T::STATS.len() + interface.max_pairs() * per_pair::<T>()
}

/// Writes [`count`] names into `data`, [`NAME_LEN`] bytes each.
pub(super) fn fill_names<T: Operations>(interface: &Interface<'_, T>, data: &mut [u8]) {
    let mut slots = data.chunks_exact_mut(NAME_LEN);
    fill_strings(T::STATS, &mut slots);
    for index in 0..interface.max_pairs() {
        for (direction, names) in [
            ("tx", TxStats::NAMES),
            ("rx", RxStats::NAMES),
            ("rx", T::RX_QUEUE_STATS),
        ] {
            for (name, slot) in names.iter().zip(&mut slots) {
                // Writing to `Text` cannot fail.
                let _ = write!(Text::new(slot), "{direction}_queue_{index}_{name}");
            }
        }
    }
}

/// Whether each of `names` fits into its slot after `before` other bytes.
pub(super) const fn names_fit(names: &[&str], before: usize) -> bool {
    let mut i = 0;
    while i < names.len() {
        if before + names[i].len() >= NAME_LEN {
            return false;
        }
        i += 1;
    }
    true
}

/// Writes each of `names` into a slot.
pub(super) fn fill_strings<'a>(names: &[&str], slots: impl Iterator<Item = &'a mut [u8]>) {
    for (name, slot) in names.iter().zip(slots) {
        // Writing to `Text` cannot fail.
        let _ = Text::new(slot).write_str(name);
    }
}

/// Writes the values of all queues into `data`, in the order of [`fill_names`].
pub(super) fn fill_queues<T: Operations>(
    interface: &Interface<'_, T>,
    data: &mut [u64],
    rtnl: &Rtnl,
) {
    for (index, values) in data.chunks_exact_mut(per_pair::<T>()).enumerate() {
        let Some(stats) = interface.queue_stats(index) else {
            return;
        };
        let mut slots = values.iter_mut();
        let mut put = |value| {
            if let Some(slot) = slots.next() {
                *slot = value;
            }
        };
        stats.tx.for_each(&mut put);
        stats.rx.for_each(&mut put);
        T::rx_queue_stats(interface, index, slots.into_slice(), rtnl);
    }
}

macro_rules! standard {
    ($(#[$doc:meta])* $name:ident, $raw:ident { $($(#[$field_doc:meta])* $field:ident = $c:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Option<u64>,)*
        }

        impl $name {
            /// Leaves what the driver does not count as the core set it: not set.
            pub(super) fn fill(&self, to: &mut raw::$raw) {
                $(if let Some(value) = self.$field {
                    to.__bindgen_anon_1.__bindgen_anon_1.$c = value;
                })*
            }
        }
    };
}

standard! {
    /// Counters of the MAC (`ethtool -S --groups eth-mac`), IEEE 802.3 clause 30.3.1.1.
    MacStats, ethtool_eth_mac_stats {
        /// 30.3.1.1.2
        frames_sent = FramesTransmittedOK,
        /// 30.3.1.1.3
        single_collisions = SingleCollisionFrames,
        /// 30.3.1.1.4
        multiple_collisions = MultipleCollisionFrames,
        /// 30.3.1.1.5
        frames_received = FramesReceivedOK,
        /// 30.3.1.1.6
        fcs_errors = FrameCheckSequenceErrors,
        /// 30.3.1.1.7
        alignment_errors = AlignmentErrors,
        /// 30.3.1.1.8
        bytes_sent = OctetsTransmittedOK,
        /// 30.3.1.1.9
        deferred = FramesWithDeferredXmissions,
        /// 30.3.1.1.10
        late_collisions = LateCollisions,
        /// 30.3.1.1.11
        excessive_collisions = FramesAbortedDueToXSColls,
        /// 30.3.1.1.13
        carrier_sense_errors = CarrierSenseErrors,
        /// 30.3.1.1.14
        bytes_received = OctetsReceivedOK,
        /// 30.3.1.1.15
        lost_internally_received = FramesLostDueToIntMACRcvError,
        /// 30.3.1.1.18
        multicast_sent = MulticastFramesXmittedOK,
        /// 30.3.1.1.19
        broadcast_sent = BroadcastFramesXmittedOK,
        /// 30.3.1.1.21
        multicast_received = MulticastFramesReceivedOK,
        /// 30.3.1.1.22
        broadcast_received = BroadcastFramesReceivedOK,
        /// 30.3.1.1.23
        length_errors = InRangeLengthErrors,
        /// 30.3.1.1.25
        too_long = FrameTooLongErrors,
    }
}

standard! {
    /// Counters of flow control (`ethtool -I -a`).
    PauseStats, ethtool_pause_stats {
        /// PAUSE frames sent, 30.3.4.2.
        sent = tx_pause_frames,
        /// PAUSE frames received, 30.3.4.3.
        received = rx_pause_frames,
    }
}

standard! {
    /// Frames of odd lengths, part of [`RmonStats`].
    RmonLengths, ethtool_rmon_stats {
        /// Too short, otherwise good.
        undersize = undersize_pkts,
        /// Too long, otherwise good.
        oversize = oversize_pkts,
        /// Too short and bad.
        fragments = fragments,
        /// Too long and bad.
        jabbers = jabbers,
    }
}

/// Most ranges of lengths that can be told apart.
pub const RMON_RANGES_MAX: usize = raw::ETHTOOL_RMON_HIST_MAX as usize;

/// Counters by length (`ethtool -S --groups rmon`), RFC 2819.
#[derive(Clone, Copy, Default)]
pub struct RmonStats {
    /// Odd lengths.
    pub lengths: RmonLengths,
    /// Received frames by [`Operations::RMON_RANGES`].
    pub received: [u64; RMON_RANGES_MAX],
    /// Sent frames likewise.
    pub sent: [u64; RMON_RANGES_MAX],
}

impl RmonStats {
    pub(super) fn fill(&self, to: &mut raw::ethtool_rmon_stats) {
        self.lengths.fill(to);
        // The core shows as many as there are ranges.
        to.__bindgen_anon_1.__bindgen_anon_1.hist = self.received;
        to.__bindgen_anon_1.__bindgen_anon_1.hist_tx = self.sent;
    }
}

/// The C table of `ranges`, ended by an empty range; what does not fit is left out.
pub(super) const fn rmon_table(
    ranges: &[(u16, u16)],
) -> [raw::ethtool_rmon_hist_range; RMON_RANGES_MAX + 1] {
    let mut table = [raw::ethtool_rmon_hist_range { low: 0, high: 0 }; RMON_RANGES_MAX + 1];
    let mut i = 0;
    while i < ranges.len() && i < RMON_RANGES_MAX {
        table[i] = raw::ethtool_rmon_hist_range {
            low: ranges[i].0,
            high: ranges[i].1,
        };
        i += 1;
    }
    table
}
