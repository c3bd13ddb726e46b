// SPDX-License-Identifier: GPL-2.0

//! The interrupt for link and mailbox. Those of the queue pairs are [`igb_queue::PairVector`]s.

use kernel::sync::Arc;
use nic::{
    irq::{
        Handler,
        Outcome, //
    },
    work::Service, //
};

use crate::service::Events;

/// Vector 0: link, mailbox, errors. Served by work, because a mailbox takes its time.
pub(crate) struct OtherVector<'bound> {
    events: Arc<Service<Events<'bound>>>,
}

impl<'bound> OtherVector<'bound> {
    pub(crate) fn new(events: Arc<Service<Events<'bound>>>) -> Self {
        Self { events }
    }
}

impl Handler for OtherVector<'_> {
    fn handle(&self) -> Outcome {
        // The vector has disabled itself (EIAM); the work enables it again.
        self.events.handler().adapter().event_seen();
        self.events.expedite();
        Outcome::Handled
    }
}
