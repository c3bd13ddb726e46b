// SPDX-License-Identifier: GPL-2.0

//! Making and registering a network device.
//!
//! C header: [`include/linux/etherdevice.h`](srctree/include/linux/etherdevice.h)

use core::ptr::NonNull;

use kernel::{
    device::Bound,
    error::to_result,
    new_mutex,
    pci,
    prelude::*,
    sync::Arc, //
};

use crate::{
    ethtool,
    pci::{
        Registered,
        Scope, //
    },
    raw,
    sys, //
};

use super::{
    callbacks::Callbacks,
    interface::Carrier,
    pair::Pair,
    vf::VfCallbacks,
    Features,
    Interface,
    MacAddress,
    Operations,
    VfAdmin, //
};

/// A device that is allocated but not registered; freed when dropped.
struct NetDev(NonNull<raw::net_device>);

impl NetDev {
    fn into_raw(self) -> NonNull<raw::net_device> {
        core::mem::ManuallyDrop::new(self).0
    }
}

impl Drop for NetDev {
    fn drop(&mut self) {
        // SAFETY: allocated by us, never registered.
        unsafe { raw::free_netdev(self.0.as_ptr()) };
    }
}

/// An Ethernet device in the making.
///
/// # Examples
///
/// ```
/// use kernel::{device::Bound, pci, prelude::*};
/// use nic::{ethtool, net::{features, Builder, Interface, MacAddress, Operations}, pci::{Registered, Scope}};
///
/// fn register<'bound, T: Operations + ethtool::Operations>(
///     dev: &'bound pci::Device<Bound>,
///     scope: Scope<'bound>,
///     data: T::Data<'bound>,
/// ) -> Result<Registered<'bound, Interface<'bound, T>>> {
///     let mut builder = Builder::new(dev, MacAddress::random());
///     builder.mac_is_random = true;
///     builder.mtu = (68, 9216);
///     builder.features = features::SG | features::HW_CSUM;
///     builder.user_features = builder.features;
///     builder.register::<T>(scope, data)
/// }
/// ```
pub struct Builder<'bound> {
    dev: &'bound pci::Device<Bound>,
    /// Address at registration.
    pub mac: MacAddress,
    /// The address is random, which the stack shows to user space.
    pub mac_is_random: bool,
    /// Queue pairs to allocate; at least 1.
    pub pairs: u16,
    /// Smallest and largest MTU.
    pub mtu: (u32, u32),
    /// Features in force at registration.
    pub features: Features,
    /// Those the user may turn on and off.
    pub user_features: Features,
    /// Those that also hold for VLAN devices on top.
    pub vlan_features: Features,
    /// Takes addresses of its own into its filters, so that secondary ones need no promiscuity.
    pub unicast_filter: bool,
    /// `dev_port`: tells the ports of one device apart.
    pub port: u16,
    /// Milliseconds a queue may stand before `tx_timeout`.
    pub watchdog_ms: u32,
}

impl<'bound> Builder<'bound> {
    /// Starts from an Ethernet device without offloads.
    pub fn new(dev: &'bound pci::Device<Bound>, mac: MacAddress) -> Self {
        Self {
            dev,
            mac,
            mac_is_random: false,
            pairs: 1,
            mtu: (raw::ETH_MIN_MTU, raw::ETH_DATA_LEN),
            features: Features::NONE,
            user_features: Features::NONE,
            vlan_features: Features::NONE,
            unicast_filter: false,
            port: 0,
            watchdog_ms: 5000,
        }
    }

    /// Allocates and registers the device, carrier off. From here on the callbacks of `T` run, some
    /// before this returns. Sleeps; must not be called with RTNL held.
    ///
    /// Errors: `ENOMEM`, `EADDRNOTAVAIL` for an invalid address, `ENFILE` for lack of names.
    pub fn register<T: Operations + ethtool::Operations>(
        self,
        scope: Scope<'bound>,
        data: T::Data<'bound>,
    ) -> Result<Registered<'bound, Interface<'bound, T>>> {
        self.register_with(scope, data, &Callbacks::<T>::OPS)
    }

    /// As [`Self::register`], for the interface through which VFs are administered.
    pub fn register_with_vfs<T: Operations + ethtool::Operations + VfAdmin>(
        self,
        scope: Scope<'bound>,
        data: T::Data<'bound>,
    ) -> Result<Registered<'bound, Interface<'bound, T>>> {
        self.register_with(scope, data, &VfCallbacks::<T>::OPS)
    }

