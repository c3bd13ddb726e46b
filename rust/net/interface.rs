// SPDX-License-Identifier: GPL-2.0

//! A registered network device and its queue pairs.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use core::{
    cell::UnsafeCell,
    ptr::NonNull, //
};

use kernel::{
    error::to_result,
    prelude::*,
    str::CStr,
    sync::{
        Arc,
        ArcBorrow,
        Mutex, //
    },
    types::Opaque, //
};

use crate::{
    pci::Resource,
    raw, //
};

use super::{
    queue::{
        TxCompletions,
        TxQueue, //
    },
    stats::QueueStats,
    Features,
    MacAddress,
    Operations,
    Rtnl, //
};

/// A queue pair: one NAPI context, one transmit and one receive queue.
///
/// # Invariants
///
/// - `napi` is added to the interface's device from construction until the interface's teardown.
/// - `tx` is touched with the transmit lock of `txq` held only.
/// - `poll` is touched by the poll function, until it completes the context's run, or with RTNL held
///   while `enabled` is false. The poll function runs in one place at a time: in the context's run, or,
///   between two, for netpoll, which is the context's `poll_owner` then.
/// - `enabled` is touched with RTNL held only, and false exactly while the NAPI context is disabled.
#[pin_data]
pub(super) struct Pair<'bound, T: Operations> {
    #[pin]
    pub(super) napi: Opaque<raw::napi_struct>,
    pub(super) txq: NonNull<raw::netdev_queue>,
    pub(super) index: u16,
    pub(super) tx: UnsafeCell<Option<T::Tx<'bound>>>,
    pub(super) poll: UnsafeCell<Option<T::Poll<'bound>>>,
    pub(super) enabled: UnsafeCell<bool>,
    pub(super) stats: QueueStats,
}

// SAFETY: the driver's parts are `Send` (bounds of `Operations`); the kernel's may be used from any
// thread under the rules in the invariants.
unsafe impl<T: Operations> Send for Pair<'_, T> {}

// SAFETY: access to the cells is exclusive by the locks in the invariants; the statistics are
// `Sync`.
unsafe impl<T: Operations> Sync for Pair<'_, T> {}

impl<'bound, T: Operations> Pair<'bound, T> {
    /// The pair's transmit queue.
    ///
    /// # Safety
    ///
    /// The transmit lock must be held as long as it is used.
    #[inline]
    pub(super) unsafe fn tx_queue(&self) -> TxQueue<'_> {
        // SAFETY: the device's queues live as long as the device, which outlives the pairs; by the
        // safety requirement.
        unsafe { TxQueue::new(self.txq.as_ptr(), &self.stats.tx) }
    }

    /// The pair's completions.
    ///
    /// # Safety
    ///
    /// To be called, and used, in the pair's poll function.
    #[inline]
    pub(super) unsafe fn completions(&self) -> TxCompletions<'_> {
        // SAFETY: as for `tx_queue`.
        unsafe { TxCompletions::new(self.txq.as_ptr()) }
    }

    /// Exchanges the transmit state.
    fn swap_tx(&self, new: Option<T::Tx<'bound>>) -> Option<T::Tx<'bound>> {
        // SAFETY: the queue is valid; soft interrupts are off while the lock is held.
        unsafe { raw::nic_tx_lock_bh(self.txq.as_ptr()) };
        // SAFETY: the lock is held (invariant of `tx`).
        let old = core::mem::replace(unsafe { &mut *self.tx.get() }, new);
        // SAFETY: taken above.
        unsafe { raw::nic_tx_unlock_bh(self.txq.as_ptr()) };
        old
    }
}

/// A network device with its driver's data.
///
/// # Invariants
///
/// - `netdev` is valid until `self` is dropped, and its private area holds a pointer to `self`.
/// - An interface only exists inside an `Arc`.
#[pin_data(PinnedDrop)]
pub struct Interface<'bound, T: Operations> {
    pub(super) netdev: NonNull<raw::net_device>,
    pub(super) data: T::Data<'bound>,
    pub(super) pairs: KVec<Pin<KBox<Pair<'bound, T>>>>,
    /// Whether the device is registered. The lock makes a second `unregister` wait for the first.
    #[pin]
    pub(super) registered: Mutex<bool>,
    /// Whether the carrier may change: not once unregistering has begun, whose end is the last time that the
    /// kernel's work on the link lets go of the device.
    #[pin]
    pub(super) has_link: Mutex<bool>,
}

// SAFETY: the driver's data is `Send + Sync`; the device is used through functions that may be
// called from any thread, with the locks their documentation asks for.
unsafe impl<T: Operations> Send for Interface<'_, T> {}

// SAFETY: as for `Send`.
unsafe impl<T: Operations> Sync for Interface<'_, T> {}

