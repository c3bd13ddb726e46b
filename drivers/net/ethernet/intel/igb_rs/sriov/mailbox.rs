// SPDX-License-Identifier: GPL-2.0

//! Serving the VFs' mailboxes.

use igb_common::{
    mbx::{
        Words,
        MAILBOX_WORDS, //
    },
    vf_slot::Outcome, //
};
use kernel::prelude::*;
use nic::text::Plain;

use crate::adapter::{
    Adapter,
    Config, //
};

/// Deals with every VF that was reset, sent a message or read one. Sleeps while a VF holds its
/// mailbox, for a bounded time.
///
/// Returns the milliseconds after which to come again, because a VF sends or resets more than it may
/// and its messages were left unread, its reset unserved; 0 if none did.
pub(crate) fn serve<'bound>(adapter: &Adapter<'bound>, config: &mut Config<'bound>) -> u32 {
    if !config.bank.layout().has_vfs() {
        return 0;
    }
    let hw = adapter.hw();
    let events = match hw.vf_events() {
        Ok(events) => events,
        Err(_) => return 0,
    };
    let mut wait = 0u64;
    for vf in config.bank.layout().vf_pools() {
        let bit = 1u8 << (vf & 7);
        let now = adapter.uptime_ms();
        if events.reset & bit != 0 {
            reset(adapter, config, vf, now);
        }
        let mut late = config.bank.serve_reset(vf, now);
        if (events.request | config.unread) & bit != 0 {
            if late || config.bank.backoff(vf, now) != 0 {
                config.unread |= bit;
                late = true;
            } else {
                config.unread &= !bit;
                answer(adapter, config, vf, now);
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
    wait.min(10_000) as u32
}

/// Takes note of a VF's reset, and of what it counted since.
fn reset<'bound>(adapter: &Adapter<'bound>, config: &mut Config<'bound>, vf: u8, now: u64) {
    let was_due = config.bank.slot(vf).is_some_and(|slot| slot.reset_due());
    if let Some(outcome) = config.bank.function_reset(vf, now) {
        report(adapter, vf, outcome);
    }
    // Without queues it has counted nothing since the last one.
    if !was_due {
        // Counters that cannot be read now are read by the watchdog.
        let _ = adapter.restart_vf_stats(config, vf);
    }
}

/// Logs what is worth it.
fn report(adapter: &Adapter<'_>, vf: u8, outcome: Outcome) {
    if let Some(event) = outcome.event {
        dev_warn!(adapter.dev(), "VF {vf}: {}\n", Plain(event));
    }
}

/// Reads a VF's message, brings the device into the state it asks for, answers.
fn answer<'bound>(adapter: &Adapter<'bound>, config: &mut Config<'bound>, vf: u8, now: u64) {
    let hw = adapter.hw();
    let mut words: Words = [0; MAILBOX_WORDS];
    if hw.mailbox_read(vf, &mut words).is_err() {
        // The VF holds on to the mailbox; it will send again or be reset.
        return;
    }
    let Some(outcome) = config.bank.message(vf, &words, now) else {
        return;
    };
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
    report(adapter, vf, outcome);
}
