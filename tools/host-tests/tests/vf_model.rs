// SPDX-License-Identifier: GPL-2.0

//! Random messages, orders and resets against a model of what must hold: quotas are never exceeded,
//! no neighbour is touched, replies are whole, a refusal changes nothing, and the registers always
//! say what the model says.

use host_tests::{
    pf::{
        Pf,
        Registers, //
    },
    station,
    Rng, //
};
use igb_common::{
    layout::Layout,
    mac::MacAddr,
    mbx::*,
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
    port_vlan: bool,
    mac: Option<[u8; 6]>,
    filters: BTreeSet<[u8; 6]>,
    vlans: BTreeSet<u16>,
    hashes: BTreeSet<u16>,
    overflow: bool,
    all_multicast: bool,
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
            port_vlan: self.port_vlan,
            mac: self.admin_mac.or(self.mac),
            ..Self::default()
        };
    }
}

/// All a function can notice of what others do.
#[derive(PartialEq, Eq, Debug)]
struct View {
    addresses: Vec<MacAddr>,
    vlans: Vec<u16>,
    vmolr: u32,
    vmvir: u32,
    queues: u32,
    spoof: u32,
    rate: u32,
    counters: Counters,
}

fn view(pf: &Pf, pool: u8) -> View {
    let hw: &Registers = &pf.hw;
    View {
        addresses: hw.addresses(pool),
        vlans: (0..VIDS)
            .filter(|vid| hw.vlan_pools(*vid) & (1 << pool) != 0)
            .collect(),
        vmolr: hw.vmolr[usize::from(pool)],
        vmvir: hw.vmvir[usize::from(pool)],
        queues: hw.queues & (1 << pool),
        spoof: hw.spoof & (0x0101 << pool),
        rate: hw.rate[usize::from(pool)],
        counters: pf.counters(pool),
    }
}

struct World {
    pf: Pf,
    models: Vec<Model>,
    rng: Rng,
}

impl World {
    fn new(seed: u64, vfs: u16) -> Self {
        let mut pf = Pf::new();
        pf.bank.set_pf_mac(station(PF_MAC)).unwrap();
        pf.bank.set_layout(Layout::new(vfs).unwrap()).unwrap();
        pf.flush();
        Self {
            pf,
            models: vec![Model::default(); vfs.into()],
            rng: Rng::new(seed),
        }
    }

    fn vf(&mut self) -> u8 {
        self.rng.below(self.models.len() as u32) as u8
    }

    fn any_mac(&mut self) -> MacAddr {
        station(self.rng.below(30))
    }

    fn request(&mut self) -> VfRequest {
        let mac = self.any_mac();
        let flag = self.rng.one_in(2);
        match self.rng.below(12) {
            0 => VfRequest::Reset,
            1 | 2 => VfRequest::SetMac(mac),
            3 => VfRequest::ClearMacFilters(mac),
            4 | 5 => VfRequest::AddMacFilter(mac),
            6 => {
                let count = self.rng.below(34);
                let hashes: Vec<_> = (0..count).map(|_| self.rng.word() as u16).collect();
                VfRequest::SetMulticast(MulticastHashes::collect(hashes))
            }
            7 => VfRequest::SetLpe(64 + self.rng.below(9000) as u16),
            8 => VfRequest::SetPromisc {
                unicast: self.rng.one_in(4),
                multicast: flag,
            },
            _ => VfRequest::SetVlan {
                vid: self.rng.below(VIDS.into()) as u16,
                add: !self.rng.one_in(3),
            },
        }
    }

    fn words(&mut self) -> Words {
        let mut words: Words = std::array::from_fn(|_| self.rng.word());
        match self.rng.below(10) {
            0 => {}
            1 => words[0] &= 0x00ff_0007,
            2 => words[0] &= 0xe0ff_0007,
            _ => {
                let request = self.request().encode();
                let used = request.used();
                words[..used.len()].copy_from_slice(used);
                // One bit wrong, now and then.
                if self.rng.one_in(8) {
                    let word = self.rng.below(3) as usize;
                    words[word] ^= 1 << self.rng.below(32);
                }
            }
        }
        words
    }

