// SPDX-License-Identifier: GPL-2.0

//! A PF whose VFs, administrator and device do whatever a source of [`Choices`] says, beside a model of
//! what must hold: quotas are never exceeded, no neighbour is touched, replies are whole, a refusal
//! changes nothing, and the registers always say what the model says.
//!
//! The random test feeds it from a generator, the fuzzer (`tools/fuzz/host`) from its input. What does
//! not hold is a panic.

mod invariants;

use self::invariants::{
    check_codec,
    check_reply, //
};
use crate::{
    choices::Choices,
    pf::Pf,
    station, //
};
use igb_common::{
    layout::Layout,
    mac::MacAddr,
    mbx::*,
    multicast::hash,
    rar::RarTable,
    vf_slot::*,
    vlan::VlanTable, //
};
use std::collections::BTreeSet;

const PF_MAC: u32 = 1;
const VIDS: u16 = 50;

/// What a VF should have.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
struct Model {
    ready: bool,
    admin_mac: Option<[u8; 6]>,
    trusted: bool,
    disabled: bool,
    port_vlan: bool,
    mac: Option<[u8; 6]>,
    filters: BTreeSet<[u8; 6]>,
    vlans: BTreeSet<u16>,
    hashes: BTreeSet<u16>,
    overflow: bool,
    multicast_promisc: bool,
    /// A reset that is not served yet.
    due: bool,
    /// Messages that were looked at and resets that were served, and when the first could come.
    heard: u64,
    born: u64,
}

impl Model {
    fn owns(&self, mac: [u8; 6]) -> bool {
        self.mac == Some(mac) || self.filters.contains(&mac)
    }

    fn scrub(&mut self) {
        *self = Self {
            ready: self.ready,
            admin_mac: self.admin_mac,
            trusted: self.trusted,
            disabled: self.disabled,
            port_vlan: self.port_vlan,
            mac: self.admin_mac.or(self.mac),
            due: self.due,
            heard: self.heard,
            born: self.born,
            ..Self::default()
        };
    }

    /// Somebody with more right to `mac` wants it.
    fn evict(&mut self, mac: [u8; 6]) {
        if self.admin_mac != Some(mac) {
            self.filters.remove(&mac);
            self.mac = self.mac.filter(|own| *own != mac);
        }
    }
}

/// The PF, the model, and where decisions come from.
pub struct World<C> {
    /// What is tested.
    pub pf: Pf,
    /// Where decisions come from.
    pub choices: C,
    models: Vec<Model>,
    pf_unicast: BTreeSet<[u8; 6]>,
    /// Hashes of those of its list for which there was no room.
    withheld: BTreeSet<u16>,
    pf_vlans: BTreeSet<u16>,
}

impl<C: Choices> World<C> {
    /// A PF with `vfs` VFs, 1 to 7, that have not said anything yet.
    pub fn new(choices: C, vfs: u16) -> Self {
        let mut pf = Pf::new();
        pf.bank.set_pf_mac(station(PF_MAC)).unwrap();
        let mut world = Self {
            pf,
            choices,
            models: Vec::new(),
            pf_unicast: BTreeSet::new(),
            withheld: BTreeSet::new(),
            pf_vlans: BTreeSet::from([0]),
        };
        world.layout(vfs);
        world
    }

    /// All VFs go, some other number comes.
    pub fn divide(&mut self) {
        let vfs = 1 + self.choices.below(7) as u16;
        self.layout(vfs);
    }

    fn layout(&mut self, vfs: u16) {
        self.pf.bank.set_layout(Layout::new(vfs).unwrap());
        // The PF's list fits whatever the layout: see `order`.
        let list = self.pf_unicast.iter().map(|mac| MacAddr::new(*mac));
        assert_eq!(self.pf.bank.set_pf_unicast(list), Ok(()));
        self.withheld.clear();
        let model = Model {
            born: self.pf.now,
            ..Model::default()
        };
        self.models = vec![model; vfs.into()];
        assert_eq!(self.pf.flush(), []);
        self.check();
    }

