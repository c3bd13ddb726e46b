// SPDX-License-Identifier: GPL-2.0

//! A queue pair: a NAPI context with a transmit and a receive queue, from its start to its stop.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use core::{
    cell::UnsafeCell,
    ptr::NonNull, //
};

use kernel::{
    prelude::*,
    types::Opaque, //
};

use crate::{
    atomic::{
        AtomicBool,
        Ordering, //
    },
    raw, //
};

use super::{
    callbacks::Callbacks,
    queue::{
        TxCompletions,
        TxQueue, //
    },
    stats::{
        QueueStats,
        Writer, //
    },
    Operations,
    Rtnl, //
};

/// A queue pair: one NAPI context, one transmit and one receive queue.
///
/// # Invariants
///
/// - `txq` is a queue of a device that outlives the pair.
/// - `napi` is on the device's list and enabled while `running` is true, and on no list otherwise,
///   for whoever holds the device's lock. Whenever it is not enabled, its bit `SCHED` is set: an
///   interrupt that schedules it then changes nothing.
/// - `tx` and `stats.tx` are written with the transmit lock of `txq` held only.
/// - `poll` and `stats.rx` are used by the one who has set `polling`, or with RTNL held while
///   `running` is false.
/// - `running` is used with RTNL held only.
#[pin_data]
pub(super) struct Pair<'bound, T: Operations> {
    #[pin]
    napi: Opaque<raw::napi_struct>,
    txq: NonNull<raw::netdev_queue>,
    pub(super) index: u16,
    tx: UnsafeCell<Option<T::Tx<'bound>>>,
    poll: UnsafeCell<Option<T::Poll<'bound>>>,
    /// The poll function is at work. NAPI and netpoll exclude each other, but for a run that began
    /// before netpoll was set up on the device.
    polling: AtomicBool,
    running: UnsafeCell<bool>,
    pub(super) stats: QueueStats,
}

// SAFETY: the driver's parts are `Send` (bounds of `Operations`); the kernel's may be used from any
// thread under the rules in the invariants.
unsafe impl<T: Operations> Send for Pair<'_, T> {}

// SAFETY: access to the cells is exclusive by the invariants; the statistics are `Sync`.
unsafe impl<T: Operations> Sync for Pair<'_, T> {}

impl<'bound, T: Operations> Pair<'bound, T> {
    /// Makes pair `index` of a device, which does not run.
    ///
    /// # Safety
    ///
    /// `txq` must be transmit queue `index` of a device that outlives the pair.
    pub(super) unsafe fn new(txq: NonNull<raw::netdev_queue>, index: u16) -> impl PinInit<Self> {
        // INVARIANT: on no list, with `SCHED` set; `txq` by the safety requirement.
        pin_init!(Self {
            napi <- Opaque::ffi_init(|napi: *mut raw::napi_struct| {
                // SAFETY: `napi` is valid memory for the structure, in which zeroes are allowed.
                unsafe {
                    napi.write_bytes(0, 1);
                    (*napi).state = raw::NAPIF_STATE_SCHED as usize;
                }
            }),
            txq,
            index,
            tx: UnsafeCell::new(None),
            poll: UnsafeCell::new(None),
            polling: AtomicBool::new(false),
            running: UnsafeCell::new(false),
            stats: QueueStats::default(),
        })
    }

    /// The pair of a NAPI context.
    ///
    /// # Safety
    ///
    /// `napi` must be the context of a pair of the same `T`, which lives for `'a`.
    #[inline]
    pub(super) unsafe fn of<'a>(napi: *mut raw::napi_struct) -> &'a Self {
        let opaque = napi.cast::<Opaque<raw::napi_struct>>();
        // SAFETY: by the safety requirement.
        unsafe { &*kernel::container_of!(opaque, Self, napi) }
    }

    /// Whether the pair runs.
    pub(super) fn is_running(&self, _rtnl: &Rtnl) -> bool {
        // SAFETY: RTNL is held (invariant of `running`).
        unsafe { *self.running.get() }
    }

    /// Whether this processor holds the transmit lock. Called with soft interrupts off.
    #[inline]
    pub(super) fn is_tx_owned(&self) -> bool {
        // SAFETY: the queue is valid (invariant).
        unsafe { raw::nic_tx_owned(self.txq.as_ptr()) }
    }

