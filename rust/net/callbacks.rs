// SPDX-License-Identifier: GPL-2.0

//! From the kernel's tables of functions to [`Operations`]: rebuild the interface, borrow, forward.
//!
//! C headers: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h),
//! [`include/net/netdev_queues.h`](srctree/include/net/netdev_queues.h)

use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

use kernel::{
    error::from_result,
    prelude::*, //
};

use crate::raw;

use super::{
    napi::Poll,
    offload::features_for,
    pair::Pair,
    AddressList,
    Features,
    Interface,
    LinkStats,
    MacAddress,
    Operations,
    Progress,
    Rtnl,
    RxMode,
    SkBuff,
    TxOutcome, //
};

/// The tables for a driver `T`.
pub(super) struct Callbacks<T>(PhantomData<T>);

/// The interface of a device.
///
/// # Safety
///
/// `dev` must be a device registered by the builder for `T`, from one of its callbacks. The result
/// is valid for the duration of that callback.
#[inline(always)]
pub(crate) unsafe fn interface<'a, 'bound, T: Operations>(
    dev: *const raw::net_device,
) -> &'a Interface<'bound, T> {
    // SAFETY: the private area holds a pointer to the interface, which lives until after the
    // device is unregistered (invariant of `Interface`).
    unsafe {
        let private = raw::nic_netdev_priv(dev);
        &**private.cast::<*const Interface<'bound, T>>()
    }
}

/// Proof of RTNL for a callback that runs under it: those of `net_device_ops`, `ethtool_ops` and
/// `netdev_stat_ops` that say so at their call.
///
/// For a device that is "ops-locked" (`netdev_need_ops_lock()`) the core calls some of them with
/// the device's lock instead. The builder makes no such device: it sets neither `request_ops_lock`
/// nor `queue_mgmt_ops` nor `net_shaper_ops`, and keeps the table constant.
///
/// # Safety
///
/// To be called from a callback that the core calls with RTNL held for a device that is not
/// ops-locked; the value must not leave it.
pub(crate) unsafe fn rtnl() -> Rtnl {
    // SAFETY: by the safety requirement.
    unsafe { Rtnl::assume_held() }
}

impl<T: Operations> Callbacks<T> {
    pub(super) const OPS: raw::net_device_ops = raw::net_device_ops {
        ndo_open: Some(Self::open),
        ndo_stop: Some(Self::stop),
        ndo_start_xmit: Some(Self::start_xmit),
        ndo_features_check: Some(Self::features_check),
        ndo_set_rx_mode_async: Some(Self::set_rx_mode),
        ndo_set_mac_address: Some(Self::set_mac_address),
        ndo_validate_addr: Some(raw::eth_validate_addr),
        ndo_change_mtu: Some(Self::change_mtu),
        ndo_tx_timeout: Some(Self::tx_timeout),
        ndo_get_stats64: Some(Self::get_stats64),
        ndo_vlan_rx_add_vid: if T::HAS_VLAN_ADD {
            Some(Self::vlan_rx_add_vid)
        } else {
            None
        },
        ndo_vlan_rx_kill_vid: if T::HAS_VLAN_KILL {
            Some(Self::vlan_rx_kill_vid)
        } else {
            None
        },
        ndo_fix_features: Some(Self::fix_features),
        ndo_set_features: Some(Self::set_features),
        ..pin_init::zeroed()
    };

    pub(super) const STAT_OPS: raw::netdev_stat_ops = raw::netdev_stat_ops {
        get_queue_stats_rx: Some(Self::get_queue_stats_rx),
        get_queue_stats_tx: Some(Self::get_queue_stats_tx),
        get_base_stats: Some(Self::get_base_stats),
    };

