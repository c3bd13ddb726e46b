// SPDX-License-Identifier: GPL-2.0

//! Serving the VFs' mailboxes.

use igb_common::{
    layout::MAX_VFS,
    mbx::{
        Words,
        MAILBOX_WORDS, //
    },
    vf_slot::Event, //
};
use kernel::prelude::*;
use nic::{
    devlink::Devlink,
    text::Plain, //
};

use crate::{
    adapter::{
        Adapter,
        Config, //
    },
    devlink::Port, //
};

/// Deals with every VF that was reset, sent a message or read one. Sleeps while a VF holds its
/// mailbox, for a bounded time.
///
/// Afterwards, without the lock, report what it returns.
pub(crate) fn serve<'bound>(adapter: &Adapter<'bound>, config: &mut Config<'bound>) -> Served {
    let mut served = Served::default();
    if !config.bank.layout().has_vfs() {
        return served;
    }
    let hw = adapter.hw();
    let events = match hw.vf_events() {
        Ok(events) => events,
        Err(_) => return served,
    };
    let mut wait = 0u64;
    for vf in config.bank.layout().vf_pools() {
        let bit = 1u8 << (vf & 7);
        let now = adapter.uptime_ms();
        if events.reset & bit != 0 {
            let event = reset(adapter, config, vf, now);
            served.add(vf, event);
        }
        let mut late = config.bank.serve_reset(vf, now);
        if (events.request | config.unread) & bit != 0 {
            if late || config.bank.backoff(vf, now) != 0 {
                config.unread |= bit;
                late = true;
            } else {
                config.unread &= !bit;
                let event = answer(adapter, config, vf, now);
                served.add(vf, event);
            }
        }
        if late {
            let backoff = config.bank.backoff(vf, now);
            wait = if wait == 0 {
                backoff
            } else {
                wait.min(backoff)
            };
        }
        if events.ack & bit != 0 {
            if let Some(reply) = config.bank.acknowledged(vf, now) {
                // It is a reminder; the VF gets the next one if this does not reach it.
                let _ = hw.mailbox_write(vf, reply.message().words());
            }
        }
    }
    if let Err(e) = adapter.flush(config) {
        dev_err!(adapter.dev(), "writing the VFs' settings failed: {e:?}\n");
    }
    // CAST: a backoff is at most some seconds.
    served.wait = wait.min(10_000) as u32;
    served
}

/// What came of serving the mailboxes.
#[derive(Default)]
pub(crate) struct Served {
    /// Milliseconds after which to come again, because a VF sends or resets more than it may and its
    /// messages were left unread, its reset unserved; 0 if none did.
    pub(crate) wait: u32,
    /// What is worth a report, by VF.
    events: [Option<Event>; MAX_VFS as usize],
}

impl Served {
    fn add(&mut self, vf: u8, event: Option<Event>) {
        if let Some(slot) = self.events.get_mut(usize::from(vf)) {
            *slot = event.or(*slot);
        }
    }

    /// Tells the log and devlink what VFs did; each VF makes one report in two seconds. The lock of
    /// [`Config`] is not held.
    pub(crate) fn report<'bound>(
        &self,
        adapter: &Adapter<'bound>,
        devlink: &Devlink<Port<'bound>>,
    ) {
        for (vf, event) in self.events.iter().enumerate() {
            if let Some(event) = event {
                dev_warn!(adapter.dev(), "VF {vf}: {}\n", Plain(*event));
                devlink.report(format_args!("VF {vf}: {event}"));
            }
        }
    }
}

/// Takes note of a VF's reset, and of what it counted since.
fn reset<'bound>(
    adapter: &Adapter<'bound>,
    config: &mut Config<'bound>,
    vf: u8,
    now: u64,
) -> Option<Event> {
    let was_due = config.bank.slot(vf).is_some_and(|slot| slot.reset_due());
    let outcome = config.bank.function_reset(vf, now)?;
    // Without queues it has counted nothing since the last one.
    if !was_due {
        // Counters that cannot be read now are read by the watchdog.
        let _ = adapter.restart_vf_stats(config, vf);
    }
    outcome.event
}

/// Reads a VF's message, brings the device into the state it asks for, answers.
fn answer<'bound>(
    adapter: &Adapter<'bound>,
    config: &mut Config<'bound>,
    vf: u8,
    now: u64,
) -> Option<Event> {
    let hw = adapter.hw();
    let mut words: Words = [0; MAILBOX_WORDS];
    if hw.mailbox_read(vf, &mut words).is_err() {
        // The VF holds on to the mailbox; it will send again or be reset.
        return None;
    }
    let outcome = config.bank.message(vf, &words, now)?;
    if let Err(e) = adapter.flush(config) {
        dev_err!(
            adapter.dev(),
            "VF {vf}: writing its settings failed: {e:?}\n"
        );
    }
    if let Some(reply) = outcome.reply {
        if let Err(e) = hw.mailbox_write(vf, reply.message().words()) {
            dev_dbg!(adapter.dev(), "VF {vf}: reply not sent: {e:?}\n");
        }
    }
    outcome.event
}