    fn vf(&mut self) -> u8 {
        self.choices.below(self.models.len() as u32) as u8
    }

    fn any_mac(&mut self) -> MacAddr {
        station(self.choices.below(30))
    }

    fn request(&mut self) -> VfRequest {
        let mac = self.any_mac();
        match self.choices.below(12) {
            0 => VfRequest::Reset,
            1 | 2 => VfRequest::SetMac(mac),
            3 => VfRequest::ClearMacFilters(mac),
            4 | 5 => VfRequest::AddMacFilter(mac),
            6 => {
                let count = self.choices.below(34);
                let hashes: Vec<_> = (0..count).map(|_| self.choices.word() as u16).collect();
                VfRequest::SetMulticast(MulticastHashes::collect(hashes))
            }
            7 => VfRequest::SetLpe(64 + self.choices.below(9000) as u16),
            8 => VfRequest::SetPromisc {
                unicast: self.choices.one_in(4),
                multicast: self.choices.one_in(2),
            },
            _ => VfRequest::SetVlan {
                vid: self.choices.below(VIDS.into()) as u16,
                add: !self.choices.one_in(3),
            },
        }
    }

    /// What a VF leaves in its mailbox: a proper request, nearly one, or anything.
    pub fn words(&mut self) -> Words {
        let kind = self.choices.below(10);
        if kind < 3 {
            let mut words: Words = std::array::from_fn(|_| self.choices.word());
            match kind {
                0 => {}
                1 => words[0] &= 0x00ff_0007,
                _ => words[0] &= 0xe0ff_0007,
            }
            return words;
        }
        // Behind the request is what was there before.
        let mut words = [0x5555_5555; MAILBOX_WORDS];
        let request = self.request().encode();
        let used = request.used();
        words[..used.len()].copy_from_slice(used);
        // One bit wrong, now and then.
        if self.choices.one_in(8) {
            let word = self.choices.below(3) as usize;
            words[word] ^= 1 << self.choices.below(32);
        }
        words
    }

    /// Whether the model lets VF `vf`, which is ready, do this; if so, does it.
    fn carry_out(&mut self, vf: u8, request: VfRequest) -> bool {
        let share = VlanTable::fair_share(self.pf.bank.layout());
        let filter_share = RarTable::fair_share(self.pf.bank.layout());
        let pf_unicast = self.pf_unicast.clone();
        let withheld = self.withheld.clone();
        let free = |mac: MacAddr, models: &[Model]| {
            let others = (0..).zip(models).filter(|(other, _)| *other != vf);
            let given = models[usize::from(vf)].admin_mac == Some(mac.bytes());
            mac != station(PF_MAC)
                && !pf_unicast.contains(&mac.bytes())
                && (given || !withheld.contains(&hash(mac)))
                && !models.iter().any(|model| model.owns(mac.bytes()))
                && !others
                    .into_iter()
                    .any(|(_, other)| other.admin_mac == Some(mac.bytes()))
        };
        let models = self.models.clone();
        let entries = 23 - models.len();
        let filters = models.iter().map(|model| model.filters.len());
        let taken = filters.sum::<usize>() + pf_unicast.len();
        let model = &mut self.models[usize::from(vf)];
        let may_choose = model.admin_mac.is_none() || model.trusted;
        match request {
            VfRequest::Reset => {
                model.scrub();
                model.ready = true;
                true
            }
            VfRequest::SetMac(mac) => {
                if model.mac == Some(mac.bytes()) {
                    return true;
                }
                let own = model.filters.contains(&mac.bytes());
                if !may_choose || !(own || free(mac, &models)) {
                    return false;
                }
                model.filters.remove(&mac.bytes());
                model.mac = Some(mac.bytes());
                true
            }
            VfRequest::AddMacFilter(mac) => {
                if model.owns(mac.bytes()) {
                    return true;
                }
                let room = model.filters.len() < filter_share && taken < entries;
                let good = may_choose && room && free(mac, &models);
                if good {
                    model.filters.insert(mac.bytes());
                }
                good
            }
            VfRequest::ClearMacFilters(_) => {
                model.filters.clear();
                true
            }
            VfRequest::SetMulticast(hashes) => {
                if hashes.overflowed() && !model.trusted {
                    return false;
                }
                model.hashes = hashes.as_slice().iter().copied().collect();
                model.overflow = hashes.overflowed();
                true
            }
            VfRequest::SetVlan { vid, add } => {
                if vid == 0 || (!add && model.port_vlan) {
                    return true;
                }
                if model.port_vlan {
                    return false;
                }
                if !add {
                    model.vlans.remove(&vid);
                    return true;
                }
                let all: BTreeSet<_> = models.iter().flat_map(|m| m.vlans.iter()).collect();
                let good = model.vlans.contains(&vid)
                    || model.vlans.len() < share && (all.contains(&vid) || all.len() < 31);
                if good {
                    model.vlans.insert(vid);
                }
                good
            }
            VfRequest::SetLpe(_) => true,
            VfRequest::SetPromisc { unicast, multicast } => {
                let good = !unicast && (!multicast || model.trusted);
                if good {
                    model.multicast_promisc = multicast;
                }
                good
            }
        }
    }