    /// The transmit state, if the pair runs, and the queue.
    ///
    /// # Safety
    ///
    /// This processor must hold the transmit lock, and hold on to it while it uses the result; what
    /// an earlier call returned must not be in use.
    #[inline]
    pub(super) unsafe fn tx(&self) -> (Option<&mut T::Tx<'bound>>, TxQueue<'_>) {
        // SAFETY: the lock is held and nobody else uses the state (safety requirement, invariants
        // of `tx` and `stats`); the queue is valid (invariant).
        unsafe {
            (
                (*self.tx.get()).as_mut(),
                TxQueue::new(self.txq.as_ptr(), Writer::new(&self.stats.tx)),
            )
        }
    }

    /// Exchanges the transmit state.
    fn swap_tx(&self, new: Option<T::Tx<'bound>>) -> Option<T::Tx<'bound>> {
        self.with_tx_lock(|| {
            // SAFETY: the lock is held (invariant of `tx`).
            core::mem::replace(unsafe { &mut *self.tx.get() }, new)
        })
    }

    /// Counts `packets` as dropped. Process context, the transmit lock not held.
    pub(super) fn add_tx_dropped(&self, packets: u64) {
        self.with_tx_lock(|| {
            // SAFETY: the lock is held (invariant of `stats`).
            unsafe { Writer::new(&self.stats.tx) }.add_dropped(packets);
        });
    }

    fn with_tx_lock<R>(&self, f: impl FnOnce() -> R) -> R {
        // SAFETY: the queue is valid (invariant); soft interrupts are off while the lock is held.
        unsafe { raw::nic_tx_lock_bh(self.txq.as_ptr()) };
        let result = f();
        // SAFETY: taken above.
        unsafe { raw::nic_tx_unlock_bh(self.txq.as_ptr()) };
        result
    }

    /// Keeps the stack from sending, until the queue is started or woken. The watchdog counts from
    /// here, and nothing is being transmitted when this returns.
    pub(super) fn hold(&self) {
        let txq = self.txq.as_ptr();
        // SAFETY: the queue is valid (invariant), and locked.
        self.with_tx_lock(|| unsafe {
            raw::nic_tx_stop_queue(txq);
            raw::nic_txq_trans_cond_update(txq);
        });
    }

    /// Ends [`Self::hold`] for a queue to which the stack does not send. The watchdog takes a queue
    /// that is stopped for one that hangs, whether or not it is in use.
    pub(super) fn release(&self) {
        // SAFETY: the queue is valid (invariant).
        unsafe { raw::nic_tx_start_queue(self.txq.as_ptr()) };
    }

    /// Begins a poll: its state and the rest that it works on. `None` while another one is under
    /// way, or the pair does not run.
    #[inline]
    pub(super) fn enter_poll(&self) -> Option<Polling<'_, 'bound, T>> {
        if self.polling.swap(true, Ordering::Acquire) {
            return None;
        }
        // INVARIANT: set here, and was not.
        Some(Polling { pair: self })
    }

    /// Installs the state and lets the pair run: polls and transmissions may come before this
    /// returns. `irq` is its Linux interrupt number, for those who look. Sleeps.
    ///
    /// Errors: `EBUSY` when the pair runs.
    pub(super) fn start(
        &self,
        tx: T::Tx<'bound>,
        poll: T::Poll<'bound>,
        irq: u32,
        _rtnl: &Rtnl,
    ) -> Result {
        // SAFETY: RTNL is held (invariant of `running`).
        let running = unsafe { &mut *self.running.get() };
        if *running {
            return Err(EBUSY);
        }
        let (napi, txq) = (self.napi.get(), self.txq.as_ptr());
        // Before there is a transmit state, whose first packet is accounted for.
        self.hold();
        // SAFETY: the queue is valid (invariant), and nothing is sent.
        unsafe { raw::nic_tx_reset(txq) };
        // SAFETY: RTNL is held and the pair does not run (invariant of `poll`).
        unsafe { *self.poll.get() = Some(poll) };
        drop(self.swap_tx(Some(tx)));
        // INVARIANT: added and enabled in one section of the device's lock.
        // SAFETY: the context is on no list (invariant), the device valid, RTNL held.
        unsafe {
            let dev = (*txq).dev;
            raw::nic_netdev_lock(dev);
            raw::nic_napi_add_config_locked(
                dev,
                napi,
                Some(Callbacks::<T>::poll),
                self.index.into(),
            );
            raw::netif_napi_set_irq_locked(napi, c_int::try_from(irq).unwrap_or(-1));
            self.set_queue_napi(napi);
            raw::napi_enable_locked(napi);
            raw::nic_netdev_unlock(dev);
            // The stack sends what it kept while the queue stood still now, not with the next
            // packet.
            raw::netif_tx_wake_queue(txq);
        }
        *running = true;
        Ok(())
    }

    /// Stops the pair and returns its state; `None` when it did not run. When this returns no poll
    /// and no transmission of the pair runs and none will, and [`Operations::rearm`] has been
    /// called for the last time: the vector may be enabled. Sleeps.
    pub(super) fn stop(&self, _rtnl: &Rtnl) -> Option<(T::Tx<'bound>, T::Poll<'bound>)> {
        // SAFETY: RTNL is held (invariant of `running`).
        let running = unsafe { &mut *self.running.get() };
        if !*running {
            return None;
        }
        let napi = self.napi.get();
        self.hold();
        let tx = self.swap_tx(None);
        // INVARIANT: disabled, which leaves `SCHED` set, and taken off the list in one section of
        // the device's lock.
        // SAFETY: the context is added and enabled; the device is valid and RTNL is held. Disabling
        // waits until the context is completed, the grace period for what the poll function does
        // then, and for those who walk the list.
        unsafe {
            let dev = (*self.txq.as_ptr()).dev;
            raw::nic_netdev_lock(dev);
            raw::napi_disable_locked(napi);
            self.set_queue_napi(core::ptr::null_mut());
            raw::netif_napi_set_irq_locked(napi, -1);
            raw::__netif_napi_del_locked(napi);
            raw::nic_netdev_unlock(dev);
            raw::synchronize_net();
        }
        *running = false;
        // The poll function may have restarted the queue before it was disabled.
        self.hold();
        // SAFETY: RTNL is held and the pair does not run (invariant of `poll`).
        let poll = unsafe { (*self.poll.get()).take() };
        tx.zip(poll)
    }

    /// Says whose context serves the queues.
    ///
    /// # Safety
    ///
    /// RTNL and the device's lock must be held; `napi` must be on the device's list, or null.
    unsafe fn set_queue_napi(&self, napi: *mut raw::napi_struct) {
        for kind in [
            raw::netdev_queue_type_NETDEV_QUEUE_TYPE_RX,
            raw::netdev_queue_type_NETDEV_QUEUE_TYPE_TX,
        ] {
            // SAFETY: the device is valid and has as many queues of both kinds as pairs; the rest
            // by the safety requirement.
            unsafe {
                raw::netif_queue_set_napi((*self.txq.as_ptr()).dev, self.index.into(), kind, napi);
            }
        }
    }

    /// Has the poll function run soon; from an interrupt handler. Of no effect when the pair does
    /// not run.
    #[inline]
    pub(super) fn schedule_poll(&self) {
        // SAFETY: the context is enabled or has `SCHED` set (invariant): one that is on no list is
        // not put on that of a processor.
        unsafe { raw::nic_napi_schedule(self.napi.get()) };
    }
}

/// A poll under way.
///
/// # Invariants
///
/// The pair's `polling` was set for this, and is unset when it is dropped.
pub(super) struct Polling<'a, 'bound, T: Operations> {
    pair: &'a Pair<'bound, T>,
}

impl<'bound, T: Operations> Polling<'_, 'bound, T> {
    /// The poll state, `None` when the pair does not run; the transmit queue's completions; the
    /// receive counters.
    #[inline]
    pub(super) fn parts(
        &mut self,
    ) -> (
        Option<&mut T::Poll<'bound>>,
        TxCompletions<'_>,
        Writer<'_, super::RxStats>,
    ) {
        // SAFETY: nobody else has set `polling`, and while the poll function runs the pair does
        // (invariants); the queue is valid.
        unsafe {
            (
                (*self.pair.poll.get()).as_mut(),
                TxCompletions::new(self.pair.txq.as_ptr()),
                Writer::new(&self.pair.stats.rx),
            )
        }
    }
}

impl<T: Operations> Drop for Polling<'_, '_, T> {
    fn drop(&mut self) {
        self.pair.polling.store(false, Ordering::Release);
    }
}
