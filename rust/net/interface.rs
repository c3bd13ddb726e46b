// SPDX-License-Identifier: GPL-2.0

//! A registered network device and its queue pairs.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use core::ptr::NonNull;

use kernel::{
    prelude::*,
    str::CStr,
    sync::{
        Arc,
        ArcBorrow,
        Mutex, //
    }, //
};

use crate::{
    pci::Resource,
    raw, //
};

use super::{
    pair::Pair,
    stats::QueueStats,
    Features,
    MacAddress,
    Operations,
    Rtnl, //
};

/// Whether the stack may hear of the carrier, and what it is to hear.
pub(super) struct Carrier {
    /// The registration has succeeded, and unregistering has not begun. The kernel's work on the
    /// link lets go of a device for the last time when that ends; of one that could not be
    /// registered, never.
    pub(super) is_told: bool,
    /// There is a link.
    pub(super) is_on: bool,
}

/// A network device with its driver's data.
///
/// # Invariants
///
/// - `netdev` is valid until `self` is dropped, and not "ops-locked" (`netdev_need_ops_lock()`).
/// - An interface only exists inside an `Arc`, and the private area of `netdev` holds the pointer
///   that [`Arc::as_ptr`] gives for it.
/// - A pair runs only while the interface is up: [`RunningInterface`] starts it, and the callback
///   that takes the interface down stops it.
///
/// [`RunningInterface`]: super::RunningInterface
#[pin_data(PinnedDrop)]
pub struct Interface<'bound, T: Operations> {
    pub(super) netdev: NonNull<raw::net_device>,
    pub(super) data: T::Data<'bound>,
    pub(super) pairs: KVec<Pin<KBox<Pair<'bound, T>>>>,
    /// Whether the device is registered. The lock makes a second `unregister` wait for the first.
    #[pin]
    pub(super) registered: Mutex<bool>,
    #[pin]
    pub(super) carrier: Mutex<Carrier>,
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
        // SAFETY: the private area holds the pointer of the `Arc` (invariant), which is alive as
        // long as the reference.
        unsafe {
            let private = raw::nic_netdev_priv(self.as_raw()).cast::<*const Self>();
            ArcBorrow::from_raw(*private).into()
        }
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

    /// Pairs in use: the stack sends by these, and the device receives by these.
    pub(super) fn active_pairs(&self) -> usize {
        // SAFETY: the device is valid (invariant); read without a lock everywhere in the kernel.
        unsafe { (&raw const (*self.as_raw()).real_num_tx_queues).read_volatile() as usize }
    }

    /// Link up; of no effect once the device is being unregistered. Sleeps.
    pub fn carrier_on(&self) {
        self.set_carrier(true);
    }

    /// Link down; as [`Self::carrier_on`].
    pub fn carrier_off(&self) {
        self.set_carrier(false);
    }

    fn set_carrier(&self, is_on: bool) {
        let mut carrier = self.carrier.lock();
        carrier.is_on = is_on;
        self.tell_carrier(&carrier);
    }

    /// Tells the stack of the carrier, if it may hear of it.
    pub(super) fn tell_carrier(&self, carrier: &Carrier) {
        if !carrier.is_told {
            return;
        }
        // SAFETY: the device is registered, and does not begin to be unregistered as long as the
        // lock is held.
        unsafe {
            if carrier.is_on {
                raw::netif_carrier_on(self.as_raw());
            } else {
                raw::netif_carrier_off(self.as_raw());
            }
        }
    }

    /// Stops pair `index` and returns its state; `None` when it did not run. When this returns no
    /// poll and no transmission of the pair runs and none will, and [`Operations::rearm`] has been called
    /// for the last time: the vector may be enabled. Sleeps.
    pub fn stop_pair(&self, index: usize, rtnl: &Rtnl) -> Option<(T::Tx<'bound>, T::Poll<'bound>)> {
        self.pairs.get(index)?.stop(rtnl)
    }

    /// Counts packets that were in the ring of pair `index` when it was stopped, and were not sent,
    /// as dropped. Process context.
    pub fn add_tx_dropped(&self, index: usize, packets: u64) {
        if let Some(pair) = self.pairs.get(index) {
            pair.add_tx_dropped(packets);
        }
    }

    /// Has the poll function of pair `index` run soon; from an interrupt handler. Harmless when the pair
    /// does not run.
    #[inline]
    pub fn schedule_poll(&self, index: usize) {
        if let Some(pair) = self.pairs.get(index) {
            pair.schedule_poll();
        }
    }

    /// Stops all pairs that run.
    pub(super) fn stop_pairs(&self, rtnl: &Rtnl) {
        for index in 0..self.pairs.len() {
            drop(self.stop_pair(index, rtnl));
        }
    }
}

// SAFETY: `unregister_netdev` waits for every callback of the device, the callback that takes the
// interface down has stopped the pairs, and the lock makes a second caller wait for the first.
unsafe impl<T: Operations> Resource for Interface<'_, T> {
    fn unregister(&self) {
        let mut registered = self.registered.lock();
        if *registered {
            self.carrier.lock().is_told = false;
            // SAFETY: registered and not yet unregistered.
            unsafe { raw::unregister_netdev(self.as_raw()) };
            *registered = false;
        }
    }
}

#[pinned_drop]
impl<T: Operations> PinnedDrop for Interface<'_, T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: the device is ours and unregistered: the scope does not let go of us before
        // `unregister`, and `Builder::register` not without registering. No pair runs, so no NAPI
        // context is on its list. Clearing the private pointer first makes a late user fail loudly.
        unsafe {
            raw::nic_netdev_priv(self.as_raw())
                .cast::<*const ()>()
                .write(core::ptr::null());
            raw::free_netdev(self.as_raw());
        }
    }
}