impl<'bound, T: Operations> Interface<'bound, T> {
    #[inline]
    pub(super) fn as_raw(&self) -> *mut raw::net_device {
        self.netdev.as_ptr()
    }

    /// Another reference, for data shared with interrupt handlers and work. It does not keep the
    /// interface registered.
    pub fn shared(&self) -> Arc<Self> {
        // SAFETY: `self` is inside an `Arc` (invariant), which is alive as long as the reference.
        unsafe { ArcBorrow::from_raw(self) }.into()
    }

    /// The driver's data.
    #[inline]
    pub fn data(&self) -> &T::Data<'bound> {
        &self.data
    }

    /// How many queue pairs were allocated.
    pub fn max_pairs(&self) -> usize {
        self.pairs.len()
    }

    /// The counters of pair `index`.
    pub fn queue_stats(&self, index: usize) -> Option<&QueueStats> {
        self.pairs.get(index).map(|pair| &pair.stats)
    }

    /// The interface's name, such as `eth0`. May change unless RTNL is held.
    pub fn name<'a>(&'a self, _rtnl: &'a Rtnl) -> &'a CStr {
        // SAFETY: the name is a terminated string in the device (invariant), which only changes
        // under RTNL.
        unsafe { CStr::from_char_ptr((&raw const (*self.as_raw()).name).cast()) }
    }

    /// The MTU in bytes.
    pub fn mtu(&self) -> u32 {
        // SAFETY: the device is valid (invariant); the field is read without a lock everywhere in
        // the kernel.
        unsafe { (&raw const (*self.as_raw()).mtu).read_volatile() }
    }

    /// The address in use.
    pub fn mac(&self, _rtnl: &Rtnl) -> MacAddress {
        let mut mac = MacAddress::default();
        // SAFETY: `dev_addr` points to at least six bytes, which change under RTNL only.
        unsafe { core::ptr::copy_nonoverlapping((*self.as_raw()).dev_addr, mac.0.as_mut_ptr(), 6) };
        mac
    }

    /// Replaces the address, after the core asked for it; the core tells everyone.
    pub(super) fn set_mac(&self, mac: MacAddress, _rtnl: &Rtnl) {
        // SAFETY: the device is valid, RTNL is held; six bytes are copied.
        unsafe { raw::dev_addr_mod(self.as_raw(), 0, mac.0.as_ptr().cast(), 6) };
    }

    /// Replaces the address, as a driver does whose device was given another one, and tells the rest
    /// of the kernel and, by netlink, user space. Of no effect once the device is unregistered.
    ///
    /// Whoever is told may call back into the driver: only RTNL may be held.
    pub fn adopt_mac(&self, mac: MacAddress, rtnl: &Rtnl) {
        if !self.is_registered(rtnl) {
            return;
        }
        self.set_mac(mac, rtnl);
        // SAFETY: the device is registered, RTNL is held. The answer is of no use: the address has changed.
        unsafe {
            raw::call_netdevice_notifiers(
                raw::netdev_cmd_NETDEV_CHANGEADDR as usize,
                self.as_raw(),
            );
        }
    }

    /// Tells the neighbours which address the interface has, with what they take without having asked:
    /// gratuitous ARP, neighbour advertisements. For a driver whose device was given another address;
    /// otherwise they would send to the one before until they find out. Of no effect once the device is
    /// unregistered.
    ///
    /// Whoever is told may call back into the driver: only RTNL may be held.
    pub fn announce(&self, rtnl: &Rtnl) {
        if !self.is_registered(rtnl) {
            return;
        }
        // SAFETY: the device is registered, RTNL is held. The first has the stack act upon a carrier
        // that has just come, of which it is told later otherwise: it would send nothing yet.
        unsafe {
            raw::ethtool_op_get_link(self.as_raw());
            raw::__netdev_notify_peers(self.as_raw());
        }
    }

    /// The features in force.
    pub fn features(&self) -> Features {
        // SAFETY: the device is valid (invariant); read without a lock everywhere in the kernel.
        Features(unsafe { (&raw const (*self.as_raw()).features).read_volatile() })
    }

    /// Whether the user has set a table for receive hashing, and not gone back to the default.
    pub fn has_rss_table(&self, _rtnl: &Rtnl) -> bool {
        // SAFETY: the device is valid (invariant); the flag changes under RTNL only.
        unsafe { raw::netif_is_rxfh_configured(self.as_raw()) }
    }

    /// Whether the interface is up.
    pub fn is_running(&self) -> bool {
        // SAFETY: the device is valid (invariant).
        unsafe { raw::nic_netif_running(self.as_raw()) }
    }

    /// Link up; of no effect once the device is being unregistered. Sleeps.
    pub fn carrier_on(&self) {
        let has_link = self.has_link.lock();
        if *has_link {
            // SAFETY: the device is valid (invariant), and not being unregistered as long as the lock is
            // held.
            unsafe { raw::netif_carrier_on(self.as_raw()) };
        }
    }

    /// Link down; as [`Self::carrier_on`].
    pub fn carrier_off(&self) {
        let has_link = self.has_link.lock();
        if *has_link {
            // SAFETY: as in `carrier_on`.
            unsafe { raw::netif_carrier_off(self.as_raw()) };
        }
    }

    /// The device is not there for a while: the stack stops sending, and refuses what the user asks
    /// for with `ENODEV`. The interface stays up if it is. Not counted.
    pub fn detach(&self, _rtnl: &Rtnl) {
        // SAFETY: the device is valid (invariant).
        unsafe { raw::netif_device_detach(self.as_raw()) };
    }

    /// The device is back. Has [`Operations::set_rx_mode`] called if it is up: what changed meanwhile the
    /// stack did not say. No lock that this takes may be held. Of no effect once the device is unregistered.
    pub fn attach(&self, rtnl: &Rtnl) {
        if !self.is_registered(rtnl) {
            return;
        }
        let dev = self.as_raw();
        // SAFETY: the device is registered, RTNL is held. Setting the flags that are set changes
        // nothing, and cannot fail; the stack's own function for addresses is not exported.
        unsafe {
            raw::netif_device_attach(dev);
            raw::dev_change_flags(dev, raw::netif_get_flags(dev), core::ptr::null_mut());
        }
    }

    /// Uses the first `pairs` queue pairs. Errors: `EINVAL`, `ENOMEM`; then nothing changed.
    pub fn set_active_pairs(&self, pairs: usize, _rtnl: &Rtnl) -> Result {
        if pairs == 0 || pairs > self.pairs.len() {
            return Err(EINVAL);
        }
        let n = u32::try_from(pairs)?;
        // SAFETY: RTNL is held (invariant of `enabled`).
        let enabled = |pair: &Pair<'_, T>| unsafe { *pair.enabled.get() };
        // What the stack may choose from now on waits for `start_pair`.
        for pair in self.pairs.iter().take(pairs).filter(|pair| !enabled(pair)) {
            // SAFETY: the queue is valid.
            unsafe { raw::nic_tx_hold_queue(pair.txq.as_ptr()) };
        }
        // SAFETY: the device is valid (invariant), RTNL is held.
        let result = to_result(unsafe { raw::netif_set_real_num_queues(self.as_raw(), n, n) });
        // SAFETY: the device is valid (invariant); written under RTNL only.
        let active = unsafe { (*self.as_raw()).real_num_tx_queues } as usize;
        // The watchdog takes a stopped queue for one that hangs, whether or not it is in use.
        for pair in self.pairs.iter().skip(active) {
            // SAFETY: the queue is valid. The stack sends nothing to it.
            unsafe { raw::nic_tx_start_queue(pair.txq.as_ptr()) };
        }
        result
    }

    /// Installs the state of pair `index` and lets it run: polls and transmissions may come before
    /// this returns. `irq` is its Linux interrupt number, for those who look. Sleeps.
    ///
    /// Errors: `EINVAL` past the end, `EBUSY` when the pair runs, `ENODEV` when the device is not registered,
    /// or no longer.
    pub fn start_pair(
        &self,
        index: usize,
        tx: T::Tx<'bound>,
        poll: T::Poll<'bound>,
        irq: u32,
        rtnl: &Rtnl,
    ) -> Result {
        let pair = self.pairs.get(index).ok_or(EINVAL)?;
        if !self.is_registered(rtnl) {
            return Err(ENODEV);
        }
        // SAFETY: RTNL is held (invariant of `enabled`).
        let enabled = unsafe { &mut *pair.enabled.get() };
        if *enabled {
            return Err(EBUSY);
        }
        let queue = u32::from(pair.index);
        let napi = pair.napi.get();
        // Before there is a transmit state, whose first packet is accounted for.
        // SAFETY: the queue is valid.
        unsafe {
            raw::nic_tx_hold_queue(pair.txq.as_ptr());
            raw::nic_tx_reset(pair.txq.as_ptr());
        }
        // SAFETY: RTNL is held and the context is disabled (invariant of `poll`).
        unsafe { *pair.poll.get() = Some(poll) };
        drop(pair.swap_tx(Some(tx)));
        // SAFETY: the context is added and disabled (invariants); the device and queue are valid
        // and RTNL is held.
        unsafe {
            raw::nic_napi_set_irq(napi, c_int::try_from(irq).unwrap_or(-1));
            raw::netif_queue_set_napi(
                self.as_raw(),
                queue,
                raw::netdev_queue_type_NETDEV_QUEUE_TYPE_RX,
                napi,
            );
            raw::netif_queue_set_napi(
                self.as_raw(),
                queue,
                raw::netdev_queue_type_NETDEV_QUEUE_TYPE_TX,
                napi,
            );
            raw::napi_enable(napi);
            // What the stack kept while the queue stood still goes now, not with the next packet.
            raw::netif_tx_wake_queue(pair.txq.as_ptr());
        }
        *enabled = true;
        Ok(())
    }

    /// Stops pair `index` and returns its state; `None` when it did not run. When this returns no
    /// poll and no transmission of the pair runs and none will, and [`Operations::rearm`] has been called
    /// for the last time: the vector may be enabled. Sleeps.
    pub fn stop_pair(
        &self,
        index: usize,
        _rtnl: &Rtnl,
    ) -> Option<(T::Tx<'bound>, T::Poll<'bound>)> {
        let pair = self.pairs.get(index)?;
        // SAFETY: RTNL is held (invariant of `enabled`).
        let enabled = unsafe { &mut *pair.enabled.get() };
        if !*enabled {
            return None;
        }
        let napi = pair.napi.get();
        let queue = u32::from(pair.index);
        // SAFETY: the queue is valid.
        unsafe { raw::nic_tx_hold_queue(pair.txq.as_ptr()) };
        let tx = pair.swap_tx(None);
        // SAFETY: the context is added and enabled; the device is valid and RTNL is held. Disabling
        // waits until the context is completed, the grace period for what the poll function does then.
        unsafe {
            raw::napi_disable(napi);
            raw::synchronize_net();
            raw::netif_queue_set_napi(
                self.as_raw(),
                queue,
                raw::netdev_queue_type_NETDEV_QUEUE_TYPE_RX,
                core::ptr::null_mut(),
            );
            raw::netif_queue_set_napi(
                self.as_raw(),
                queue,
                raw::netdev_queue_type_NETDEV_QUEUE_TYPE_TX,
                core::ptr::null_mut(),
            );
            raw::nic_napi_set_irq(napi, -1);
        }
        *enabled = false;
        // The poll function may have restarted the queue before it was disabled.
        // SAFETY: the queue is valid.
        unsafe { raw::nic_tx_hold_queue(pair.txq.as_ptr()) };
        // SAFETY: RTNL is held and the context is disabled (invariant of `poll`).
        let poll = unsafe { (*pair.poll.get()).take() };
        tx.zip(poll)
    }

    /// Has the poll function of pair `index` run soon; from an interrupt handler. Harmless when the pair
    /// does not run.
    #[inline]
    pub fn schedule_poll(&self, index: usize) {
        if let Some(pair) = self.pairs.get(index) {
            // SAFETY: the context is added (invariant); a disabled one is not scheduled.
            unsafe { raw::nic_napi_schedule(pair.napi.get()) };
        }
    }

    fn stop_pairs(&self, rtnl: &Rtnl) {
        for index in 0..self.pairs.len() {
            drop(self.stop_pair(index, rtnl));
        }
    }

    /// Whether the device is registered; under RTNL it stays so.
    fn is_registered(&self, _rtnl: &Rtnl) -> bool {
        // SAFETY: the device is valid (invariant).
        unsafe { raw::nic_netdev_registered(self.as_raw()) }
    }

    /// Removes what `Builder::register` set up with the kernel beyond the registration itself.
    pub(super) fn delete_napi(&self) {
        for pair in self.pairs.iter() {
            // SAFETY: added at construction, disabled since `stop` or never enabled.
            unsafe { raw::nic_netif_napi_del(pair.napi.get()) };
        }
    }
}

impl<T: Operations> Resource for Interface<'_, T> {
    fn unregister(&self) {
        let mut registered = self.registered.lock();
        if *registered {
            *self.has_link.lock() = false;
            // SAFETY: registered and not yet unregistered. Stops the interface and waits for every
            // callback but those of pairs that the driver's `stop` left running.
            unsafe { raw::unregister_netdev(self.as_raw()) };
            // Nobody starts one again: see `start_pair`.
            self.stop_pairs(&Rtnl::lock());
            *registered = false;
        }
    }
}

#[pinned_drop]
impl<T: Operations> PinnedDrop for Interface<'_, T> {
    fn drop(self: Pin<&mut Self>) {
        // It may never have been registered.
        self.stop_pairs(&Rtnl::lock());
        self.delete_napi();
        // SAFETY: the device is ours and unregistered: the scope does not let go of us before
        // `unregister`, and `Builder::register` not without registering. Clearing the private
        // pointer first makes a late user fail loudly.
        unsafe {
            raw::nic_netdev_priv(self.as_raw())
                .cast::<*const ()>()
                .write(core::ptr::null());
            raw::free_netdev(self.as_raw());
        }
    }
}
