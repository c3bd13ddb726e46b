// SPDX-License-Identifier: GPL-2.0

//! What the PF does for and against its VFs, case by case.

use host_tests::{
    cases::*,
    pf::Pf,
    reads,
    station,
    Vec, //
};
use igb_common::{
    layout::Layout,
    mac::MacAddr,
    mbx::*,
    rar::RarError,
    vf_bank::Write,
    vf_slot::*, //
};

const CTS: u32 = 0x2000_0000;
const ACK: u32 = 0x8000_0000;
const NACK: u32 = 0x4000_0000;

#[test]
fn a_vf_comes_up() {
    let mut pf = pf(2);
    assert_eq!(pf.hw.queues, 0b100);
    assert_eq!(pf.hw.spoof, 0x8000_0303);
    assert_eq!(pf.state(0), VfState::Reset);
    assert_eq!(pf.ask(0, VfRequest::Reset), Some(Reply::Reset(None)));
    assert_eq!(pf.state(0), VfState::Ready);
    assert_eq!(pf.hw.queues, 0b101);
    // LPE, AUPE, BAM, STRCRC.
    assert_eq!(pf.hw.vmolr[0], 0x8901_0000 | 1526);
    assert_eq!(pf.hw.vmvir[0], 0);
    assert!(done(&mut pf, 0, VfRequest::SetMac(station(10))));
    assert_eq!(pf.hw.addresses(0), [station(10)]);
    assert!(done(&mut pf, 0, VfRequest::SetLpe(9018)));
    assert_eq!(pf.hw.vmolr[0] & 0x3fff, 9018);
    let hashes = MulticastHashes::collect([5, 0x563]);
    assert!(done(&mut pf, 0, VfRequest::SetMulticast(hashes)));
    assert_eq!((pf.hw.vmolr[0] >> 25) & 1, 1);
    assert_eq!(pf.hw.mta[0x563 >> 5], 1 << (0x563 & 31));
    assert!(done(&mut pf, 0, vlan(0)));
    assert_eq!((pf.hw.vmolr[0] >> 30) & 1, 0);
    assert!(done(&mut pf, 0, vlan(100)));
    assert_eq!((pf.hw.vmolr[0] >> 30) & 1, 1);
    assert_eq!(pf.hw.vlan_pools(100), 0b001);
    assert_eq!(pf.counters(0).total(), 6);

    // The next RESET forgets all but the address.
    assert_eq!(
        pf.ask(0, VfRequest::Reset),
        Some(Reply::Reset(Some(station(10))))
    );
    assert_eq!(pf.hw.vmolr[0], 0x8901_0000 | 1526);
    assert_eq!(pf.hw.vlan_pools(100), 0);
    assert!(pf.hw.mta.iter().all(|register| *register == 0));
}

#[test]
fn wire_format_of_replies() {
    let mut pf = ready(1);
    let mut wire = |words: &[u32]| {
        let mut mailbox = [0x5a5a_5a5a; MAILBOX_WORDS];
        mailbox[..words.len()].copy_from_slice(words);
        pf.send(0, &mailbox).map(|reply| {
            let message = reply.message();
            assert!(message.words()[3..].iter().all(|word| *word == 0));
            message.words()[0]
        })
    };
    assert_eq!(wire(&[5, 1500]), Some(5 | ACK | CTS));
    assert_eq!(wire(&[5, u32::MAX]), Some(5 | NACK | CTS));
    assert_eq!(wire(&[0x1_0004, 5]), Some(0x1_0004 | ACK | CTS));
    assert_eq!(wire(&[0x1_0002, 0, 0]), Some(0x1_0002 | ACK | CTS));
    assert_eq!(wire(&[0x77]), Some(0x77 | NACK | CTS));
    assert_eq!(wire(&[0x1_0006]), Some(0x1_0006 | NACK | CTS));
    assert_eq!(wire(&[5 | ACK]), None);
}

