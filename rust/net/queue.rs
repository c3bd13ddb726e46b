// SPDX-License-Identifier: GPL-2.0

//! A transmit queue as the stack sees it.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use core::marker::PhantomData;

use crate::raw;

use super::stats::{
    TxStats,
    Writer, //
};

/// What accounting for a packet found out.
#[derive(Clone, Copy)]
pub struct Sent(u32);

impl Sent {
    /// The doorbell is due: the stack has no further packet at hand, or the queue is stopped.
    #[inline(always)]
    pub fn doorbell_due(self) -> bool {
        self.0 & raw::nic_sent_NIC_SENT_DUE != 0
    }

    /// The queue is stopped, by [`TxQueue::stop_unless`] or by byte queue limits: something waits
    /// for this packet to be [`TxCompletions::completed`].
    #[inline(always)]
    pub fn stopped(self) -> bool {
        self.0 & raw::nic_sent_NIC_SENT_STOPPED != 0
    }
}

/// A transmit queue, lent to [`super::Operations::start_xmit`].
///
/// # Invariants
///
/// `txq` is a valid queue of a live device for `'a`, and this processor holds its transmit lock.
///
/// # Examples
///
/// ```
/// use nic::net::TxQueue;
///
/// /// The end of a `start_xmit`: a packet of `len` bytes is in the ring, which has `free` slots left.
/// fn sent(queue: &TxQueue<'_>, len: u32, free: impl Fn() -> u16, ring_doorbell: impl FnOnce()) {
///     queue.stop_unless(|| free() >= 4);
///     if queue.sent(len).doorbell_due() {
///         ring_doorbell();
///     }
/// }
/// ```
pub struct TxQueue<'a> {
    txq: *mut raw::netdev_queue,
    stats: Writer<'a, TxStats>,
    _lifetime: PhantomData<&'a ()>,
}

impl<'a> TxQueue<'a> {
    /// # Safety
    ///
    /// `txq` must be a valid queue for `'a`, with its transmit lock held by this processor.
    #[inline]
    pub(super) unsafe fn new(txq: *mut raw::netdev_queue, stats: Writer<'a, TxStats>) -> Self {
        // INVARIANT: by the safety requirement.
        Self {
            txq,
            stats,
            _lifetime: PhantomData,
        }
    }

    #[inline]
    pub(super) fn as_raw(&self) -> *mut raw::netdev_queue {
        self.txq
    }

    /// The queue's counters, which the holder of the transmit lock writes.
    #[inline]
    pub fn stats(&self) -> &Writer<'a, TxStats> {
        &self.stats
    }

    /// Accounts for `bytes` given to the device (byte queue limits).
    #[inline]
    pub fn sent(&self, bytes: u32) -> Sent {
        // SAFETY: the queue is valid and its transmit lock is held (invariant).
        Sent(unsafe { raw::nic_tx_sent(self.txq, bytes) })
    }

    /// Stops the queue unless `room`; `room` is asked again after stopping, so that a completion on
    /// another processor in between is not missed. Returns whether the queue is stopped.
    ///
    /// To be called before [`Self::sent`], which must see the queue stopped.
    #[inline]
    pub fn stop_unless(&self, room: impl Fn() -> bool) -> bool {
        if room() {
            return false;
        }
        // SAFETY: the queue is valid (invariant).
        unsafe {
            raw::nic_tx_stop_queue(self.txq);
            raw::nic_smp_mb();
        }
        if room() {
            // SAFETY: as above.
            unsafe { raw::nic_tx_start_queue(self.txq) };
            return false;
        }
        self.stats.add_stopped(1);
        true
    }
}

/// A transmit queue's other end, lent to the poll function: what the device is done with.
///
/// # Invariants
///
/// `txq` is a valid queue of a live device for `'a`, and no one else has its completions.
///
/// # Examples
///
/// ```
/// use nic::net::Poll;
///
/// /// The device is done with `packets` of `bytes` in all, which leaves `free` slots.
/// fn clean(poll: &Poll<'_>, packets: u32, bytes: u32, free: u16) {
///     let queue = poll.completions();
///     queue.completed(packets, bytes);
///     queue.wake_if(|| free >= 128);
/// }
/// ```
pub struct TxCompletions<'a> {
    txq: *mut raw::netdev_queue,
    _lifetime: PhantomData<&'a ()>,
}

impl<'a> TxCompletions<'a> {
    /// # Safety
    ///
    /// `txq` must be a valid queue for `'a`, and to be called from its poll function.
    #[inline]
    pub(super) unsafe fn new(txq: *mut raw::netdev_queue) -> Self {
        // INVARIANT: by the safety requirement; poll functions of a queue do not run at once.
        Self {
            txq,
            _lifetime: PhantomData,
        }
    }

    /// Accounts for transmissions that are done (byte queue limits). More bytes than were
    /// [`TxQueue::sent`] are a kernel warning, and not counted.
    #[inline]
    pub fn completed(&self, packets: u32, bytes: u32) {
        // SAFETY: the queue is valid, and this the only caller (invariant). The function has the
        // barrier that pairs with `stop_unless`.
        unsafe { raw::nic_tx_completed(self.txq, packets, bytes) };
    }

    /// Restarts a stopped queue if there is `room`; after [`Self::completed`].
    #[inline]
    pub fn wake_if(&self, room: impl Fn() -> bool) {
        // SAFETY: the queue is valid (invariant).
        unsafe {
            raw::nic_smp_mb();
            if raw::nic_tx_queue_stopped(self.txq) && room() {
                raw::netif_tx_wake_queue(self.txq);
            }
        }
    }
}