    fn message(&mut self) {
        let vf = self.vf();
        let words = self.words();
        check_codec(&words);
        let others = |pf: &Pf| {
            let vfs = pf.bank.layout().vf_pools().filter(|other| *other != vf);
            vfs.map(|other| pf.counters(other)).collect::<Vec<_>>()
        };
        let before = self.pf.hw.clone();
        let counted = self.pf.counters(vf).total();
        let bystanders = others(&self.pf);
        let throttled = self.pf.bank.backoff(vf, self.pf.now) > 0;
        let due = self.models[usize::from(vf)].due;
        let was_ready = self.models[usize::from(vf)].ready;
        let disabled = self.models[usize::from(vf)].disabled;

        // That nothing of another function is written is asserted there.
        let reply = self.pf.send(vf, &words);

        assert_eq!(others(&self.pf), bystanders);
        assert_eq!(self.pf.counters(vf).total(), counted + 1);
        let request = VfRequest::decode(&words);
        if let Some(reply) = reply {
            check_reply(&words, request, reply);
        }

        let unchanged = self.pf.hw == before;
        match request {
            _ if due => {
                assert_eq!(reply, None);
                assert!(unchanged);
            }
            Err(Rejected::NotARequest) => {
                assert_eq!(reply, None);
                assert!(unchanged);
            }
            request if !was_ready && request != Ok(VfRequest::Reset) => {
                assert!(matches!(
                    reply,
                    None | Some(Reply::Refused { cts: false, .. })
                ));
                assert!(unchanged);
            }
            Ok(VfRequest::Reset) if throttled => {
                assert_eq!(reply, None);
                assert!(unchanged);
            }
            Ok(request) if !throttled => {
                self.heard(vf);
                let good = self.carry_out(vf, request);
                match reply {
                    Some(Reply::Done { cts, .. }) => {
                        assert!(good, "{request:?}");
                        assert_eq!(cts, !disabled);
                    }
                    Some(Reply::Refused { cts, .. }) => {
                        assert!(!good, "{request:?}");
                        assert_eq!(cts, !disabled);
                        assert!(unchanged);
                    }
                    Some(Reply::Reset(mac)) => {
                        assert_eq!(request, VfRequest::Reset);
                        let model = &self.models[usize::from(vf)];
                        assert_eq!(mac.map(MacAddr::bytes), model.mac);
                    }
                    other => panic!("{request:?}: {other:?}"),
                }
            }
            _ => {
                if !throttled {
                    self.heard(vf);
                }
                assert!(matches!(reply, Some(Reply::Refused { cts, .. }) if cts != disabled));
                assert!(unchanged);
            }
        }
    }

