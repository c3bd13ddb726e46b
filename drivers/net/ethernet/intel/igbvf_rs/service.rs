// SPDX-License-Identifier: GPL-2.0

//! What is done regularly: signs of life, the mailbox, statistics, recovery.

use kernel::sync::Arc;
use nic::{
    net::Interface,
    work::{
        Handler,
        Service, //
    }, //
};

use crate::driver::Igbvf;

/// The work.
pub(crate) struct Watchdog<'bound> {
    interface: Arc<Interface<'bound, Igbvf>>,
}

impl<'bound> Watchdog<'bound> {
    pub(crate) fn new(interface: &Interface<'bound, Igbvf>) -> Self {
        Self {
            interface: interface.shared(),
        }
    }
}

impl Handler for Watchdog<'_> {
    fn run(&self, service: &Service<Self>) {
        let adapter = self.interface.data();
        service.schedule(adapter.look_after(&self.interface));
    }
}
