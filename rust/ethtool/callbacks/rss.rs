// SPDX-License-Identifier: GPL-2.0

//! Callbacks for how received packets are spread over the queues.

use kernel::{
    error::from_result,
    prelude::*, //
};

use crate::{
    net::ExtAck,
    raw, //
};

use super::{
    super::{
        Flow,
        HashFields,
        Operations,
        RssRequest, //
    },
    enter,
    Callbacks, //
};

impl<T: Operations> Callbacks<T> {
    pub(super) unsafe extern "C" fn get_rx_ring_count(dev: *mut raw::net_device) -> u32 {
        // SAFETY: callback of our device, RTNL held.
        let (interface, rtnl) = unsafe { enter::<T>(dev) };
        T::rx_rings(interface, &rtnl)
    }

    pub(super) unsafe extern "C" fn get_rxfh_indir_size(_dev: *mut raw::net_device) -> u32 {
        u32::try_from(T::RSS_TABLE).unwrap_or(0)
    }

    pub(super) unsafe extern "C" fn get_rxfh_key_size(_dev: *mut raw::net_device) -> u32 {
        u32::try_from(T::RSS_KEY).unwrap_or(0)
    }

    pub(super) unsafe extern "C" fn get_rxfh(
        dev: *mut raw::net_device,
        rxfh: *mut raw::ethtool_rxfh_param,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held; the core passes a structure whose pointers are
        // null or point to as many elements as the sizes asked for above, zeroed.
        let ((interface, rtnl), table, key) = unsafe {
            let rxfh = &mut *rxfh;
            rxfh.hfunc = HASH_TOEPLITZ;
            (
                enter::<T>(dev),
                slice_mut(rxfh.indir, T::RSS_TABLE),
                slice_mut(rxfh.key, T::RSS_KEY),
            )
        };
        T::rss(
            interface,
            table.unwrap_or_default(),
            key.unwrap_or_default(),
            &rtnl,
        );
        0
    }

    pub(super) unsafe extern "C" fn set_rxfh(
        dev: *mut raw::net_device,
        rxfh: *mut raw::ethtool_rxfh_param,
        ack: *mut raw::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held; pointers as in `get_rxfh`; a place for a
        // message.
        let ((interface, rtnl), hash, request, mut ack) = unsafe {
            let rxfh = &*rxfh;
            (
                enter::<T>(dev),
                rxfh.hfunc,
                RssRequest {
                    table: slice_mut(rxfh.indir, T::RSS_TABLE).map(|table| &*table),
                    key: slice_mut(rxfh.key, T::RSS_KEY).map(|key| &*key),
                },
                ExtAck::new(ack),
            )
        };
        from_result(|| {
            if u32::from(hash) != raw::ETH_RSS_HASH_NO_CHANGE && hash != HASH_TOEPLITZ {
                ack.set(c"the only hash function is toeplitz");
                return Err(EOPNOTSUPP);
            }
            if request.table.is_some() || request.key.is_some() {
                T::set_rss(interface, &request, &mut ack, &rtnl)?;
            }
            Ok(0)
        })
    }

    pub(super) unsafe extern "C" fn get_rxfh_fields(
        dev: *mut raw::net_device,
        fields: *mut raw::ethtool_rxfh_fields,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held; the core passes a structure to fill in.
        let ((interface, rtnl), to) = unsafe { (enter::<T>(dev), &mut *fields) };
        from_result(|| {
            let flow = Flow::from_raw(to.flow_type).ok_or(EINVAL)?;
            to.data = T::hash_fields(interface, flow, &rtnl).0;
            Ok(0)
        })
    }

    pub(super) unsafe extern "C" fn set_rxfh_fields(
        dev: *mut raw::net_device,
        fields: *const raw::ethtool_rxfh_fields,
        ack: *mut raw::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held; the core passes a structure to read and a place
        // for a message.
        let ((interface, rtnl), from, mut ack) =
            unsafe { (enter::<T>(dev), &*fields, ExtAck::new(ack)) };
        from_result(|| {
            let flow = Flow::from_raw(from.flow_type).ok_or(EINVAL)?;
            let fields = HashFields(from.data);
            if fields != T::hash_fields(interface, flow, &rtnl) {
                T::set_hash_fields(interface, flow, fields, &mut ack, &rtnl)?;
            }
            Ok(0)
        })
    }
}

// CAST: a bit of a byte.
const HASH_TOEPLITZ: u8 = 1 << raw::ETH_RSS_HASH_TOP_BIT as u8;

/// `None` for a null pointer.
///
/// # Safety
///
/// `data` must be null or point to `len` elements that nobody else uses during `'a`.
unsafe fn slice_mut<'a, E>(data: *mut E, len: usize) -> Option<&'a mut [E]> {
    if data.is_null() {
        return None;
    }
    // SAFETY: by the safety requirement.
    Some(unsafe { core::slice::from_raw_parts_mut(data, len) })
}
