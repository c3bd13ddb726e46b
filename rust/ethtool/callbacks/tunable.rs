// SPDX-License-Identifier: GPL-2.0

//! Tunables: numbers that have no message of their own.

use kernel::{
    error::from_result,
    prelude::*, //
};

use crate::raw;

use super::{
    enter,
    Callbacks,
    Operations, //
};

impl<T: Operations> Callbacks<T> {
    pub(super) unsafe extern "C" fn get_tunable(
        dev: *mut raw::net_device,
        tunable: *const raw::ethtool_tunable,
        value: *mut c_void,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held; the core passes a valid description.
        let ((interface, rtnl), tunable) = unsafe { (enter::<T>(dev), &*tunable) };
        from_result(|| {
            if !is_copybreak(tunable) {
                return Err(EOPNOTSUPP);
            }
            let len = T::rx_copybreak(interface, &rtnl);
            // SAFETY: the value of this tunable is a `u32` (`is_copybreak`), for which the core has
            // room.
            unsafe { value.cast::<u32>().write_unaligned(len) };
            Ok(0)
        })
    }

    pub(super) unsafe extern "C" fn set_tunable(
        dev: *mut raw::net_device,
        tunable: *const raw::ethtool_tunable,
        value: *const c_void,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held; the core passes a valid description.
        let ((interface, rtnl), tunable) = unsafe { (enter::<T>(dev), &*tunable) };
        from_result(|| {
            if !is_copybreak(tunable) {
                return Err(EOPNOTSUPP);
            }
            // SAFETY: the value of this tunable is a `u32` (`is_copybreak`).
            let len = unsafe { value.cast::<u32>().read_unaligned() };
            T::set_rx_copybreak(interface, len, &rtnl).map(|()| 0)
        })
    }
}

/// Whether it is `rx-copybreak`, with a value of the type that it has.
fn is_copybreak(tunable: &raw::ethtool_tunable) -> bool {
    tunable.id == raw::tunable_id_ETHTOOL_RX_COPYBREAK
        && tunable.type_id == raw::tunable_type_id_ETHTOOL_TUNABLE_U32
        && tunable.len == 4
}
