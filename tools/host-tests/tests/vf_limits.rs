// SPDX-License-Identifier: GPL-2.0

//! What a VF may ask of the PF, and how often.

use host_tests::{
    cases::*,
    pf::Pf,
    station,
    Vec, //
};
use igb_common::{
    mbx::*,
    vf_slot::*, //
};

const ACK: u32 = 0x8000_0000;
const NACK: u32 = 0x4000_0000;

#[test]
fn before_reset_a_vf_is_refused_at_most_every_two_seconds() {
    let mut pf = pf(1);
    pf.now = 10_000;
    let words = VfRequest::SetLpe(1500).encode();
    let first = pf.send(0, words.words()).unwrap();
    assert_eq!(*first.message().words().first().unwrap(), 5 | NACK);
    for _ in 0..1000 {
        assert_eq!(pf.send(0, words.words()), None);
        assert_eq!(pf.bank.acknowledged(0, pf.now), None);
        pf.now += 1;
    }
    pf.now += 1000;
    assert_eq!(pf.bank.acknowledged(0, pf.now), Some(Reply::ResetFirst));
    assert_eq!(pf.counters(0).not_ready, 1001);
    // Once it is in, reading is no reason to send it away.
    pf.now += 5000;
    pf.ask(0, VfRequest::Reset);
    pf.now += 5000;
    assert_eq!(pf.bank.acknowledged(0, pf.now), None);
}

#[test]
fn too_many_messages() {
    let mut pf = ready(2);
    pf.now += 1_000_000;
    let request = VfRequest::SetLpe(1500);
    let accepted =
        |pf: &mut Pf, tries: u32| (0..tries).filter(|_| done(pf, 0, request)).count() as u32;
    assert_eq!(accepted(&mut pf, 1000), MESSAGE_BURST);
    assert_eq!(pf.bank.backoff(0, pf.now), MESSAGE_INTERVAL_MS);
    pf.now += 1000;
    assert_eq!(accepted(&mut pf, 1000), 8);
    // A RESET is passed over: to refuse it would mean that it succeeded.
    assert_eq!(pf.ask(0, VfRequest::Reset), None);
    assert_eq!(pf.state(0), VfState::Ready);
    // Neither RESET nor FLR refills.
    pf.reset(0);
    assert_eq!(pf.ask(0, VfRequest::Reset), None);
    pf.now += 2 * MESSAGE_INTERVAL_MS;
    assert!(!pf.bank.serve_reset(0, pf.now));
    assert_eq!(pf.ask(0, VfRequest::Reset), Some(Reply::Reset(None)));
    // Others are not concerned.
    assert_eq!(pf.bank.backoff(1, pf.now), 0);
    assert!(done(&mut pf, 1, request));
    // One line in the log every two seconds.
    let mut lines = 0;
    for _ in 0..10_000 {
        let message = VfRequest::SetLpe(1500).encode();
        let outcome = pf.bank.message(0, message.words(), pf.now).unwrap();
        lines += u32::from(outcome.event.is_some());
        pf.now += 1;
    }
    assert!((4..=6).contains(&lines), "{lines}");
}

/// Neither answers nor requests before RESET are a way to keep the PF busy.
#[test]
fn every_message_costs() {
    let mut answer = *VfRequest::SetLpe(1500).encode().words();
    answer[0] |= ACK;
    for words in [answer, *VfRequest::SetLpe(1500).encode().words()] {
        let mut pf = ready(1);
        pf.now += 1_000_000;
        // Which costs as much as a message.
        pf.reset(0);
        for _ in 1..MESSAGE_BURST {
            assert_eq!(pf.bank.backoff(0, pf.now), 0);
            let _ = pf.send(0, &words);
        }
        assert_eq!(pf.bank.backoff(0, pf.now), MESSAGE_INTERVAL_MS);
    }
}