    pub(super) unsafe extern "C" fn poll(napi: *mut raw::napi_struct, budget: c_int) -> c_int {
        // SAFETY: the context is that of a `Pair`, which outlives it; the pair's device has its
        // interface (invariants of `Pair` and `Interface`).
        let (pair, interface) = unsafe { (Pair::<T>::of(napi), interface::<T>((*napi).dev)) };
        let Some(mut polling) = pair.enter_poll() else {
            // Netpoll began while NAPI's run was under way, or the other way round. A run comes
            // back to all that is left; netpoll must not claim to have done anything.
            return budget;
        };
        let (state, completions, stats) = polling.parts();
        let Some(state) = state else {
            return 0;
        };
        let limit = u32::try_from(budget).unwrap_or(0);
        // SAFETY: this is the poll function of `napi`, and the pair's.
        let mut poll = unsafe { Poll::new(napi, pair.index, limit, completions, stats) };
        match T::poll(interface, state, &mut poll) {
            Progress::More => budget,
            // With budget 0 (netpoll) completing is not allowed, and all of the budget used would
            // mean that there is more.
            Progress::Done(received) if received < limit => {
                let received = c_int::try_from(received).unwrap_or(0);
                let vector = T::polled(interface, state);
                // From here on the next run may begin on another processor, or the pair be stopped.
                drop(polling);
                // SAFETY: called from the poll function with less than the budget.
                if unsafe { raw::napi_complete_done(napi, received) } {
                    T::rearm(interface, vector);
                }
                received
            }
            Progress::Done(_) => budget,
        }
    }

    unsafe extern "C" fn open(dev: *mut raw::net_device) -> c_int {
        // SAFETY: callback of our device, RTNL held.
        let (interface, rtnl) = unsafe { (interface::<T>(dev), rtnl()) };
        from_result(|| {
            // The core does not stop what did not open.
            T::open(interface, &rtnl)
                .map(|()| 0)
                .inspect_err(|_| interface.stop_pairs(&rtnl))
        })
    }

    unsafe extern "C" fn stop(dev: *mut raw::net_device) -> c_int {
        // SAFETY: callback of our device, RTNL held.
        let (interface, rtnl) = unsafe { (interface::<T>(dev), rtnl()) };
        T::stop(interface, &rtnl);
        interface.stop_pairs(&rtnl);
        0
    }

    unsafe extern "C" fn start_xmit(
        skb: *mut raw::sk_buff,
        dev: *mut raw::net_device,
    ) -> raw::netdev_tx_t {
        // SAFETY: callback of our device; the buffer is valid and handed to us.
        let (interface, queue) = unsafe { (interface::<T>(dev), (*skb).queue_mapping) };
        let pair = interface.pairs.get(usize::from(queue));
        if !pair.is_some_and(|pair| pair.is_tx_owned()) {
            return Self::start_xmit_elsewhere(interface, pair.is_some(), skb);
        }
        let (Some(pair), Some(packet)) = (pair, NonNull::new(skb)) else {
            return raw::netdev_tx_NETDEV_TX_BUSY;
        };
        // SAFETY: handed to us.
        let packet = unsafe { SkBuff::from_raw(packet) };
        // SAFETY: checked above; the stack keeps the lock until this function has returned, and
        // does not call it again meanwhile.
        let (tx, queue) = unsafe { pair.tx() };
        let Some(tx) = tx else {
            // Being stopped.
            queue.stats().add_dropped(1);
            return raw::netdev_tx_NETDEV_TX_OK;
        };
        match T::start_xmit(interface, tx, &queue, packet) {
            TxOutcome::Busy(packet) if packet.as_raw() == skb => {
                // It is the stack's again.
                let _ = packet.into_raw();
                raw::netdev_tx_NETDEV_TX_BUSY
            }
            TxOutcome::Taken | TxOutcome::Busy(_) => raw::netdev_tx_NETDEV_TX_OK,
        }
    }

    /// Deals with a packet whose queue is not the one that this processor has locked. The stack
    /// sends the packets that a queueing discipline had ready with the lock of the first one's
    /// queue held, and a filter may have changed the queue of a later one.
    ///
    /// The stack tries again, with the right lock, unless there is no such queue.
    #[cold]
    fn start_xmit_elsewhere(
        interface: &Interface<'_, T>,
        exists: bool,
        skb: *mut raw::sk_buff,
    ) -> raw::netdev_tx_t {
        for pair in interface.pairs.iter().filter(|pair| pair.is_tx_owned()) {
            // SAFETY: as in `start_xmit`.
            if let (Some(tx), queue) = unsafe { pair.tx() } {
                T::flush_xmit(interface, tx, &queue);
            }
        }
        if exists {
            return raw::netdev_tx_NETDEV_TX_BUSY;
        }
        // SAFETY: the device is valid; the packet was handed to us and is not used again.
        unsafe {
            raw::nic_tx_dropped_inc(interface.as_raw());
            raw::nic_dev_kfree_skb_any(skb);
        }
        raw::netdev_tx_NETDEV_TX_OK
    }

