// SPDX-License-Identifier: GPL-2.0

//! RTNL alone is no proof that the interface is up.
// error: E0599
// at: start_pair

use nic::net::{Interface, Operations, Rtnl};

pub fn start<'bound, T>(interface: &Interface<'bound, T>, rtnl: &Rtnl)
where
    T: Operations<Tx<'bound> = (), Poll<'bound> = ()>,
{
    let _ = rtnl;
    let _ = interface.start_pair(0, (), (), 0);
}
