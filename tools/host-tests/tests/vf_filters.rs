// SPDX-License-Identifier: GPL-2.0

//! What each function gets of the filters that all share, addresses and VLANs, case by case.

use host_tests::{
    cases::*,
    station, //
};
use igb_common::{
    mac::MacAddr,
    mbx::*,
    rar::RarError,
    vf_slot::*, //
};

#[test]
fn no_function_takes_anothers_address() {
    let mut pf = ready(2);
    assert!(done(&mut pf, 0, VfRequest::SetMac(station(10))));
    assert!(done(&mut pf, 0, VfRequest::AddMacFilter(station(11))));
    for taken in [1, 10, 11] {
        assert!(!done(&mut pf, 1, VfRequest::SetMac(station(taken))));
        assert!(!done(&mut pf, 1, VfRequest::AddMacFilter(station(taken))));
    }
    assert!(pf.hw.addresses(1).is_empty());
    // The VF's own are no news.
    assert!(done(&mut pf, 0, VfRequest::SetMac(station(10))));
    assert!(done(&mut pf, 0, VfRequest::AddMacFilter(station(10))));
    // The PF takes what a VF chose for itself.
    pf.bank.set_pf_mac(station(10)).unwrap();
    assert_eq!(pf.flush(), [(0, Reply::ResetFirst)]);
    assert_eq!(pf.hw.addresses(2), [station(10)]);
    assert_eq!(pf.ask(0, VfRequest::Reset), Some(Reply::Reset(None)));
}

#[test]
fn mac_filters_are_few() {
    let mut pf = ready(1);
    for n in 0..3 {
        assert!(done(&mut pf, 0, VfRequest::AddMacFilter(station(20 + n))));
    }
    assert!(!done(&mut pf, 0, VfRequest::AddMacFilter(station(30))));
    assert!(done(&mut pf, 0, VfRequest::ClearMacFilters(MacAddr::ZERO)));
    assert!(pf.hw.addresses(0).is_empty());
    assert!(done(&mut pf, 0, VfRequest::AddMacFilter(station(30))));
}

/// Whatever the others take, each VF gets its filters, and the PF as many.
#[test]
fn mac_filters_are_shared_fairly() {
    for (vfs, share) in [(1, 3), (2, 3), (5, 3), (6, 2), (7, 2)] {
        let mut pf = ready(vfs);
        for vf in 0..vfs as u8 {
            let mac = |n| VfRequest::AddMacFilter(station(100 + 10 * u32::from(vf) + n));
            for n in 0..share {
                assert!(done(&mut pf, vf, mac(n)));
            }
            assert!(!done(&mut pf, vf, mac(share)));
        }
        pf.bank
            .set_pf_unicast((10..10 + share).map(station))
            .unwrap();
    }
}

/// What the PF listens for without a filter of its own no VF can have.
#[test]
fn no_vf_takes_what_found_no_filter() {
    let mut pf = ready(7);
    // 16 entries are shared.
    let list = |n: u32| (100..100 + n).map(station);
    assert_eq!(pf.bank.set_pf_unicast(list(18)), Err(RarError::Full));
    pf.flush();
    for mac in list(18) {
        assert!(!done(&mut pf, 0, VfRequest::SetMac(mac)));
        assert!(!done(&mut pf, 0, VfRequest::AddMacFilter(mac)));
    }
    assert!(done(&mut pf, 0, VfRequest::SetMac(station(99))));
    // The administrator may give one away, and the VF goes on with it.
    pf.bank.set_vf_mac(1, Some(station(117))).unwrap();
    pf.flush();
    let reset = Some(Reply::Reset(Some(station(117))));
    assert_eq!(pf.ask(1, VfRequest::Reset), reset);
    assert!(done(&mut pf, 1, VfRequest::SetMac(station(117))));
    pf.bank.set_pf_unicast(list(16)).unwrap();
    pf.flush();
    assert!(done(&mut pf, 0, VfRequest::SetMac(station(116))));
}

#[test]
fn vlans_are_shared_fairly() {
    let mut pf = ready(7);
    for vf in 0..7 {
        for n in 0..4 {
            assert!(done(&mut pf, vf, vlan(100 * u16::from(vf) + 10 + n)));
        }
        assert!(!done(&mut pf, vf, vlan(4000)));
    }
    let mut pf = ready(1);
    for vid in 1..=30 {
        assert!(done(&mut pf, 0, vlan(vid)));
    }
    assert!(!done(&mut pf, 0, vlan(32)));
    let remove = |vid| VfRequest::SetVlan { vid, add: false };
    assert!(done(&mut pf, 0, remove(0)) && done(&mut pf, 0, remove(5)));
    assert_eq!((pf.hw.vlan_pools(0), pf.hw.vlan_pools(5)), (0b11, 0));
    assert!(done(&mut pf, 0, vlan(32)));
}

/// However many VLANs VFs have, there is room for that of the administrator.
#[test]
fn vfs_leave_room_for_a_port_vlan() {
    for vfs in 1..=7 {
        let mut pf = ready(vfs);
        for vf in 0..vfs as u8 {
            let mut vid = 100 * u16::from(vf) + 10;
            while done(&mut pf, vf, vlan(vid)) {
                vid += 1;
            }
        }
        for vf in 0..vfs as u8 {
            let tag = PortVlan::new(1000 + u16::from(vf), 0).unwrap();
            assert_eq!(pf.bank.set_vf_vlan(vf, tag), Ok(()));
        }
    }
}
