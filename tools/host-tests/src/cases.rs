// SPDX-License-Identifier: GPL-2.0

//! What cases start from and ask.

use crate::{
    pf::Pf,
    station, //
};
use igb_common::{
    layout::Layout,
    mbx::*, //
};

/// A PF with address 1 and `vfs` VFs.
pub fn pf(vfs: u16) -> Pf {
    let mut pf = Pf::new();
    pf.bank.set_pf_mac(station(1)).unwrap();
    pf.bank.set_layout(Layout::new(vfs).unwrap());
    pf.flush();
    pf
}

/// The same, with all VFs in.
pub fn ready(vfs: u16) -> Pf {
    let mut pf = pf(vfs);
    for vf in 0..vfs as u8 {
        assert_eq!(pf.ask(vf, VfRequest::Reset), Some(Reply::Reset(None)));
    }
    pf
}

/// Whether the PF does what a VF in service requests.
pub fn done(pf: &mut Pf, vf: u8, request: VfRequest) -> bool {
    match pf.ask(vf, request) {
        Some(Reply::Done { cts: true, .. }) => true,
        Some(Reply::Refused { cts: true, .. }) => false,
        other => panic!("{other:?}"),
    }
}

/// The request for a VLAN.
pub fn vlan(vid: u16) -> VfRequest {
    VfRequest::SetVlan { vid, add: true }
}

/// The same, for a VF that has to RESET first.
pub fn done_after_reset(pf: &mut Pf, vf: u8, request: VfRequest) -> bool {
    assert_eq!(pf.ask(vf, VfRequest::Reset), Some(Reply::Reset(None)));
    done(pf, vf, request)
}