    /// `ops` must be of `T`'s making.
    fn register_with<T: Operations + ethtool::Operations>(
        self,
        scope: Scope<'bound>,
        data: T::Data<'bound>,
        ops: &'static raw::net_device_ops,
    ) -> Result<Registered<'bound, Interface<'bound, T>>> {
        if !self.mac.is_valid() {
            return Err(EADDRNOTAVAIL);
        }
        let pairs = u32::from(self.pairs.max(1));
        let private = c_int::try_from(core::mem::size_of::<*const ()>())?;
        // SAFETY: allocates; the private area holds one pointer.
        let netdev = unsafe { raw::nic_alloc_etherdev(private, pairs) };
        let netdev = NetDev(NonNull::new(netdev).ok_or(ENOMEM)?);
        let raw_dev = netdev.0.as_ptr();
        self.configure::<T>(raw_dev, ops);

        let mut list = KVec::with_capacity(pairs as usize, GFP_KERNEL)?;
        for index in 0..self.pairs.max(1) {
            // SAFETY: the device has `pairs` transmit queues.
            let txq = unsafe { raw::nic_get_tx_queue(raw_dev, index.into()) };
            let txq = NonNull::new(txq).ok_or(ENOMEM)?;
            // SAFETY: queue `index` of the device, which the interface frees after its pairs
            // stopped.
            let pair = KBox::pin_init(unsafe { Pair::new(txq, index) }, GFP_KERNEL)?;
            list.push(pair, GFP_KERNEL)?;
        }

        // INVARIANT: the device is valid and from here on freed by the interface, which is made inside
        // an `Arc`, and nowhere else.
        let interface = Arc::pin_init(
            pin_init!(Interface {
                netdev: netdev.into_raw(),
                data,
                pairs: list,
                registered <- new_mutex!(false),
                carrier <- new_mutex!(Carrier {
                    is_told: false,
                    is_on: false,
                }),
            }),
            GFP_KERNEL,
        )?;
        // INVARIANT: the private area holds the pointer of the `Arc`, whose interface does not
        // move.
        // SAFETY: the private area has room for a pointer.
        unsafe {
            raw::nic_netdev_priv(raw_dev)
                .cast::<*const Interface<'bound, T>>()
                .write(Arc::as_ptr(&interface));
        }
        let mut registered = interface.registered.lock();
        // SAFETY: the device is set up; its callbacks find the interface, which the scope keeps until
        // it is unregistered.
        unsafe {
            raw::netif_carrier_off(raw_dev);
            to_result(raw::register_netdev(raw_dev))?;
        }
        *registered = true;
        // A driver that was called meanwhile may have found a link.
        let mut carrier = interface.carrier.lock();
        carrier.is_told = true;
        interface.tell_carrier(&carrier);
        drop(carrier);
        drop(registered);

        // Unregisters on failure.
        scope.adopt(interface)
    }

    fn configure<T: Operations + ethtool::Operations>(
        &self,
        dev: *mut raw::net_device,
        ops: &'static raw::net_device_ops,
    ) {
        // SAFETY: the device was just allocated, nobody else sees it; the tables are constants.
        unsafe {
            raw::nic_set_netdev_dev(dev, sys::device(self.dev.as_ref()));
            raw::dev_addr_mod(dev, 0, self.mac.0.as_ptr().cast(), self.mac.0.len());
            (*dev).addr_assign_type = if self.mac_is_random {
                raw::NET_ADDR_RANDOM as u8
            } else {
                raw::NET_ADDR_PERM as u8
            };
            (*dev).netdev_ops = ops;
            (*dev).ethtool_ops = ethtool::table::<T>();
            (*dev).stat_ops = &Callbacks::<T>::STAT_OPS;
            (*dev).min_mtu = self.mtu.0;
            (*dev).max_mtu = self.mtu.1;
            (*dev).hw_features = self.user_features.0;
            (*dev).features = self.features.0;
            (*dev).vlan_features = self.vlan_features.0;
            (*dev).watchdog_timeo =
                c_int::try_from(raw::__msecs_to_jiffies(self.watchdog_ms)).unwrap_or(c_int::MAX);
            (*dev).dev_port = self.port;
            if self.unicast_filter {
                raw::nic_set_unicast_filter(dev);
            }
        }
    }
}
