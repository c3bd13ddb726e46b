// SPDX-License-Identifier: GPL-2.0

//! The VLANs that are wanted of an interface.
//!
//! C header: [`include/linux/if_vlan.h`](srctree/include/linux/if_vlan.h)

use kernel::prelude::*;

use crate::raw;

use super::{
    Interface,
    Operations,
    Rtnl, //
};

/// A set of VLAN identifiers.
///
/// # Examples
///
/// ```
/// use nic::net::{Interface, Operations, Rtnl};
///
/// /// Whether somebody still wants VLAN `vid`, for a device that was detached.
/// fn is_wanted<T: Operations>(interface: &Interface<'_, T>, vid: u16, rtnl: &Rtnl) -> bool {
///     interface.vlan_ids(rtnl).contains(vid)
/// }
/// ```
pub struct VlanIds([u64; WORDS]);

const WORDS: usize = raw::NIC_VLAN_N_VID as usize / 64;

impl VlanIds {
    /// Whether `vid` is in the set.
    pub fn contains(&self, vid: u16) -> bool {
        self.0
            .get(usize::from(vid >> 6))
            .is_some_and(|word| word & (1 << (vid & 63)) != 0)
    }
}

impl<T: Operations> Interface<'_, T> {
    /// The VLANs that the stack wants of the interface, whether or not it has asked for them by
    /// [`Operations::vlan_add`]; those of both kinds of tag, 802.1Q and 802.1ad.
    ///
    /// As long as the device is detached, the stack does not say which of them go: a driver looks here before
    /// [`Self::attach`].
    pub fn vlan_ids(&self, _rtnl: &Rtnl) -> VlanIds {
        let mut ids = VlanIds([0; WORDS]);
        // SAFETY: the device is valid (invariant), RTNL is held; the function is called back with
        // the set, which nobody else uses meanwhile.
        unsafe {
            raw::nic_vlan_for_each(self.as_raw(), Some(add_callback), (&raw mut ids).cast());
        }
        ids
    }
}

unsafe extern "C" fn add_callback(
    _vlan: *mut raw::net_device,
    vid: c_int,
    ids: *mut c_void,
) -> c_int {
    // SAFETY: the set that `vlan_ids` passes.
    let ids = unsafe { &mut *ids.cast::<VlanIds>() };
    if let Ok(vid) = usize::try_from(vid) {
        if let Some(word) = ids.0.get_mut(vid / 64) {
            *word |= 1 << (vid % 64);
        }
    }
    0
}