#[test]
fn the_administrators_address_reaches_a_running_vf() {
    let mut pf = ready(2);
    assert!(done(&mut pf, 0, VfRequest::SetMac(station(10))));
    assert!(done(&mut pf, 0, VfRequest::AddMacFilter(station(11))));
    pf.bank.set_vf_mac(0, Some(station(50))).unwrap();
    assert_eq!(pf.flush(), [(0, Reply::ResetFirst)]);
    assert_eq!(pf.hw.addresses(0), [station(50)]);
    assert_eq!(pf.hw.queues, 0b110);
    let reset = Some(Reply::Reset(Some(station(50))));
    assert_eq!(pf.ask(0, VfRequest::Reset), reset);
    assert_eq!(pf.hw.queues, 0b111);
    // A C VF sends the address back.
    assert!(done(&mut pf, 0, VfRequest::SetMac(station(50))));
    assert!(!done(&mut pf, 0, VfRequest::SetMac(station(10))));
    assert!(!done(&mut pf, 0, VfRequest::AddMacFilter(station(10))));
    // Again: nothing happens.
    pf.bank.set_vf_mac(0, Some(station(50))).unwrap();
    assert_eq!(pf.flush(), []);
    assert_eq!(pf.state(0), VfState::Ready);
    // It outlives the VF's owner, who may choose again once it is cleared.
    pf.reset(0);
    assert_eq!(pf.ask(0, VfRequest::Reset), reset);
    pf.bank.set_vf_mac(0, None).unwrap();
    assert_eq!(pf.flush(), []);
    assert_eq!(pf.hw.addresses(0), [station(50)]);
    assert!(done(&mut pf, 0, VfRequest::SetMac(station(10))));
    pf.reset(0);
    assert_eq!(pf.ask(0, VfRequest::Reset), Some(Reply::Reset(None)));
}

#[test]
fn the_administrator_wins_against_a_squatter() {
    let mut pf = ready(2);
    assert!(done(&mut pf, 1, VfRequest::SetMac(station(50))));
    pf.bank.set_vf_mac(0, Some(station(50))).unwrap();
    let notices = pf.flush();
    assert_eq!(notices.len(), 2);
    assert!([0, 1]
        .map(|vf| (vf, Reply::ResetFirst))
        .iter()
        .all(|notice| notices.contains(notice)));
    assert_eq!(pf.hw.addresses(0), [station(50)]);
    assert!(pf.hw.addresses(1).is_empty());
    // Not against himself, nor the PF.
    let taken = Err(AdminError::AddressInUse);
    assert_eq!(pf.bank.set_vf_mac(1, Some(station(50))), taken);
    assert_eq!(pf.bank.set_vf_mac(1, Some(station(1))), taken);
    assert_eq!(
        pf.bank.set_pf_mac(station(50)),
        Err(RarError::InUse(igb_common::rar::RarOwner::VfMac(0)))
    );
    let group = MacAddr::new([1, 0, 0x5e, 0, 0, 1]);
    assert_eq!(pf.bank.set_vf_mac(1, Some(group)), Err(AdminError::Address));
    assert_eq!(
        pf.bank.set_vf_mac(2, Some(station(60))),
        Err(AdminError::NoVf)
    );
    assert_eq!(pf.flush(), []);
}