    unsafe extern "C" fn features_check(
        skb: *mut raw::sk_buff,
        _dev: *mut raw::net_device,
        features: raw::netdev_features_t,
    ) -> raw::netdev_features_t {
        // SAFETY: the stack passes a valid buffer on its way out.
        unsafe { features_for(skb, Features(features), T::MAX_L2_HEADER, T::MAX_L3_HEADER).0 }
    }

    unsafe extern "C" fn set_rx_mode(
        dev: *mut raw::net_device,
        unicast: *mut raw::netdev_hw_addr_list,
        multicast: *mut raw::netdev_hw_addr_list,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held; the lists are private copies for this call.
        let (interface, rtnl, unicast, multicast, flags) = unsafe {
            (
                interface::<T>(dev),
                rtnl(),
                AddressList::new(unicast),
                AddressList::new(multicast),
                (*dev).flags,
            )
        };
        let mode = RxMode {
            promiscuous: flags & raw::net_device_flags_IFF_PROMISC != 0,
            all_multicast: flags & raw::net_device_flags_IFF_ALLMULTI != 0,
        };
        from_result(|| T::set_rx_mode(interface, mode, &unicast, &multicast, &rtnl).map(|()| 0))
    }

    unsafe extern "C" fn set_mac_address(dev: *mut raw::net_device, addr: *mut c_void) -> c_int {
        // SAFETY: callback of our device, RTNL held; the core passes a `sockaddr_storage` with at
        // least six bytes of address.
        let (interface, rtnl, mac) = unsafe {
            let data = &raw const (*addr.cast::<raw::sockaddr>()).sa_data;
            (
                interface::<T>(dev),
                rtnl(),
                MacAddress(data.cast::<[u8; 6]>().read_unaligned()),
            )
        };
        from_result(|| {
            if !mac.is_valid() {
                return Err(EADDRNOTAVAIL);
            }
            T::set_mac(interface, mac, &rtnl)?;
            interface.set_mac(mac, &rtnl);
            Ok(0)
        })
    }

    unsafe extern "C" fn change_mtu(dev: *mut raw::net_device, mtu: c_int) -> c_int {
        // SAFETY: callback of our device, RTNL held.
        let (interface, rtnl) = unsafe { (interface::<T>(dev), rtnl()) };
        from_result(|| {
            let mtu = u32::try_from(mtu)?;
            T::change_mtu(interface, mtu, &rtnl)?;
            // SAFETY: the device is valid; written under RTNL, read without.
            unsafe {
                (&raw mut (*dev).mtu).write_volatile(mtu);
            }
            Ok(0)
        })
    }

    unsafe extern "C" fn tx_timeout(dev: *mut raw::net_device, queue: c_uint) {
        // SAFETY: callback of our device.
        let interface = unsafe { interface::<T>(dev) };
        T::tx_timeout(interface, queue);
    }

    unsafe extern "C" fn vlan_rx_add_vid(
        dev: *mut raw::net_device,
        _proto: raw::__be16,
        vid: u16,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held.
        let (interface, rtnl) = unsafe { (interface::<T>(dev), rtnl()) };
        from_result(|| T::vlan_add(interface, vid, &rtnl).map(|()| 0))
    }

    unsafe extern "C" fn vlan_rx_kill_vid(
        dev: *mut raw::net_device,
        _proto: raw::__be16,
        vid: u16,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held.
        let (interface, rtnl) = unsafe { (interface::<T>(dev), rtnl()) };
        from_result(|| T::vlan_kill(interface, vid, &rtnl).map(|()| 0))
    }

    unsafe extern "C" fn fix_features(
        dev: *mut raw::net_device,
        features: raw::netdev_features_t,
    ) -> raw::netdev_features_t {
        // SAFETY: callback of our device, RTNL held.
        let (interface, rtnl) = unsafe { (interface::<T>(dev), rtnl()) };
        T::fix_features(interface, Features(features), &rtnl).0
    }

    unsafe extern "C" fn set_features(
        dev: *mut raw::net_device,
        features: raw::netdev_features_t,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held.
        let (interface, rtnl) = unsafe { (interface::<T>(dev), rtnl()) };
        let wanted = Features(features);
        let changed = wanted ^ interface.features();
        from_result(|| T::set_features(interface, wanted, changed, &rtnl).map(|()| 0))
    }