    /// VF `vf` resets itself: served at once, or its queues stay off until it is.
    fn reset(&mut self) {
        let vf = self.vf();
        let pf = &mut self.pf;
        let served = pf.counters(vf).resets;
        let late = pf.bank.slot(vf).unwrap().reset_due() || pf.bank.backoff(vf, pf.now) > 0;
        let outcome = pf.bank.function_reset(vf, pf.now).unwrap();
        assert_eq!(pf.bank.slot(vf).unwrap().reset_due(), late);
        assert_eq!(outcome.effects.contains(Effects::SCRUB), !late);
        assert_eq!(pf.counters(vf).resets, served + u64::from(!late));
        let model = &mut self.models[usize::from(vf)];
        model.ready = false;
        model.due = late;
        if !late {
            self.reset_served(vf);
        }
    }

    fn reset_served(&mut self, vf: u8) {
        let model = &mut self.models[usize::from(vf)];
        model.due = false;
        model.mac = None;
        model.scrub();
        self.heard(vf);
    }

    /// What the PF does when there are tokens again.
    fn serve_resets(&mut self) {
        for vf in 0..self.models.len() as u8 {
            let due = self.models[usize::from(vf)].due;
            let scrubs = self.pf.hw.scrubs;
            let wait = self.pf.bank.backoff(vf, self.pf.now) > 0;
            assert_eq!(self.pf.bank.serve_reset(vf, self.pf.now), due && wait);
            if due && !wait {
                assert_eq!(self.pf.flush(), []);
                assert_eq!(self.pf.hw.scrubs, scrubs + 1);
                self.reset_served(vf);
            }
        }
    }

    /// Counts a message that was looked at: no more than the quota allows.
    fn heard(&mut self, vf: u8) {
        let model = &mut self.models[usize::from(vf)];
        model.heard += 1;
        let most = u64::from(MESSAGE_BURST) + (self.pf.now - model.born) / MESSAGE_INTERVAL_MS + 1;
        assert!(model.heard <= most);
    }

    fn order(&mut self) {
        let vf = self.vf();
        let mac = self.any_mac();
        let bank = &mut self.pf.bank;
        match self.choices.below(9) {
            0 | 1 => {
                let order = if self.choices.one_in(3) {
                    None
                } else {
                    Some(mac)
                };
                let result = bank.set_vf_mac(vf, order);
                let bytes = mac.bytes();
                let taken = mac == station(PF_MAC)
                    || self.pf_unicast.contains(&bytes)
                    || (0..self.models.len()).any(|other| {
                        other != usize::from(vf) && self.models[other].admin_mac == Some(bytes)
                    });
                if order.is_some() && taken {
                    assert_eq!(result, Err(AdminError::AddressInUse));
                } else if order.is_some() && !mac.is_station() {
                    assert_eq!(result, Err(AdminError::Address));
                } else {
                    assert_eq!(result, Ok(()));
                    self.admin_mac(vf, order.map(MacAddr::bytes));
                }
            }
            2 => {
                let vid = 1 + self.choices.below(u32::from(VIDS) - 1) as u16;
                let tag = if self.choices.one_in(2) {
                    None
                } else {
                    PortVlan::new(vid, 2).unwrap()
                };
                let had = bank.slot(vf).unwrap().admin().vlan;
                if bank.set_vf_vlan(vf, tag).is_ok() && had != tag {
                    let model = &mut self.models[usize::from(vf)];
                    model.port_vlan = tag.is_some();
                    model.vlans = tag.iter().map(|tag| tag.vid()).collect();
                }
            }
            3 => {
                let trusted = self.choices.one_in(2);
                bank.set_vf_trusted(vf, trusted).unwrap();
                let model = &mut self.models[usize::from(vf)];
                model.trusted = trusted;
                if !trusted {
                    model.multicast_promisc = false;
                    model.overflow = false;
                    if model.admin_mac.is_some() {
                        model.filters.clear();
                        model.mac = model.admin_mac;
                    }
                }
            }
            4 => bank.set_vf_spoof_check(vf, self.choices.one_in(2)).unwrap(),
            5 => bank.set_vf_rate(vf, self.choices.below(1001)).unwrap(),
            6 => {
                let disabled = self.choices.one_in(3);
                let link = if disabled {
                    LinkPolicy::Disable
                } else {
                    LinkPolicy::Auto
                };
                bank.set_vf_link(vf, link).unwrap();
                self.models[usize::from(vf)].disabled = disabled;
            }
            7 => {
                let vid = 1 + self.choices.below(u32::from(VIDS) - 1) as u16;
                let receive = self.choices.one_in(2);
                bank.set_pf_vlan(vid, receive);
                if receive {
                    self.pf_vlans.insert(vid);
                } else {
                    self.pf_vlans.remove(&vid);
                }
            }
            _ => {
                // Not more than fit beside seven VFs.
                let count = self.choices.below(5);
                let list: Vec<_> = (0..count).map(|_| self.any_mac()).collect();
                self.pf_unicast(&list);
            }
        }
    }