#[test]
fn port_vlan() {
    assert_eq!(PortVlan::new(0, 0), Ok(None));
    assert_eq!(PortVlan::new(4096, 0), Err(AdminError::Vlan));
    assert_eq!(PortVlan::new(1, 8), Err(AdminError::Qos));
    let tag = PortVlan::new(100, 3).unwrap();

    let mut pf = ready(1);
    assert!(done(&mut pf, 0, vlan(7)));
    pf.bank.set_vf_vlan(0, tag).unwrap();
    assert_eq!(pf.flush(), []);
    assert_eq!(pf.hw.vmvir[0], 0x4000_6064);
    // STRVLAN, no AUPE.
    assert_eq!(pf.hw.vmolr[0] & 0x4100_0000, 0x4000_0000);
    assert_eq!(pf.hw.vlan_pools(100), 1);
    assert_eq!((pf.hw.vlan_pools(7), pf.hw.vlan_pools(0)), (0, 0b10));
    assert!(!done(&mut pf, 0, vlan(8)));
    assert!(!done(&mut pf, 0, vlan(100)));
    assert!(done(&mut pf, 0, vlan(0)));
    let remove = VfRequest::SetVlan {
        vid: 100,
        add: false,
    };
    assert!(done(&mut pf, 0, remove));
    assert_eq!(pf.hw.vlan_pools(100), 1);
    // Another one in one step.
    pf.bank
        .set_vf_vlan(0, PortVlan::new(200, 0).unwrap())
        .unwrap();
    assert_eq!(pf.flush(), []);
    assert_eq!((pf.hw.vlan_pools(100), pf.hw.vlan_pools(200)), (0, 1));
    // The VF still believes in VLAN 7: it has to say so again.
    pf.bank.set_vf_vlan(0, None).unwrap();
    assert_eq!(pf.flush(), [(0, Reply::ResetFirst)]);
    assert_eq!((pf.hw.vlan_pools(200), pf.hw.vlan_pools(0)), (0, 0b11));
    assert_eq!(
        (pf.hw.vmvir[0], pf.hw.vmolr[0] & 0x4100_0000),
        (0, 0x0100_0000)
    );

    // Kept over every reset.
    pf.bank.set_vf_vlan(0, tag).unwrap();
    pf.ask(0, VfRequest::Reset);
    pf.reset(0);
    pf.ask(0, VfRequest::Reset);
    assert_eq!(pf.hw.vmvir[0], 0x4000_6064);
    assert_eq!((pf.hw.vlan_pools(100), pf.hw.vlan_pools(0)), (1, 0b10));
    // Nothing stale now, so nothing to start anew for.
    pf.bank.set_vf_vlan(0, None).unwrap();
    assert_eq!(pf.flush(), []);
}

#[test]
fn trust() {
    let mut pf = ready(1);
    let all = VfRequest::SetPromisc {
        unicast: false,
        multicast: true,
    };
    let many = VfRequest::SetMulticast(MulticastHashes::collect(0..40));
    assert!(!done(&mut pf, 0, all));
    assert!(!done(&mut pf, 0, many));
    assert!(pf.hw.mta.iter().all(|register| *register == 0));
    pf.bank.set_vf_mac(0, Some(station(50))).unwrap();
    pf.bank.set_vf_trusted(0, true).unwrap();
    assert_eq!(pf.flush(), [(0, Reply::ResetFirst)]);
    pf.ask(0, VfRequest::Reset);
    assert!(done(&mut pf, 0, all));
    assert_eq!((pf.hw.vmolr[0] >> 28) & 1, 1);
    // Groups leave that as it is, and giving it up leaves more groups than a message holds.
    let few = VfRequest::SetMulticast(MulticastHashes::collect(0..3));
    assert!(done(&mut pf, 0, few));
    assert_eq!((pf.hw.vmolr[0] >> 28) & 1, 1);
    assert!(done(&mut pf, 0, many));
    let none = VfRequest::SetPromisc {
        unicast: false,
        multicast: false,
    };
    assert!(done(&mut pf, 0, none));
    assert_eq!((pf.hw.vmolr[0] >> 28) & 1, 1);
    assert!(done(&mut pf, 0, few));
    assert_eq!((pf.hw.vmolr[0] >> 28) & 1, 0);
    assert!(done(&mut pf, 0, all));
    assert!(done(&mut pf, 0, VfRequest::SetMac(station(60))));
    assert!(done(&mut pf, 0, VfRequest::AddMacFilter(station(61))));
    let unicast = VfRequest::SetPromisc {
        unicast: true,
        multicast: false,
    };
    assert!(!done(&mut pf, 0, unicast));
    assert_eq!((pf.hw.vmolr[0] >> 28) & 1, 1);
    // What trust gave goes with it.
    pf.bank.set_vf_trusted(0, false).unwrap();
    assert_eq!(pf.flush(), [(0, Reply::ResetFirst)]);
    assert_eq!((pf.hw.vmolr[0] >> 28) & 1, 0);
    assert_eq!(pf.hw.addresses(0), [station(50)]);
    // Who was refused is made to ask again, who was not is not disturbed.
    pf.bank.set_vf_trusted(0, true).unwrap();
    assert_eq!(pf.flush(), []);
    pf.bank.set_vf_trusted(0, false).unwrap();
    pf.ask(0, VfRequest::Reset);
    assert!(!done(&mut pf, 0, all));
    pf.bank.set_vf_trusted(0, true).unwrap();
    assert_eq!(pf.flush(), [(0, Reply::ResetFirst)]);
}