    unsafe extern "C" fn get_stats64(
        dev: *mut raw::net_device,
        storage: *mut raw::rtnl_link_stats64,
    ) {
        // SAFETY: callback of our device; the storage is zeroed by the core and ours to fill.
        let (interface, storage) = unsafe { (interface::<T>(dev), &mut *storage) };
        let mut sum = LinkStats::default();
        for pair in interface.pairs.iter() {
            let (tx, rx) = (&pair.stats.tx, &pair.stats.rx);
            sum.tx_packets += tx.packets();
            sum.tx_bytes += tx.bytes();
            sum.tx_dropped += tx.dropped();
            sum.rx_packets += rx.packets();
            sum.rx_bytes += rx.bytes();
            sum.multicast += rx.multicast();
            sum.rx_length_errors += rx.length_errors();
            sum.rx_errors += rx.errors() + rx.length_errors();
            sum.rx_dropped += rx.alloc_failed();
        }
        T::stats(interface, &mut sum);
        storage.rx_packets = sum.rx_packets;
        storage.tx_packets = sum.tx_packets;
        storage.rx_bytes = sum.rx_bytes;
        storage.tx_bytes = sum.tx_bytes;
        storage.rx_errors = sum.rx_errors;
        storage.tx_errors = sum.tx_errors;
        storage.rx_dropped = sum.rx_dropped;
        storage.tx_dropped = sum.tx_dropped;
        storage.multicast = sum.multicast;
        storage.collisions = sum.collisions;
        storage.rx_length_errors = sum.rx_length_errors;
        storage.rx_crc_errors = sum.rx_crc_errors;
        storage.rx_frame_errors = sum.rx_frame_errors;
        storage.rx_missed_errors = sum.rx_missed_errors;
        storage.tx_aborted_errors = sum.tx_aborted_errors;
        storage.tx_carrier_errors = sum.tx_carrier_errors;
        storage.tx_window_errors = sum.tx_window_errors;
    }

    unsafe extern "C" fn get_queue_stats_rx(
        dev: *mut raw::net_device,
        index: c_int,
        stats: *mut raw::netdev_queue_stats_rx,
    ) {
        // SAFETY: callback of our device; the storage is ours to fill.
        let (interface, stats) = unsafe { (interface::<T>(dev), &mut *stats) };
        if let Some(queue) = usize::try_from(index)
            .ok()
            .and_then(|i| interface.queue_stats(i))
        {
            stats.packets = queue.rx.packets();
            stats.bytes = queue.rx.bytes();
            stats.alloc_fail = queue.rx.alloc_failed();
            stats.csum_unnecessary = queue.rx.csum_good();
            stats.csum_bad = queue.rx.csum_bad();
        }
    }

    unsafe extern "C" fn get_queue_stats_tx(
        dev: *mut raw::net_device,
        index: c_int,
        stats: *mut raw::netdev_queue_stats_tx,
    ) {
        // SAFETY: callback of our device; the storage is ours to fill.
        let (interface, stats) = unsafe { (interface::<T>(dev), &mut *stats) };
        if let Some(queue) = usize::try_from(index)
            .ok()
            .and_then(|i| interface.queue_stats(i))
        {
            stats.packets = queue.tx.packets();
            stats.bytes = queue.tx.bytes();
            stats.stop = queue.tx.stopped();
            stats.hw_drops = queue.tx.dropped();
        }
    }

    unsafe extern "C" fn get_base_stats(
        dev: *mut raw::net_device,
        rx: *mut raw::netdev_queue_stats_rx,
        tx: *mut raw::netdev_queue_stats_tx,
    ) {
        // SAFETY: callback of our device; the storage is ours to fill.
        let (interface, rx, tx) = unsafe { (interface::<T>(dev), &mut *rx, &mut *tx) };
        // What queues counted that are not active now.
        let active = interface.active_pairs();
        (rx.packets, rx.bytes, rx.alloc_fail) = (0, 0, 0);
        (rx.csum_unnecessary, rx.csum_bad) = (0, 0);
        (tx.packets, tx.bytes, tx.stop, tx.hw_drops) = (0, 0, 0, 0);
        for pair in interface.pairs.iter().skip(active) {
            let stats = &pair.stats;
            rx.packets += stats.rx.packets();
            rx.bytes += stats.rx.bytes();
            rx.alloc_fail += stats.rx.alloc_failed();
            rx.csum_unnecessary += stats.rx.csum_good();
            rx.csum_bad += stats.rx.csum_bad();
            tx.packets += stats.tx.packets();
            tx.bytes += stats.tx.bytes();
            tx.stop += stats.tx.stopped();
            tx.hw_drops += stats.tx.dropped();
        }
    }
}
