// SPDX-License-Identifier: GPL-2.0

//! Counters of a queue, each written by the context that owns it and read by any.
//!
//! 64 bits everywhere; on 64-bit machines a reader never sees half an update, and the kernel's own
//! `u64_stats_sync` is empty there for the same reason.

use core::{
    marker::PhantomData,
    ops::Deref, //
};

use kernel::macros::paste;

use crate::atomic::{
    AtomicU64,
    Ordering, //
};

/// A number that one context at a time advances.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Advances by `n`. Not a read-modify-write: an advance beside another one would be lost, so
    /// the caller must be the only writer. Any context.
    #[inline(always)]
    pub(crate) fn advance(&self, n: u64) {
        let old = self.0.load(Ordering::Relaxed);
        self.0.store(old.wrapping_add(n), Ordering::Relaxed);
    }

    /// The value. Any context.
    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The right to advance the counters in an `S`, which one context at a time has; `add_<name>`
/// advances a counter.
///
/// # Invariants
///
/// Nobody else advances a counter of the `S` during `'a`.
///
/// # Examples
///
/// ```
/// use nic::net::{RxStats, Writer};
///
/// let mut stats = RxStats::default();
/// let owner = Writer::from(&mut stats);
/// owner.add_packets(2);
/// owner.add_packets(1);
/// assert_eq!(stats.packets(), 3);
/// ```
pub struct Writer<'a, S> {
    stats: &'a S,
    /// Tied to the context it was made in.
    _not_send: PhantomData<*const ()>,
}

impl<'a, S> Writer<'a, S> {
    /// # Safety
    ///
    /// Nobody else may advance a counter of `stats` as long as the result exists.
    #[inline(always)]
    pub(super) unsafe fn new(stats: &'a S) -> Self {
        // INVARIANT: by the safety requirement.
        Self {
            stats,
            _not_send: PhantomData,
        }
    }
}

impl<'a, S> From<&'a mut S> for Writer<'a, S> {
    fn from(stats: &'a mut S) -> Self {
        // INVARIANT: the reference is the only one.
        Self {
            stats,
            _not_send: PhantomData,
        }
    }
}

impl<S> Deref for Writer<'_, S> {
    type Target = S;

    #[inline(always)]
    fn deref(&self) -> &S {
        self.stats
    }
}

macro_rules! counters {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident,)* }) => {
        $(#[$doc])*
        #[derive(Default)]
        #[repr(align(64))]
        pub struct $name {
            $($field: Counter,)*
        }

        impl $name {
            /// Names, in the order of [`Self::for_each`].
            pub const NAMES: &'static [&'static str] = &[$(stringify!($field)),*];

            /// Calls `f` with each value.
            pub fn for_each(&self, mut f: impl FnMut(u64)) {
                $(f(self.$field());)*
            }

            $(
                $(#[$field_doc])*
                #[inline]
                pub fn $field(&self) -> u64 {
                    self.$field.get()
                }
            )*
        }

        paste! {
            impl Writer<'_, $name> {
                $(
                    #[doc = concat!("Advances `", stringify!($field), "` by `n`.")]
                    #[inline(always)]
                    pub fn [<add_ $field>](&self, n: u64) {
                        self.stats.$field.advance(n);
                    }
                )*
            }
        }
    };
}

counters! {
    /// Transmit side; written under the transmit lock.
    TxStats {
        /// Packets given to the device; one that it segments counts as its segments.
        packets,
        /// Their bytes, without CRC, with the headers of each segment.
        bytes,
        /// Packets that segmentation offload cut up.
        tso_packets,
        /// Packets whose checksum the device filled in.
        csum_offload,
        /// Packets dropped because they could not be sent as asked, or because the queue was stopped before
        /// the device had sent them (which count in `packets` too).
        dropped,
        /// Times the queue was stopped for want of room.
        stopped,
        /// Doorbells rung.
        doorbells,
    }
}

counters! {
    /// Receive side; written by the poll function.
    RxStats {
        /// Packets given to the stack.
        packets,
        /// Their bytes, without CRC.
        bytes,
        /// Packets to a group address.
        multicast,
        /// Packets of which the stack borrowed the pages; all others are copies.
        lent,
        /// Packets whose checksum the device found good.
        csum_good,
        /// Packets whose checksum the device found bad (given to the stack, which counts them too).
        csum_bad,
        /// Packets the device marked bad, dropped.
        errors,
        /// Packets longer than the driver takes, dropped.
        length_errors,
        /// Packets dropped for want of memory.
        alloc_failed,
    }
}

/// Both sides of a queue pair.
#[derive(Default)]
pub struct QueueStats {
    /// Transmit.
    pub tx: TxStats,
    /// Receive.
    pub rx: RxStats,
}

impl QueueStats {
    /// Packets and bytes of both directions. Any context.
    #[inline]
    pub fn total(&self) -> (u64, u64) {
        (
            self.rx.packets().wrapping_add(self.tx.packets()),
            self.rx.bytes().wrapping_add(self.tx.bytes()),
        )
    }
}

/// What `ip -s link` shows; the interface fills in the sums of its queues, the driver adds what the
/// hardware counted.
#[derive(Default, Clone, Copy)]
pub struct LinkStats {
    /// Packets received.
    pub rx_packets: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Bad packets received.
    pub rx_errors: u64,
    /// Failures to send.
    pub tx_errors: u64,
    /// Good packets received and dropped.
    pub rx_dropped: u64,
    /// Packets dropped on the way out.
    pub tx_dropped: u64,
    /// Multicast packets received.
    pub multicast: u64,
    /// Collisions.
    pub collisions: u64,
    /// Of `rx_errors`: wrong length.
    pub rx_length_errors: u64,
    /// Of `rx_errors`: bad CRC.
    pub rx_crc_errors: u64,
    /// Of `rx_errors`: bad alignment.
    pub rx_frame_errors: u64,
    /// The device had no descriptor for the packet.
    pub rx_missed_errors: u64,
    /// Sent without a carrier.
    pub tx_carrier_errors: u64,
    /// Of `tx_errors`: given up after collisions.
    pub tx_aborted_errors: u64,
    /// Of `tx_errors`: a collision came late.
    pub tx_window_errors: u64,
}