/// A VF that keeps the mailbox is waited for, without a message being lost; what it costs to take it away
/// is paid like a message.
#[test]
fn keeping_the_mailbox_costs() {
    let mut pf = ready(2);
    pf.now += 1_000_000;
    let mut taken = 0;
    while pf.bank.backoff(0, pf.now) == 0 {
        for _ in 0..KEEP_MS {
            assert!(!pf.bank.mailbox_kept(0, pf.now));
            pf.now += 1;
        }
        assert!(pf.bank.mailbox_kept(0, pf.now));
        taken += 1;
    }
    // Some come back meanwhile.
    assert!((MESSAGE_BURST..MESSAGE_BURST + 10).contains(&taken));
    assert_eq!(pf.bank.mailbox_lost(0, pf.now), Some(Event::Mailbox));
    assert_eq!(pf.bank.mailbox_lost(0, pf.now), None);
    assert_eq!(pf.counters(0).kept, 2);
    // Patience begins anew with each message.
    pf.now += 1_000_000;
    assert!(!pf.bank.mailbox_kept(0, pf.now));
    assert!(done(&mut pf, 0, VfRequest::SetLpe(1500)));
    pf.now += KEEP_MS;
    assert!(!pf.bank.mailbox_kept(0, pf.now));
    assert_eq!(pf.bank.backoff(1, pf.now), 0);
}

/// As many acknowledgements as a VF can have messages are in time; more are looked at less often.
#[test]
fn acknowledgements_cost() {
    let mut pf = ready(2);
    pf.now += 1_000_000;
    for _ in 0..MESSAGE_BURST {
        assert!(!pf.bank.acknowledges_too_often(0, pf.now));
    }
    for _ in 0..1000 {
        assert!(pf.bank.acknowledges_too_often(0, pf.now));
    }
    assert_eq!(pf.counters(0).late_acks, 1000);
    // They are not taken from its messages, nor from others.
    assert_eq!(pf.bank.backoff(0, pf.now), 0);
    assert!(!pf.bank.acknowledges_too_often(1, pf.now));
    pf.now += MESSAGE_INTERVAL_MS;
    assert!(!pf.bank.acknowledges_too_often(0, pf.now));
}

/// Resets cost like messages. Those beyond the quota are served together and later, and until then the VF
/// neither runs nor is heard; nothing of its last owner is there when it runs again.
#[test]
fn resets_are_slowed() {
    let mut pf = ready(2);
    assert!(done(&mut pf, 0, VfRequest::SetMac(station(10))));
    assert!(done(&mut pf, 0, VfRequest::AddMacFilter(station(11))));
    assert!(done(&mut pf, 0, vlan(5)));
    let spent = 4;
    pf.now += 1;
    for _ in 0..u64::from(MESSAGE_BURST) - spent {
        pf.reset(0);
        pf.flush();
    }
    assert_eq!(pf.ask(0, VfRequest::Reset), None);
    pf.now += 50 * MESSAGE_INTERVAL_MS;
    assert!(done_after_reset(&mut pf, 0, VfRequest::SetMac(station(10))));
    assert!(done(&mut pf, 0, vlan(5)));
    while pf.bank.backoff(0, pf.now) == 0 {
        pf.ask(0, VfRequest::Reset);
    }

    // It left what it had, and resets itself again and again.
    let (before, served) = (pf.hw.clone(), pf.counters(0).resets);
    for round in 0..1000 {
        pf.reset(0);
        let mut writes = Vec::new();
        pf.bank.flush(1000, |write| {
            writes.push(write);
            true
        });
        // Once its queues; then nothing at all.
        assert_eq!(writes.is_empty(), round > 0, "{writes:?}");
        for write in writes {
            pf.hw.write(write);
        }
        assert!(pf.bank.serve_reset(0, pf.now));
        assert_eq!(pf.ask(0, VfRequest::Reset), None);
    }
    assert_eq!(pf.hw.queues, before.queues & !1);
    assert_eq!(
        (pf.hw.scrubs, pf.counters(0).resets),
        (before.scrubs, served)
    );
    assert!(pf.counters(0).late_resets >= 1000);
    assert_eq!(pf.state(1), VfState::Ready);

    // The administrator's orders do not let it run.
    pf.bank.set_vf_spoof_check(0, false).unwrap();
    pf.bank.set_vf_link(0, LinkPolicy::Auto).unwrap();
    pf.flush();
    assert_eq!(pf.hw.queues, before.queues & !1);

    pf.now += MESSAGE_INTERVAL_MS;
    assert!(!pf.bank.serve_reset(0, pf.now));
    pf.flush();
    assert_eq!(
        (pf.hw.scrubs, pf.counters(0).resets),
        (before.scrubs + 1, served + 1)
    );
    assert_eq!(pf.hw.addresses(0), []);
    assert_eq!(pf.hw.vlan_pools(5), 0);
    pf.now += MESSAGE_INTERVAL_MS;
    assert_eq!(pf.ask(0, VfRequest::Reset), Some(Reply::Reset(None)));
    assert_eq!(pf.hw.queues, before.queues);
}