    /// Whether the model lets VF `vf`, which is ready, do this; if so, does it.
    fn carry_out(&mut self, vf: u8, request: VfRequest) -> bool {
        let share = VlanTable::fair_share(self.pf.bank.layout());
        let free = |mac: MacAddr, models: &[Model]| {
            let others = (0..).zip(models).filter(|(other, _)| *other != vf);
            mac != station(PF_MAC)
                && !models.iter().any(|model| model.owns(mac.bytes()))
                && !others
                    .into_iter()
                    .any(|(_, other)| other.admin_mac == Some(mac.bytes()))
        };
        let models = self.models.clone();
        let entries = 23 - models.len();
        let filters: usize = models.iter().map(|model| model.filters.len()).sum();
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
                let room = model.filters.len() < 3 && filters < entries;
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
                model.all_multicast = model.overflow;
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
                    model.all_multicast = multicast || model.overflow;
                }
                good
            }
        }
    }

    fn message(&mut self) {
        let vf = self.vf();
        let words = self.words();
        let pools = 0..=self.models.len() as u8;
        let before: Vec<_> = pools.clone().map(|pool| view(&self.pf, pool)).collect();
        let throttled = self.pf.bank.backoff(vf, self.pf.now) > 0;
        let was_ready = self.models[usize::from(vf)].ready;

        let reply = self.pf.send(vf, &words);

        for pool in pools {
            if pool != vf {
                assert_eq!(before[usize::from(pool)], view(&self.pf, pool));
            }
        }
        if let Some(reply) = reply {
            let message = reply.message();
            let used = message.used().len();
            assert!(message.words()[used..].iter().all(|word| *word == 0));
            if !matches!(reply, Reply::Reset(_)) {
                assert_eq!(message.words()[0] & 0x00ff_ffff, words[0] & 0x00ff_ffff);
            }
        }
        let mine = &before[usize::from(vf)];
        let after = self.pf.counters(vf);
        assert_eq!(after.total(), mine.counters.total() + 1);

        let request = VfRequest::decode(&words);
        let untouched = || {
            View {
                counters: mine.counters,
                ..view(&self.pf, vf)
            } == *mine
        };
        match request {
            Err(Rejected::NotARequest) => {
                assert_eq!(reply, None);
                assert!(untouched());
            }
            request if !was_ready && request != Ok(VfRequest::Reset) => {
                assert!(matches!(
                    reply,
                    None | Some(Reply::Refused { cts: false, .. })
                ));
                assert!(untouched());
            }
            Ok(VfRequest::Reset) if throttled => {
                assert_eq!(reply, None);
                assert!(untouched());
            }
            _ if throttled => {
                assert!(matches!(reply, Some(Reply::Refused { cts: true, .. })));
                assert!(untouched());
            }
            Err(_) => {
                assert!(matches!(reply, Some(Reply::Refused { cts: true, .. })));
                assert!(untouched());
            }
            Ok(request) => {
                let good = self.carry_out(vf, request);
                match reply {
                    Some(Reply::Done { cts: true, .. }) => assert!(good, "{request:?}"),
                    Some(Reply::Refused { cts: true, .. }) => {
                        assert!(!good, "{request:?}");
                        let now = view(&self.pf, vf);
                        assert_eq!(now.addresses, mine.addresses);
                        assert_eq!((now.vmolr, now.vlans), (mine.vmolr, mine.vlans.clone()));
                    }
                    Some(Reply::Reset(mac)) => {
                        assert_eq!(request, VfRequest::Reset);
                        let model = &self.models[usize::from(vf)];
                        assert_eq!(mac.map(MacAddr::bytes), model.mac);
                    }
                    other => panic!("{request:?}: {other:?}"),
                }
            }
        }
    }

    fn order(&mut self) {
        let vf = self.vf();
        let mac = self.any_mac();
        let bank = &mut self.pf.bank;
        match self.rng.below(5) {
            0 => {
                let order = if self.rng.one_in(3) { None } else { Some(mac) };
                let result = bank.set_vf_mac(vf, order);
                let bytes = mac.bytes();
                let taken = mac == station(PF_MAC)
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
            1 => {
                let vid = 1 + self.rng.below(u32::from(VIDS) - 1) as u16;
                let tag = if self.rng.one_in(2) {
                    None
                } else {
                    PortVlan::new(vid, 2).unwrap()
                };
                let had = bank.slot(vf).unwrap().admin().vlan;
                if bank.set_vf_vlan(vf, tag).is_ok() && had != tag {
                    self.models[usize::from(vf)].vlans.clear();
                    self.models[usize::from(vf)].port_vlan = tag.is_some();
                    if let Some(tag) = tag {
                        self.models[usize::from(vf)].vlans.insert(tag.vid());
                    }
                }
            }
            2 => {
                let trusted = self.rng.one_in(2);
                bank.set_vf_trusted(vf, trusted).unwrap();
                let model = &mut self.models[usize::from(vf)];
                model.trusted = trusted;
                if !trusted {
                    model.all_multicast = false;
                    model.overflow = false;
                    if model.admin_mac.is_some() {
                        model.filters.clear();
                        model.mac = model.admin_mac;
                    }
                }
            }
            3 => bank.set_vf_spoof_check(vf, self.rng.one_in(2)).unwrap(),
            _ => bank.set_vf_rate(vf, self.rng.below(1001)).unwrap(),
        }
    }

    fn admin_mac(&mut self, vf: u8, mac: Option<[u8; 6]>) {
        let ready = self.models[usize::from(vf)].ready;
        if let Some(mac) = mac {
            for (other, model) in self.models.iter_mut().enumerate() {
                if other != usize::from(vf) {
                    model.filters.remove(&mac);
                    if model.mac == Some(mac) {
                        model.mac = None;
                    }
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

    fn step(&mut self) {
        self.pf.now += u64::from(self.rng.below(300));
        match self.rng.below(100) {
            0..=84 => self.message(),
            85 | 86 => {
                let vf = self.vf();
                self.pf.bank.function_reset(vf);
                let model = &mut self.models[usize::from(vf)];
                model.ready = false;
                model.mac = None;
                model.scrub();
                if let Some(tag) = self.pf.bank.slot(vf).unwrap().admin().vlan {
                    model.vlans.insert(tag.vid());
                }
            }
            87 => {
                self.pf.bank.device_reset();
                self.pf.hw.wipe();
            }
            88 => {
                let vf = self.vf();
                let _ = self.pf.bank.acknowledged(vf, self.pf.now);
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

    /// The registers say what the model says.
    fn check(&mut self) {
        let pf_pool = self.models.len() as u8;
        assert_eq!(self.pf.hw.addresses(pf_pool), [station(PF_MAC)]);
        let mut queues = 1 << pf_pool;
        let mut hashes: BTreeSet<u16> = BTreeSet::new();
        for (vf, model) in (0..).zip(&mut self.models) {
            // RESET puts the port VLAN back, which the model's scrub does not know.
            let admin = *self.pf.bank.slot(vf).unwrap().admin();
            if let Some(tag) = admin.vlan {
                model.vlans = BTreeSet::from([tag.vid()]);
            }
            let mut addresses: Vec<_> = model.filters.iter().copied().collect();
            addresses.extend(model.mac);
            addresses.sort();
            let held: Vec<_> = self.pf.hw.addresses(vf).iter().map(|m| m.bytes()).collect();
            assert_eq!(held, addresses, "VF {vf}");
            assert!(model.filters.len() <= MAX_MAC_FILTERS);

            for vid in 1..VIDS {
                let in_pool = self.pf.hw.vlan_pools(vid) & (1 << vf) != 0;
                assert_eq!(in_pool, model.vlans.contains(&vid), "VF {vf} VLAN {vid}");
            }
            let share = VlanTable::fair_share(self.pf.bank.layout());
            assert!(model.vlans.len() <= share.max(1));

            assert!(model.hashes.len() <= MAX_HASHES);
            hashes.extend(model.hashes.iter());
            let vmolr = self.pf.hw.vmolr[usize::from(vf)];
            assert_eq!((vmolr >> 28) & 1 == 1, model.all_multicast);
            assert!(model.trusted || !model.all_multicast);
            // Never more than it asked for: no RSS, no overflow unicast, nothing reserved.
            assert_eq!(vmolr & 0x24fe_c000, 0, "{vmolr:#x}");
            assert_eq!(vmolr & 0x8801_0000, 0x8801_0000);
            assert_eq!((vmolr >> 24) & 1 == 1, !model.port_vlan);
            if model.ready {
                queues |= 1 << vf;
            }
            let spoof = (self.pf.hw.spoof >> vf) & 0x0101;
            assert_eq!(spoof, if admin.spoof_check { 0x0101 } else { 0 });
        }
        assert_eq!(self.pf.hw.queues, queues);
        for hash in 0..4096_u16 {
            let set = self.pf.hw.mta[usize::from(hash >> 5)] & (1 << (hash & 31)) != 0;
            assert_eq!(set, hashes.contains(&hash));
        }
    }
}

#[test]
fn holds_under_random_use() {
    for vfs in 1..=7 {
        let mut world = World::new(100 + u64::from(vfs), vfs);
        for _ in 0..15_000 {
            world.step();
        }
        let counters: Vec<_> = (0..vfs as u8).map(|vf| world.pf.counters(vf)).collect();
        let least = |what: fn(&Counters) -> u64| counters.iter().map(what).min().unwrap();
        // The test did exercise everything.
        assert!(least(|c| c.accepted) > 100 && least(|c| c.nacked) > 20);
        assert!(least(|c| c.malformed) > 20 && least(|c| c.unknown) > 10);
        assert!(least(|c| c.not_ready) > 10 && least(|c| c.ignored) > 10);
    }
}

/// A storm of anything gets through no faster than the quota allows.
#[test]
fn storms_are_slowed() {
    let mut world = World::new(7, 2);
    world.pf.ask(0, VfRequest::Reset);
    let start = world.pf.now;
    for _ in 0..200_000 {
        if world.rng.one_in(20) {
            world.pf.now += 1;
        }
        let words = world.words();
        let _ = world.pf.send(0, &words);
        if world.pf.state(0) == VfState::Reset {
            world.pf.ask(0, VfRequest::Reset);
        }
    }
    let counters = world.pf.counters(0);
    let looked_at = counters.accepted + counters.nacked + counters.malformed + counters.unknown;
    let allowed = u64::from(MESSAGE_BURST) + (world.pf.now - start) / MESSAGE_INTERVAL_MS + 1;
    assert!(looked_at <= allowed, "{looked_at} {allowed}");
    assert!(counters.throttled > 100_000);
}