#[test]
fn trust_comes_back() {
    let mut pf = ready(1);
    let all = |multicast| VfRequest::SetPromisc {
        unicast: false,
        multicast,
    };
    let groups = |count| VfRequest::SetMulticast(MulticastHashes::collect(0..count));
    // What a VF does with trust, and how it gives that up.
    for (wish, given_up) in [
        (all(true), all(false)),
        (groups(40), groups(3)),
        (
            VfRequest::AddMacFilter(station(61)),
            VfRequest::ClearMacFilters(station(61)),
        ),
    ] {
        pf.bank.set_vf_mac(0, Some(station(50))).unwrap();
        pf.flush();
        pf.ask(0, VfRequest::Reset);
        // It had it, and is to have it again.
        pf.bank.set_vf_trusted(0, true).unwrap();
        assert_eq!(pf.flush(), []);
        assert!(done(&mut pf, 0, wish));
        pf.bank.set_vf_trusted(0, false).unwrap();
        assert_eq!(pf.flush(), []);
        pf.bank.set_vf_trusted(0, true).unwrap();
        assert_eq!(pf.flush(), [(0, Reply::ResetFirst)], "{wish:?}");
        pf.ask(0, VfRequest::Reset);
        // It does not want it any more.
        pf.bank.set_vf_trusted(0, false).unwrap();
        assert!(!done(&mut pf, 0, wish));
        assert!(done(&mut pf, 0, given_up));
        pf.bank.set_vf_trusted(0, true).unwrap();
        assert_eq!(pf.flush(), [], "{wish:?}");
        pf.bank.set_vf_trusted(0, false).unwrap();
        // All it can name may be what is left of more.
        pf.now += 60_000;
    }
    assert!(!done(&mut pf, 0, groups(40)));
    assert!(done(&mut pf, 0, groups(MAX_HASHES as u16)));
    pf.bank.set_vf_trusted(0, true).unwrap();
    assert_eq!(pf.flush(), [(0, Reply::ResetFirst)]);
}

#[test]
fn link_rate_and_spoof_check() {
    let mut pf = ready(1);
    pf.bank.set_vf_link(0, LinkPolicy::Disable).unwrap();
    assert_eq!(pf.flush(), [(0, Reply::Ping { cts: false })]);
    assert_eq!(pf.hw.queues, 0b10);
    // It goes on being heard, and stays down over its reset.
    assert_eq!(pf.ask(0, VfRequest::Reset), Some(Reply::Reset(None)));
    assert_eq!(pf.hw.queues, 0b10);
    assert!(matches!(
        pf.ask(0, VfRequest::SetLpe(1500)),
        Some(Reply::Done { cts: false, .. })
    ));
    pf.bank.set_vf_link(0, LinkPolicy::Auto).unwrap();
    assert_eq!(pf.flush(), [(0, Reply::Ping { cts: true })]);
    assert_eq!(pf.hw.queues, 0b11);

    assert_eq!(pf.bank.set_vf_rate(0, 1001), Err(AdminError::Rate));
    for (rate, register) in [
        (300, 0x8000_0000 | (3 << 14) | 5461),
        (1, 0x8000_0000 | (1000 << 14)),
        (1000, 0x8000_0000 | (1 << 14)),
        (0, 0),
    ] {
        pf.bank.set_vf_rate(0, rate).unwrap();
        pf.flush();
        // The VF's other queue must not be a way round it.
        let least = if rate == 0 {
            0
        } else {
            0x8000_0000 | (0x3ff << 14)
        };
        assert_eq!((pf.hw.rate[0], pf.hw.rate[8]), (register, least));
    }
    // A limit above the link's speed is none, until the link is faster.
    pf.bank.set_vf_rate(0, 500).unwrap();
    for (link, register) in [(100, 0), (0, 0), (1000, 0x8000_0000 | (2 << 14))] {
        pf.link = link;
        pf.bank.link_changed();
        assert_eq!(pf.flush(), [(0, Reply::Ping { cts: true })]);
        assert_eq!(pf.hw.rate[0], register);
    }

    // The queues of a VF that is gone are the PF's.
    pf.bank.set_layout(Layout::new(2).unwrap());
    pf.bank.set_vf_rate(1, 10).unwrap();
    pf.flush();
    assert_ne!(pf.hw.rate[1] & pf.hw.rate[9], 0);
    pf.bank.set_layout(Layout::new(1).unwrap());
    pf.flush();
    assert_eq!(pf.hw.rate, [0; 16]);

    pf.bank.set_vf_spoof_check(0, false).unwrap();
    pf.flush();
    assert_eq!(pf.hw.spoof, 0x8000_0000);
    pf.bank.set_vf_spoof_check(0, true).unwrap();
    pf.flush();
    assert_eq!(pf.hw.spoof, 0x8000_0101);
}

