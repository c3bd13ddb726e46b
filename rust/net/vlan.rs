// SPDX-License-Identifier: GPL-2.0

//! The VLANs that are wanted of an interface.
//!
//! C header: [`include/linux/if_vlan.h`](srctree/include/linux/if_vlan.h)

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
pub struct VlanIds([u64; raw::NIC_VLAN_WORDS as usize]);

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
        let mut ids = VlanIds([0; raw::NIC_VLAN_WORDS as usize]);
        // SAFETY: the device is valid (invariant), RTNL is held; there are as many words as the function
        // writes to.
        unsafe { raw::nic_vlan_ids(self.as_raw(), ids.0.as_mut_ptr()) };
        ids
    }
}
