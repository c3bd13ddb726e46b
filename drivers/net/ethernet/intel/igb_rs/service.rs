// SPDX-License-Identifier: GPL-2.0

//! What is done in process context: events of the device as they come; regularly statistics, signs
//! of life and recovery.

use kernel::{
    prelude::*,
    sync::Arc, //
};
use nic::{
    devlink::Devlink,
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
    adapter::Adapter,
    devlink::Port,
    driver::Igb,
    sriov, //
};

/// Milliseconds between two looks. Short enough for no 32-bit counter to overflow between two.
const PERIOD_MS: u32 = 2000;

/// Milliseconds between two looks at VFs one of which does more than it may, or keeps its mailbox: until
/// it is served, events have no interrupts, so that it can cost no more work than this.
const STORM_PERIOD_MS: u32 = 4;

/// Bit in EIMS of the vector for link and mailbox.
const OTHER_CAUSE: u32 = 1 << 0;

/// Link, mailbox and errors, after their interrupt.
pub(crate) struct Events<'bound> {
    interface: Arc<Interface<'bound, Igb>>,
    watchdog: Arc<Service<Watchdog<'bound>>>,
    devlink: Arc<Devlink<Port<'bound>>>,
}

impl<'bound> Events<'bound> {
    pub(crate) fn new(
        interface: &Interface<'bound, Igb>,
        watchdog: Arc<Service<Watchdog<'bound>>>,
        devlink: Arc<Devlink<Port<'bound>>>,
    ) -> Self {
        Self {
            interface: interface.shared(),
            watchdog,
            devlink,
        }
    }
}

impl<'bound> Events<'bound> {
    /// The adapter they are events of.
    pub(crate) fn adapter(&self) -> &Adapter<'bound> {
        self.interface.data()
    }
}

impl Handler for Events<'_> {
    fn run(&self, service: &Service<Self>) {
        let adapter = self.interface.data();
        let causes = adapter.hw().take_causes();
        let mut config = adapter.config().lock();
        let result = if causes.link_change() {
            adapter.link_changed(&self.interface, &mut config)
        } else {
            Ok(())
        };
        // Whatever the cause: messages that were left unread have none.
        let served = sriov::mailbox::serve(adapter, &mut config);
        let stale = config.stale_queues;
        drop(config);
        served.report(adapter, &self.devlink);
        if let Err(e) = result {
            dev_err!(adapter.dev(), "handling a link change failed: {e:?}\n");
        }
        if causes.device_reset() {
            adapter.want_reset();
        }
        if causes.device_reset() || stale {
            self.watchdog.expedite();
        }
        if served.late {
            // On silicon it is disabled since it fired. QEMU does not do that, and each bell would bring us
            // back at once.
            adapter.hw().disable_vectors(OTHER_CAUSE);
            service.schedule(STORM_PERIOD_MS);
        } else {
            adapter.hw().enable_vectors(OTHER_CAUSE);
        }
    }
}

/// The regular look.
pub(crate) struct Watchdog<'bound> {
    interface: Arc<Interface<'bound, Igb>>,
}

impl<'bound> Watchdog<'bound> {
    pub(crate) fn new(interface: &Interface<'bound, Igb>) -> Self {
        Self {
            interface: interface.shared(),
        }
    }

    /// Looks at everything. Returns the milliseconds after which to come again.
    fn look(&self) -> u32 {
        let adapter = self.interface.data();
        if !adapter.hw().check_alive() {
            self.interface.carrier_off();
            // Its removal ends the service; if it comes back, it was reset.
            if adapter.hw().readmit().is_err() {
                return PERIOD_MS;
            }
            adapter.want_reset();
        }
        let wanted = adapter.take_reset_wish();
        if wanted || adapter.config().lock().retry_ms().is_some() {
            // What fails is logged, and seen below.
            let _ = adapter.reset(&self.interface, &Rtnl::lock());
        }
        let mut config = adapter.config().lock();
        if let Some(wait_ms) = config.retry_ms() {
            return wait_ms;
        }
        let updated = adapter
            .update_stats(&mut config)
            .and_then(|()| adapter.update_vf_stats(&mut config));
        sriov::report_spoofing(adapter, &mut config);
        let result = updated.and_then(|()| adapter.update_link(&self.interface, &mut config));
        let stale = config.stale_queues;
        drop(config);
        if stale {
            // On failure, which is logged, the next look tries again.
            let _ = adapter.renew_queues(&self.interface);
        }
        if let Err(e) = result {
            dev_err!(adapter.dev(), "regular look at the device failed: {e:?}\n");
        }
        PERIOD_MS
    }
}

impl Handler for Watchdog<'_> {
    fn run(&self, service: &Service<Self>) {
        service.schedule(self.look());
    }
}
