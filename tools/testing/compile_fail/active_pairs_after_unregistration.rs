// SPDX-License-Identifier: GPL-2.0

//! The number of pairs changes on a registered device only.
// error: E0599
// at: set_active_pairs

use nic::net::{Interface, Operations, Rtnl};

pub fn set<T: Operations>(interface: &Interface<'_, T>, rtnl: &Rtnl) {
    let _ = rtnl;
    let _ = interface.set_active_pairs(1);
}