#[test]
fn a_function_reset_leaves_nothing_for_the_next_owner() {
    let mut pf = ready(2);
    let fresh = pf.hw.clone();
    for request in [
        VfRequest::SetMac(station(10)),
        VfRequest::AddMacFilter(station(11)),
        VfRequest::SetLpe(9000),
        VfRequest::SetMulticast(MulticastHashes::collect([1, 2, 3])),
        vlan(5),
    ] {
        assert!(done(&mut pf, 0, request));
    }
    pf.hw.scrubs = 0;
    pf.reset(0);
    pf.flush();
    assert_eq!(pf.hw.scrubs, 1);
    assert_eq!(pf.hw.queues, 0b110);
    assert_eq!(pf.ask(0, VfRequest::Reset), Some(Reply::Reset(None)));
    assert_eq!(pf.hw.scrubs, 2);
    pf.hw.scrubs = fresh.scrubs;
    assert_eq!(pf.hw, fresh);
}

#[test]
fn events_read_well() {
    let mut pf = ready(1);
    let mut is_shown = |words: &[u32], line: Option<&str>| {
        let mut mailbox = [0; MAILBOX_WORDS];
        mailbox[..words.len()].copy_from_slice(words);
        pf.now += 5000;
        let outcome = pf.bank.message(0, &mailbox, pf.now).unwrap();
        match outcome.event {
            Some(event) => line.is_some_and(|line| reads(event, line)),
            None => line.is_none(),
        }
    };
    assert!(is_shown(&[5, 1500], None));
    let line = "malformed message: VLAN 5000";
    assert!(is_shown(&[4, 5000], Some(line)));
    let line = "unknown message 0x0042";
    assert!(is_shown(&[0x42], Some(line)));
    let [low, high] = station(1).to_words();
    let line = "request denied: another function has MAC address 02:00:00:00:00:01";
    assert!(is_shown(&[2, low, high], Some(line)));
    // What the device drops is not a message.
    let messages = pf.counters(0).total();
    pf.bank.spoofed(0, pf.now);
    let slot = pf.bank.slot(0).unwrap();
    assert_eq!(slot.counters().spoofed, 1);
    assert_eq!(slot.counters().total(), messages);
    let line = "sent with an address or VLAN that is not its own, dropped";
    assert!(reads(slot.offence().unwrap().event, line));
}

#[test]
fn a_device_reset_is_undone_by_a_flush() {
    let mut pf = ready(3);
    pf.bank.set_vf_mac(0, Some(station(50))).unwrap();
    pf.bank
        .set_vf_vlan(1, PortVlan::new(9, 1).unwrap())
        .unwrap();
    pf.bank.set_pf_unicast([station(70)]).unwrap();
    pf.bank.set_pf_multicast([77]);
    pf.bank.set_pf_vlan(300, true);
    assert_eq!(pf.flush(), [(0, Reply::ResetFirst)]);
    assert!(done(&mut pf, 2, VfRequest::SetMac(station(12))));
    pf.flush();
    let before = pf.hw.clone();
    pf.hw.wipe();
    pf.bank.device_reset();
    let notices = pf.flush();
    // VF 0 had to start anew already.
    assert_eq!(notices, [(1, Reply::ResetFirst), (2, Reply::ResetFirst)]);
    assert_eq!(pf.hw.queues, 0b1000);
    pf.hw.queues = before.queues;
    pf.hw.scrubs = before.scrubs;
    assert_eq!(pf.hw, before);
}

