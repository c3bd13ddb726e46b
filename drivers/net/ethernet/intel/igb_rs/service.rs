// SPDX-License-Identifier: GPL-2.0

//! What is done regularly or later: statistics, signs of life, recovery, messages left unread.

use kernel::{
    prelude::*,
    sync::Arc, //
};
use nic::{
    net::{
        Interface,
        Rtnl, //
    },
    work::{
        Handler,
        Service, //
    }, //
};

use crate::{
    driver::Igb,
    sriov, //
};

/// Milliseconds between two looks. Short enough for no 32-bit counter to overflow between two.
const PERIOD_MS: u32 = 2000;

/// The work.
pub(crate) struct Watchdog<'bound> {
    interface: Arc<Interface<'bound, Igb>>,
}

impl<'bound> Watchdog<'bound> {
    pub(crate) fn new(interface: &Interface<'bound, Igb>) -> Self {
        Self {
            interface: interface.shared(),
        }
    }
}

impl Handler for Watchdog<'_> {
    fn run(&self, service: &Service<Self>) {
        let adapter = self.interface.data();
        if !adapter.hw().check_alive() {
            // Nothing will change any more; the device's removal ends the service.
            self.interface.carrier_off();
            return;
        }
        if adapter.take_reset_wish() {
            let rtnl = Rtnl::lock();
            if let Err(e) = adapter.reset(&self.interface, &rtnl) {
                dev_err!(adapter.dev(), "reset failed: {e:?}\n");
            }
        }
        let mut config = adapter.config().lock();
        let updated = adapter
            .update_stats(&mut config)
            .and_then(|()| adapter.update_vf_stats(&mut config));
        sriov::report_spoofing(adapter, &config);
        let wait = sriov::mailbox::serve(adapter, &mut config);
        let result = updated.and_then(|()| adapter.update_link(&self.interface, &mut config));
        drop(config);
        if let Err(e) = result {
            dev_err!(adapter.dev(), "regular look at the device failed: {e:?}\n");
        }
        service.schedule(if wait == 0 { PERIOD_MS } else { wait });
    }
}
