// SPDX-License-Identifier: GPL-2.0

//! A proof of registration ends with RTNL.
// error: E0505
// at: drop

use nic::net::{Interface, Operations, Rtnl};

pub fn announce<T: Operations>(interface: &Interface<'_, T>) {
    let rtnl = Rtnl::lock();
    let registered = interface.registered(&rtnl);
    drop(rtnl);
    if let Some(registered) = registered {
        registered.announce();
    }
}
