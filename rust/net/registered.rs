// SPDX-License-Identifier: GPL-2.0

//! Proofs about the state of an interface, which RTNL keeps as it is.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use core::ops::Deref;

use kernel::{
    error::to_result,
    prelude::*, //
};

use crate::raw;

use super::{
    Interface,
    MacAddress,
    Operations,
    Rtnl, //
};

/// An interface that is registered, as long as RTNL is held.
///
/// # Invariants
///
/// The device is registered, and its unregistration, which takes RTNL, has not begun.
///
/// # Examples
///
/// ```
/// use nic::net::{Interface, MacAddress, Operations, Rtnl};
///
/// /// The device was given another address; nothing needs to be done once it is unregistered.
/// fn readdress<T: Operations>(interface: &Interface<'_, T>, mac: MacAddress) {
///     if let Some(registered) = interface.registered(&Rtnl::lock()) {
///         registered.adopt_mac(mac);
///         registered.announce();
///     }
/// }
/// ```
pub struct RegisteredInterface<'a, 'bound, T: Operations> {
    interface: &'a Interface<'bound, T>,
    rtnl: &'a Rtnl,
}

impl<'bound, T: Operations> Deref for RegisteredInterface<'_, 'bound, T> {
    type Target = Interface<'bound, T>;

    fn deref(&self) -> &Self::Target {
        self.interface
    }
}

impl<'bound, T: Operations> Interface<'bound, T> {
    /// Proves that the device is registered; `None` if it is not yet, or no longer.
    pub fn registered<'a>(&'a self, rtnl: &'a Rtnl) -> Option<RegisteredInterface<'a, 'bound, T>> {
        // INVARIANT: checked here, and changed with RTNL held only.
        // SAFETY: the device is valid (invariant).
        unsafe { raw::nic_netdev_registered(self.as_raw()) }.then_some(RegisteredInterface {
            interface: self,
            rtnl,
        })
    }

    /// Proves that the interface is up; `None` if it is down, or not registered.
    pub fn running<'a>(&'a self, rtnl: &'a Rtnl) -> Option<RunningInterface<'a, 'bound, T>> {
        // INVARIANT: checked here, and changed with RTNL held only.
        self.registered(rtnl)
            .filter(|registered| registered.is_running())
            .map(RunningInterface)
    }
}

impl<'bound, T: Operations> RegisteredInterface<'_, 'bound, T> {
    /// The proof that RTNL is held.
    pub fn rtnl(&self) -> &Rtnl {
        self.rtnl
    }

    /// Replaces the address, as a driver does whose device was given another one, and tells the
    /// rest of the kernel and, by netlink, user space.
    ///
    /// Whoever is told may call back into the driver: only RTNL may be held.
    pub fn adopt_mac(&self, mac: MacAddress) {
        self.set_mac(mac, self.rtnl);
        // SAFETY: the device is registered, RTNL is held (invariant). The answer is of no use: the
        // address has changed.
        unsafe {
            raw::call_netdevice_notifiers(
                raw::netdev_cmd_NETDEV_CHANGEADDR as usize,
                self.as_raw(),
            );
        }
    }

    /// Tells the neighbours which address the interface has, with messages that they take without
    /// having asked: gratuitous ARP, neighbour advertisements. For a driver whose device was given
    /// another address; otherwise they would send to the one before until they find out.
    ///
    /// Whoever is told may call back into the driver: only RTNL may be held.
    pub fn announce(&self) {
        // SAFETY: the device is registered, RTNL is held (invariant). The first has the stack act
        // upon a carrier that has just come, of which it is told later otherwise: it would send
        // nothing yet.
        unsafe {
            raw::ethtool_op_get_link(self.as_raw());
            raw::__netdev_notify_peers(self.as_raw());
        }
    }

    /// Tells the stack that the device is not there for a while: it stops sending, and refuses
    /// requests of the user with `ENODEV`. The interface stays up if it is. Not counted.
    pub fn detach(&self) {
        // SAFETY: the device is valid (invariant of `Interface`).
        unsafe { raw::netif_device_detach(self.as_raw()) };
    }

    /// Tells the stack that the device is back. Has [`Operations::set_rx_mode`] called if it is up:
    /// the stack did not report changes meanwhile. No lock that this takes may be held.
    pub fn attach(&self) {
        let dev = self.as_raw();
        // SAFETY: the device is registered, RTNL is held (invariant). Setting the flags that are
        // set changes nothing, and cannot fail; the stack's own function for addresses is not
        // exported.
        unsafe {
            raw::netif_device_attach(dev);
            raw::dev_change_flags(dev, raw::netif_get_flags(dev), core::ptr::null_mut());
        }
    }

    /// Uses the first `pairs` queue pairs. Errors: `EINVAL`, `ENOMEM`; then nothing changed.
    pub fn set_active_pairs(&self, pairs: usize) -> Result {
        if pairs == 0 || pairs > self.pairs.len() {
            return Err(EINVAL);
        }
        let n = u32::try_from(pairs)?;
        // Queues from which the stack may choose from now on wait for `start_pair`.
        for pair in self.pairs.iter().take(pairs) {
            if !pair.is_running(self.rtnl) {
                pair.hold();
            }
        }
        // SAFETY: the device is registered, so its queues have their objects; RTNL is held
        // (invariant).
        let result = to_result(unsafe { raw::netif_set_real_num_queues(self.as_raw(), n, n) });
        for pair in self.pairs.iter().skip(self.active_pairs()) {
            pair.release();
        }
        result
    }
}

/// An interface that is registered and up, as long as RTNL is held: its queue pairs may run.
///
/// # Invariants
///
/// The interface is up. It goes down with RTNL held only, which stops all pairs.
pub struct RunningInterface<'a, 'bound, T: Operations>(RegisteredInterface<'a, 'bound, T>);

impl<'a, 'bound, T: Operations> Deref for RunningInterface<'a, 'bound, T> {
    type Target = RegisteredInterface<'a, 'bound, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'bound, T: Operations> RunningInterface<'_, 'bound, T> {
    /// Installs the state of pair `index` and lets it run: polls and transmissions may come before
    /// this returns. `irq` is its Linux interrupt number, for those who look. Sleeps.
    ///
    /// Errors: `EINVAL` past the end, `EBUSY` when the pair runs.
    pub fn start_pair(
        &self,
        index: usize,
        tx: T::Tx<'bound>,
        poll: T::Poll<'bound>,
        irq: u32,
    ) -> Result {
        let pair = self.pairs.get(index).ok_or(EINVAL)?;
        pair.start(tx, poll, irq, self.rtnl())
    }
}
