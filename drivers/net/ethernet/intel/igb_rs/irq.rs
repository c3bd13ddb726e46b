// SPDX-License-Identifier: GPL-2.0

//! The handler for link and mailbox; the one of a queue pair is [`igb_queue::PairVector`].

use kernel::{
    prelude::*,
    sync::Arc, //
};
use nic::{
    irq::{
        Handler,
        Outcome, //
    },
    net::Interface,
    work::Service, //
};

use crate::{
    driver::Igb,
    service::Watchdog,
    sriov, //
};

/// Vector 0: link, mailbox, errors. Served in a thread, because a mailbox takes its time.
pub(crate) struct OtherVector<'bound> {
    interface: Arc<Interface<'bound, Igb>>,
    watchdog: Arc<Service<Watchdog<'bound>>>,
}

impl<'bound> OtherVector<'bound> {
    pub(crate) fn new(
        interface: Arc<Interface<'bound, Igb>>,
        watchdog: Arc<Service<Watchdog<'bound>>>,
    ) -> Self {
        Self {
            interface,
            watchdog,
        }
    }
}

impl Handler for OtherVector<'_> {
    const THREADED: bool = true;

    fn handle(&self) -> Outcome {
        Outcome::WakeThread
    }

    fn thread(&self) {
        let adapter = self.interface.data();
        let causes = adapter.hw().take_causes();
        let mut config = adapter.config().lock();
        let mut result = Ok(());
        if causes.link_change() {
            result = adapter.update_link(&self.interface, &mut config);
        }
        if causes.mailbox() {
            let wait = sriov::mailbox::serve(adapter, &mut config);
            if wait != 0 {
                self.watchdog.schedule(wait);
            }
        }
        drop(config);
        if causes.device_reset() {
            adapter.want_reset();
            self.watchdog.expedite();
        }
        if let Err(e) = result {
            dev_err!(adapter.dev(), "handling a link change failed: {e:?}\n");
        }
        adapter.hw().enable_vectors(1);
    }
}
