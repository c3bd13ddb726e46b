// SPDX-License-Identifier: GPL-2.0

//! The addresses VFs begin with.

use host_tests::{
    pf::Pf,
    station,
    Vec, //
};
use igb_common::{
    layout::{
        Layout,
        MAX_VFS, //
    },
    mac::MacAddr,
    mbx::*, //
};

const PORT: MacAddr = MacAddr::new([0x00, 0x1b, 0x21, 0x00, 0x00, 0xff]);

/// A PF with the permanent address `PORT` and `vfs` VFs.
fn pf(vfs: u16) -> Pf {
    let mut pf = Pf::new();
    pf.bank.set_permanent_mac(PORT);
    pf.bank.set_pf_mac(PORT).unwrap();
    pf.bank.set_layout(Layout::new(vfs).unwrap());
    pf.flush();
    pf
}

/// What RESET gives.
fn given(pf: &mut Pf, vf: u8) -> Option<MacAddr> {
    match pf.ask(vf, VfRequest::Reset) {
        Some(Reply::Reset(mac)) => mac,
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_functions_of_close_ports_differ() {
    let mut seen = Vec::new();
    for vendor in [[0x00, 0x1b, 0x21], [0x52, 0x54, 0x00], [0xa0, 0x36, 0x9f]] {
        for low in 0..=u8::MAX {
            let [a, b, c] = vendor;
            let port = MacAddr::new([a, b, c, 0, 0, low]);
            seen.push(port.bytes());
            for vf in 0..MAX_VFS {
                let mac = port.of_vf(vf);
                assert!(mac.is_station());
                assert_eq!(mac.bytes()[0] & 3, 2, "locally administered");
                assert_eq!(mac, port.of_vf(vf));
                seen.push(mac.bytes());
            }
        }
    }
    seen.sort_unstable();
    assert!(seen.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn a_vf_has_the_same_address_each_time() {
    for vfs in [1, 7, 3] {
        let mut pf = pf(vfs);
        for vf in 0..vfs as u8 {
            assert_eq!(pf.hw.addresses(vf), [PORT.of_vf(vf)]);
            assert_eq!(given(&mut pf, vf), Some(PORT.of_vf(vf)));
        }
    }
}

#[test]
fn a_vf_may_choose_another_until_its_function_is_reset() {
    let mut pf = pf(2);
    given(&mut pf, 0);
    let set = VfRequest::SetMac(station(10));
    assert!(matches!(pf.ask(0, set), Some(Reply::Done { .. })));
    assert_eq!(pf.hw.addresses(0), [station(10)]);
    assert_eq!(given(&mut pf, 0), Some(station(10)));
    pf.reset(0);
    pf.flush();
    assert_eq!(pf.hw.addresses(0), [PORT.of_vf(0)]);
    assert_eq!(given(&mut pf, 0), Some(PORT.of_vf(0)));
}

#[test]
fn the_administrators_choice_wins_and_can_be_taken_back() {
    let mut pf = pf(2);
    pf.bank.set_vf_mac(0, Some(station(10))).unwrap();
    pf.flush();
    assert_eq!(given(&mut pf, 0), Some(station(10)));
    pf.bank.set_vf_mac(0, None).unwrap();
    pf.flush();
    // It goes on with what it has.
    assert_eq!(pf.hw.addresses(0), [station(10)]);
    pf.reset(0);
    pf.flush();
    assert_eq!(given(&mut pf, 0), Some(PORT.of_vf(0)));

    // A VF that is not in gets its own back at once.
    pf.bank.set_vf_mac(1, Some(station(11))).unwrap();
    pf.bank.set_vf_mac(1, None).unwrap();
    pf.flush();
    assert_eq!(pf.hw.addresses(1), [PORT.of_vf(1)]);
}

#[test]
fn an_address_that_is_taken_is_not_given() {
    let mut pf = pf(2);
    given(&mut pf, 0);
    pf.bank.set_vf_mac(1, Some(PORT.of_vf(0))).unwrap();
    assert_eq!(pf.flush()[0], (0, Reply::ResetFirst));
    assert_eq!(given(&mut pf, 0), None);
    assert_eq!(given(&mut pf, 1), Some(PORT.of_vf(0)));
    assert!(pf.hw.addresses(0).is_empty());
}
