// SPDX-License-Identifier: GPL-2.0

//! The handler of the mailbox vector; the one of the queue pair is [`igb_queue::PairVector`].

use kernel::sync::Arc;
use nic::{
    irq::{
        Handler,
        Outcome, //
    },
    net::Interface,
    work::Service, //
};

use crate::{
    adapter::MAILBOX_CAUSES,
    driver::Igbvf,
    service::Watchdog, //
};

/// A vector of the mailbox. Served in a thread, because a mailbox takes its time.
pub(crate) struct MailboxVector<'bound> {
    interface: Arc<Interface<'bound, Igbvf>>,
    watchdog: Arc<Service<Watchdog<'bound>>>,
}

impl<'bound> MailboxVector<'bound> {
    pub(crate) fn new(
        interface: Arc<Interface<'bound, Igbvf>>,
        watchdog: Arc<Service<Watchdog<'bound>>>,
    ) -> Self {
        Self {
            interface,
            watchdog,
        }
    }
}

impl Handler for MailboxVector<'_> {
    const THREADED: bool = true;

    fn handle(&self) -> Outcome {
        Outcome::WakeThread
    }

    fn thread(&self) {
        let adapter = self.interface.data();
        let mut config = adapter.config().lock();
        adapter.serve_mailbox(&mut config);
        adapter.update_link(&self.interface, &mut config);
        let urgent = config.session.take_urgent() || config.stale_queue;
        // Before the lock is released: whoever waits for it may be giving the function away.
        adapter.hw().enable_vectors(MAILBOX_CAUSES);
        drop(config);
        if urgent || adapter.is_reset_wanted() {
            self.watchdog.expedite();
        }
    }
}