    fn admin_mac(&mut self, vf: u8, mac: Option<[u8; 6]>) {
        let ready = self.models[usize::from(vf)].ready;
        if let Some(mac) = mac {
            for (other, model) in self.models.iter_mut().enumerate() {
                if other != usize::from(vf) {
                    model.evict(mac);
                }
            }
            let model = &mut self.models[usize::from(vf)];
            model.filters.remove(&mac);
            if !model.trusted {
                model.filters.clear();
            }
            model.mac = Some(mac);
        } else if !ready {
            self.models[usize::from(vf)].mac = None;
        }
        self.models[usize::from(vf)].admin_mac = mac;
    }

    /// The PF wants to receive for these addresses too. It gets what VFs chose by themselves, as far as
    /// there is room, and nothing of what the administrator gave them.
    fn pf_unicast(&mut self, list: &[MacAddr]) {
        let result = self.pf.bank.set_pf_unicast(list.iter().copied());
        let wanted: BTreeSet<_> = list.iter().map(|mac| mac.bytes()).collect();
        self.pf_unicast.retain(|mac| wanted.contains(mac));
        for mac in list {
            for model in &mut self.models {
                model.evict(mac.bytes());
            }
        }
        let entries = 23 - self.models.len();
        let filters = self.models.iter().map(|model| model.filters.len());
        let filters: usize = filters.sum();
        let mut complete = true;
        self.withheld.clear();
        for mac in list.iter().filter(|mac| mac.is_station()) {
            let given = |model: &Model| model.admin_mac == Some(mac.bytes());
            if *mac == station(PF_MAC) || self.pf_unicast.contains(&mac.bytes()) {
                continue;
            }
            if self.models.iter().any(given) {
                complete = false;
            } else if filters + self.pf_unicast.len() >= entries {
                complete = false;
                self.withheld.insert(hash(*mac));
            } else {
                self.pf_unicast.insert(mac.bytes());
            }
        }
        assert_eq!(result.is_ok(), complete);
    }

    /// Something happens: mostly a message, or a reset, or an order of the administrator.
    pub fn step(&mut self) {
        self.pf.now += u64::from(self.choices.below(250));
        self.serve_resets();
        match self.choices.below(100) {
            0..=84 => self.message(),
            85 | 86 => self.reset(),
            87 => {
                self.pf.bank.device_reset();
                self.pf.hw.wipe();
            }
            88 => {
                let vf = self.vf();
                let _ = self.pf.bank.acknowledged(vf, self.pf.now);
            }
            89 => {
                self.pf.link = [0, 10, 100, 1000][self.choices.below(4) as usize];
                self.pf.bank.link_changed();
            }
            _ => self.order(),
        }
        for (vf, notice) in self.pf.flush() {
            if notice == Reply::ResetFirst {
                assert_eq!(self.pf.state(vf), VfState::Reset);
            }
        }
        for vf in 0..self.models.len() as u8 {
            self.models[usize::from(vf)].ready = self.pf.state(vf) == VfState::Ready;
        }
        self.check();
    }
}
