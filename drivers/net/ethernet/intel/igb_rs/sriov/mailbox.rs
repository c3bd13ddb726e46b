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

/// Deals with every VF that was reset, sent a message or read one. Waits for no VF.
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
    for vf in config.bank.layout().vf_pools() {
        let bit = 1u8 << (vf & 7);
        let now = adapter.uptime_ms();
        if events.reset & bit != 0 {
            let event = reset(adapter, config, vf, now);
            served.add(vf, event);
        }
        let mut late = config.bank.serve_reset(vf, now);
        if (events.request | config.unread) & bit != 0 {
            config.unread |= bit;
            late |= config.bank.backoff(vf, now) != 0;
            if !late {
                match answer(adapter, config, vf, now) {
                    Some(event) => {
                        config.unread &= !bit;
                        served.add(vf, event);
                    }
                    None => late = true,
                }
            }
        }
        if events.ack & bit != 0 {
            late |= config.bank.acknowledges_too_often(vf, now);
            if let Some(reply) = config.bank.acknowledged(vf, now) {
                // It is a reminder; the VF gets the next one if this does not reach it.
                let _ = hw.mailbox_post(vf, reply.message().words());
            }
        }
        served.late |= late;
    }
    if let Err(e) = adapter.flush(config) {
        dev_err!(adapter.dev(), "writing the VFs' settings failed: {e:?}\n");
    }
    let shut_out = core::mem::take(&mut config.shut_out);
    for vf in config.bank.layout().vf_pools() {
        if shut_out & (1 << (vf & 7)) != 0 {
            served.add(vf, config.bank.queues_on(vf, adapter.uptime_ms()));
        }
    }
    served
}

/// What came of serving the mailboxes.
#[derive(Default)]
pub(crate) struct Served {
    /// Whether to come again after a while, and not sooner: a VF sends, resets or acknowledges more than
    /// it may, or keeps its mailbox, and its messages were left unread, its reset unserved.
    pub(crate) late: bool,
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

/// Reads a VF's message, brings the device into the state it asks for, answers. Returns what is worth a
/// report; nothing at all if the VF has the mailbox and the message is to be read later.
fn answer<'bound>(
    adapter: &Adapter<'bound>,
    config: &mut Config<'bound>,
    vf: u8,
    now: u64,
) -> Option<Option<Event>> {
    let hw = adapter.hw();
    let mut words: Words = [0; MAILBOX_WORDS];
    match hw.mailbox_read(vf, false, &mut words) {
        Ok(()) => {}
        Err(e) if e == EBUSY => {
            if !config.bank.mailbox_kept(vf, now) {
                return None;
            }
            // It died with the mailbox, or wants to hold us up; then it has to send again.
            if hw.mailbox_read(vf, true, &mut words).is_err() {
                return Some(config.bank.mailbox_lost(vf, now));
            }
        }
        // The device is gone.
        Err(_) => return Some(None),
    }
    let outcome = config.bank.message(vf, &words, now);
    if let Err(e) = adapter.flush(config) {
        dev_err!(
            adapter.dev(),
            "VF {vf}: writing its settings failed: {e:?}\n"
        );
    }
    let reply = outcome
        .and_then(|outcome| outcome.reply)
        .filter(|reply| config.bank.may_send(vf, *reply))
        .map(|reply| reply.message());
    // A device that is gone has nobody to answer.
    let _ = hw.mailbox_answer(vf, reply.as_ref().map(|message| message.words()));
    Some(outcome.and_then(|outcome| outcome.event))
}
