// SPDX-License-Identifier: GPL-2.0

//! The uses that the other files get wrong, as they are meant.

use kernel::prelude::*;
use nic::{
    net::{
        Interface,
        Operations,
        Poll,
        Rtnl,
        RxStats,
        Writer, //
    },
    pci::{
        Registered,
        Scope, //
    }, //
    work::{
        Handler,
        Service, //
    },
};

/// A pair starts by the proof that the interface is up.
pub fn start<'bound, T>(interface: &Interface<'bound, T>, rtnl: &Rtnl) -> Result
where
    T: Operations<Tx<'bound> = (), Poll<'bound> = ()>,
{
    interface
        .running(rtnl)
        .ok_or(ENETDOWN)?
        .start_pair(0, (), (), 0)
}

/// A packet is made by the half that receives, which is gone before the poll ends.
pub fn receive(poll: &mut Poll<'_>) -> bool {
    poll.receive_half()
        .is_some_and(|mut rx| rx.alloc(64).is_some())
}

/// The owner of counters advances them, others read.
pub fn count(stats: &mut RxStats) -> u64 {
    Writer::from(&mut *stats).add_packets(1);
    stats.packets()
}

/// The proof is used while RTNL is held.
pub fn announce<T: Operations>(interface: &Interface<'_, T>) {
    let rtnl = Rtnl::lock();
    if let Some(registered) = interface.registered(&rtnl) {
        registered.announce();
    }
}

/// A handler that borrows for as long as the device is bound.
pub struct Holds<'a>(pub &'a u32);

impl Handler for Holds<'_> {
    fn run(&self, _service: &Service<Self>) {}
}

/// Work may borrow for as long as the device is bound.
pub fn register<'bound>(
    scope: Scope<'bound>,
    value: &'bound u32,
) -> Result<Registered<'bound, Service<Holds<'bound>>>> {
    Service::new(scope, Holds(value))
}
