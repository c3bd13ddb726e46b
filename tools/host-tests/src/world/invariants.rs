// SPDX-License-Identifier: GPL-2.0

//! What must hold after each step, and of each message.

use std::collections::{
    BTreeMap,
    BTreeSet, //
};

use crate::{
    choices::Choices,
    station, //
};
use igb_common::{
    mbx::*,
    multicast::MTA_REGISTERS,
    rar::RarTable,
    vlan::{
        VlanTable,
        VFTA_REGISTERS, //
    },
};

use super::{
    World,
    PF_MAC, //
};

impl<C: Choices> World<C> {
    /// The registers say what the model says.
    pub(super) fn check(&mut self) {
        let hw = &self.pf.hw;
        let pf_pool = self.models.len() as u8;
        let mut addresses: Vec<_> = self.pf_unicast.iter().copied().collect();
        addresses.push(station(PF_MAC).bytes());
        addresses.sort();
        assert_eq!(self.held(pf_pool), addresses);

        let mut queues = 1 << pf_pool;
        let mut mta = [0; MTA_REGISTERS];
        let mut vlans: BTreeMap<u16, u8> = BTreeMap::new();
        let share = VlanTable::fair_share(self.pf.bank.layout());
        let filters = RarTable::fair_share(self.pf.bank.layout());
        for (vf, model) in (0..).zip(&mut self.models) {
            // RESET puts the port VLAN back, which the model's scrub does not know.
            let admin = *self.pf.bank.slot(vf).unwrap().admin();
            if let Some(tag) = admin.vlan {
                model.vlans = BTreeSet::from([tag.vid()]);
            }
            assert!(model.filters.len() <= filters);
            assert!(model.vlans.len() <= share.max(1));
            assert!(model.hashes.len() <= MAX_HASHES);
            for vid in &model.vlans {
                *vlans.entry(*vid).or_default() |= 1 << vf;
            }
            for hash in &model.hashes {
                mta[usize::from(hash >> 5)] |= 1 << (hash & 31);
            }
            let vmolr = hw.vmolr[usize::from(vf)];
            let all_multicast = model.multicast_promisc || model.overflow;
            assert_eq!((vmolr >> 28) & 1 == 1, all_multicast);
            assert!(model.trusted || !all_multicast);
            // Never more than it asked for: no RSS, no overflow unicast, nothing reserved.
            assert_eq!(vmolr & 0x24fe_c000, 0, "{vmolr:#x}");
            assert_eq!(vmolr & 0x8801_0000, 0x8801_0000);
            assert!(vmolr & 0x3fff <= 9728);
            assert_eq!((vmolr >> 24) & 1 == 1, !model.port_vlan);
            assert!(!(model.ready && model.due));
            if model.ready && !model.disabled {
                queues |= 1 << vf;
            }
            let spoof = (hw.spoof >> vf) & 0x0101;
            assert_eq!(spoof, if admin.spoof_check { 0x0101 } else { 0 });
        }
        for (vf, model) in (0..).zip(&self.models) {
            let mut addresses: Vec<_> = model.filters.iter().copied().collect();
            addresses.extend(model.mac);
            addresses.sort();
            assert_eq!(self.held(vf), addresses, "VF {vf}");
        }
        assert_eq!(hw.queues, queues);
        assert_eq!(hw.mta, mta);
        self.check_vlans(vlans);
    }

    fn check_vlans(&self, mut vlans: BTreeMap<u16, u8>) {
        let mut vfta = [0; VFTA_REGISTERS];
        for vid in vlans.keys().chain(&self.pf_vlans) {
            vfta[usize::from(vid >> 5)] |= 1 << (vid & 31);
        }
        assert_eq!(self.pf.hw.vfta, vfta);
        // VLAN 0 is everybody's who has no port VLAN.
        vlans.insert(0, 0);
        for (vf, model) in self.models.iter().enumerate() {
            if !model.port_vlan {
                *vlans.entry(0).or_default() |= 1 << vf;
            }
        }
        let mut named: BTreeMap<u16, u8> = BTreeMap::new();
        for value in self.pf.hw.vlvf.iter().filter(|value| **value >> 31 == 1) {
            let old = named.insert((value & 0xfff) as u16, (value >> 12) as u8);
            assert_eq!(old, None, "a VLAN is named twice");
        }
        for (vid, pools) in &mut vlans {
            if self.pf_vlans.contains(vid) {
                *pools |= 1 << self.models.len();
            }
        }
        assert_eq!(named, vlans);
    }

    /// The addresses of a pool, sorted.
    fn held(&self, pool: u8) -> Vec<[u8; 6]> {
        let list = self.pf.hw.addresses(pool);
        list.iter().map(|mac| mac.bytes()).collect()
    }
}

/// Decoding is total and the inverse of encoding, whoever looks at the words.
pub(super) fn check_codec(words: &Words) {
    if let Ok(request) = VfRequest::decode(words) {
        let again = request.encode();
        assert_eq!(VfRequest::decode(again.words()), Ok(request));
        assert_eq!(again.words()[0], request.header().word());
        // A request is nobody's answer.
        assert_eq!(Answer::decode(&request, words), Answer::Other);
    }
    if let ResetAnswer::Ready(Some(mac)) = ResetAnswer::decode(words) {
        assert!(mac.is_station());
    }
    let _ = Notice::decode(words[0]);
}

/// A reply is whole, says nothing but what it is about, and its reader understands it.
pub(super) fn check_reply(words: &Words, request: Result<VfRequest, Rejected>, reply: Reply) {
    let message = reply.message();
    let used = message.used().len();
    assert!(message.words()[used..].iter().all(|word| *word == 0));
    match (reply, request) {
        (Reply::Reset(mac), _) => {
            let answer = ResetAnswer::decode(message.words());
            assert_eq!(answer, ResetAnswer::Ready(mac));
        }
        (reply, request) => {
            assert_eq!(used, 1);
            assert_eq!(message.words()[0] & 0x1fff_ffff, words[0] & 0x00ff_ffff);
            if let Ok(request) = request {
                let answer = Answer::decode(&request, message.words());
                let good = match reply {
                    Reply::Done { .. } => answer == Answer::Done,
                    Reply::Refused { cts: true, .. } => answer == Answer::Refused,
                    _ => answer == Answer::ResetFirst,
                };
                assert!(good, "{reply:?} is read as {answer:?}");
            }
        }
    }
}
