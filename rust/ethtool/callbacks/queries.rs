// SPDX-License-Identifier: GPL-2.0

//! Kinds of messages; and what there is none of: waking by the network, rules that steer packets.

use kernel::{
    error::from_result,
    prelude::*, //
};

use crate::raw;

use super::{
    super::Messages,
    enter,
    Callbacks,
    Operations, //
};

impl<T: Operations> Callbacks<T> {
    pub(super) unsafe extern "C" fn get_msglevel(dev: *mut raw::net_device) -> u32 {
        // SAFETY: callback of our device, RTNL held.
        let (interface, rtnl) = unsafe { enter::<T>(dev) };
        T::messages(interface, &rtnl).to_raw()
    }

    pub(super) unsafe extern "C" fn set_msglevel(dev: *mut raw::net_device, level: u32) {
        // SAFETY: callback of our device, RTNL held.
        let (interface, rtnl) = unsafe { enter::<T>(dev) };
        T::set_messages(interface, Messages::from_raw(level), &rtnl);
    }

    /// Leaves what the core zeroed: no event is supported.
    pub(super) unsafe extern "C" fn get_wol(
        _dev: *mut raw::net_device,
        _wol: *mut raw::ethtool_wolinfo,
    ) {
    }

    /// Refuses. Without it the core would refuse "none" too; it comes here only for a change to
    /// events that are supported, so never.
    pub(super) unsafe extern "C" fn set_wol(
        _dev: *mut raw::net_device,
        _wol: *mut raw::ethtool_wolinfo,
    ) -> c_int {
        EOPNOTSUPP.to_errno()
    }

    pub(super) unsafe extern "C" fn get_rxnfc(
        _dev: *mut raw::net_device,
        request: *mut raw::ethtool_rxnfc,
        _locations: *mut u32,
    ) -> c_int {
        // SAFETY: the core passes a structure to read and write.
        let request = unsafe { &mut *request };
        from_result(|| match request.cmd {
            raw::ETHTOOL_GRXCLSRLCNT | raw::ETHTOOL_GRXCLSRLALL => {
                // With a table whose places the driver chooses, ethtool(8) goes on to ask for the
                // rule, and shows why there can be none.
                request.data = raw::RX_CLS_LOC_SPECIAL.into();
                request.__bindgen_anon_1.rule_cnt = 0;
                Ok(0)
            }
            raw::ETHTOOL_GRXCLSRULE => Err(EINVAL),
            _ => Err(EOPNOTSUPP),
        })
    }
}