fn writes_of(pf: &mut Pf) -> Vec<Write> {
    let mut writes = Vec::new();
    pf.bank.flush(1000, |write| {
        writes.push(write);
        true
    });
    writes
}

#[test]
fn queues_never_run_with_a_former_owners_settings() {
    let mut pf = ready(1);
    let words = VfRequest::Reset.encode();
    let _ = pf.bank.message(0, words.words(), pf.now).unwrap();
    let mut writes = writes_of(&mut pf);
    assert_eq!(writes.first(), Some(&Write::Queues(0b10)));
    assert_eq!(writes.last(), Some(&Write::Queues(0b11)));
    assert!(writes.contains(&Write::Scrub { vf: 0 }));
    // Nor with an address the VF does not know of.
    pf.bank.set_vf_mac(0, Some(station(50))).unwrap();
    writes = writes_of(&mut pf);
    assert_eq!(writes.first(), Some(&Write::Queues(0b10)));
    assert!(matches!(writes[1], Write::Rar { index: 23, .. }));
}

/// Nor at all if they cannot be scrubbed: the VF has to RESET until they can.
#[test]
fn queues_that_do_not_stop_stay_off() {
    let mut pf = ready(2);
    let flush = |pf: &mut Pf, stops: bool| {
        let hw = &mut pf.hw;
        pf.bank.flush(1000, |write| {
            let _ = hw.write(write);
            stops || !matches!(write, Write::Scrub { .. })
        })
    };
    let words = VfRequest::Reset.encode();
    let reply = |pf: &mut Pf| {
        let outcome = pf.bank.message(0, words.words(), pf.now).unwrap();
        outcome.reply.unwrap()
    };
    let asked = reply(&mut pf);
    assert_eq!(flush(&mut pf, false), 0b01);
    assert!(!pf.bank.may_send(0, asked));
    assert_eq!((pf.state(0), pf.hw.queues), (VfState::Reset, 0b110));
    pf.now += 5000;
    let event = pf.bank.queues_on(0, pf.now);
    assert_eq!(event, Some(Event::Queues));
    assert_eq!(pf.bank.queues_on(0, pf.now), None);
    // Nor does an order of the administrator turn them on, or a reset that cannot be served.
    pf.bank.set_vf_link(0, LinkPolicy::Auto).unwrap();
    assert_eq!(flush(&mut pf, true), 0);
    pf.reset(0);
    assert_eq!(flush(&mut pf, false), 0b01);
    assert_eq!((pf.state(0), pf.hw.queues), (VfState::Reset, 0b110));

    let asked = reply(&mut pf);
    assert_eq!(flush(&mut pf, true), 0);
    assert!(pf.bank.may_send(0, asked));
    assert_eq!((pf.state(0), pf.hw.queues), (VfState::Ready, 0b111));
}

#[test]
fn vfs_come_and_go() {
    let mut pf = ready(7);
    assert!(done(&mut pf, 6, VfRequest::SetMac(station(16))));
    assert!(done(&mut pf, 6, vlan(66)));
    pf.bank.set_vf_mac(3, Some(station(50))).unwrap();
    pf.bank.set_layout(Layout::WITHOUT_VFS);
    pf.flush();
    assert!(pf.bank.slot(0).is_none());
    assert_eq!((pf.hw.queues, pf.hw.spoof), (0xff, 0));
    assert_eq!(pf.hw.vlan_pools(66), 0);
    assert_eq!(pf.hw.addresses(0), [station(1)]);
    assert_eq!(pf.hw.vmvir, [0; 8]);
    assert_eq!(pf.send(0, VfRequest::Reset.encode().words()), None);
    pf.bank.set_layout(Layout::new(4).unwrap());
    pf.flush();
    assert_eq!(pf.hw.addresses(4), [station(1)]);
    assert_eq!(*pf.bank.slot(3).unwrap().admin(), Admin::DEFAULT);
    assert!(pf.bank.slot(4).is_none());
    assert_eq!(pf.send(4, VfRequest::Reset.encode().words()), None);
    assert_eq!(pf.hw.queues, 0b10000);
}
