// SPDX-License-Identifier: GPL-2.0

//! What the PF does with a VF's messages.

use super::{
    Denial,
    Effects,
    Event,
    Filters,
    VfSlot,
    VfState, //
};
use crate::{
    mac::MacAddr,
    mbx::{
        Header,
        MulticastHashes,
        Rejected,
        Reply,
        VfRequest,
        Words,
        MAX_HASHES, //
    },
    rar::{
        RarError,
        RarTable, //
    },
    vlan::{
        VlanError,
        VlanTable, //
    },
};

/// What follows from a message: bring the hardware into the state `effects` names, then send
/// `reply`, then log `event`.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// What to answer. If nothing, only acknowledge having read the message.
    pub reply: Option<Reply>,
    /// Which hardware state changed.
    pub effects: Effects,
    /// What to log, at most once in two seconds for one VF.
    pub event: Option<Event>,
}

impl Outcome {
    pub(super) const SILENCE: Self = Self::effects(Effects::NONE);

    pub(super) const fn effects(effects: Effects) -> Self {
        Self {
            reply: None,
            effects,
            event: None,
        }
    }
}

impl VfSlot {
    /// Handles the content of the VF's mailbox at time `now`, in milliseconds.
    pub fn message(&mut self, words: &Words, now: u64, ctx: &mut Filters) -> Outcome {
        let [word, ..] = *words;
        let header = Header::from_word(word);
        self.kept_since = None;
        if self.state == VfState::Inactive {
            return Outcome::SILENCE;
        }
        if self.reset_due {
            // Nobody knows which side of the reset it is from.
            count(&mut self.counters.throttled);
            return Outcome::SILENCE;
        }
        let request = VfRequest::decode(words);
        // Every message costs, also one that means nothing: to read it is work for the PF.
        let in_time = self.messages.take(now);
        if request == Err(Rejected::NotARequest) {
            count(&mut self.counters.ignored);
            return Outcome::SILENCE;
        }
        if self.state == VfState::Reset && request != Ok(VfRequest::Reset) {
            count(&mut self.counters.not_ready);
            let reply = Reply::Refused {
                request: header,
                cts: false,
            };
            return Outcome {
                reply: self.refusals.allow(now).then_some(reply),
                ..Outcome::SILENCE
            };
        }
        if !in_time {
            return self.throttle(words, request, now);
        }
        match request {
            Ok(VfRequest::Reset) => self.reset(now, ctx),
            Ok(request) => match self.carry_out(request, ctx) {
                Ok(effects) => {
                    count(&mut self.counters.accepted);
                    Outcome {
                        reply: Some(Reply::Done {
                            request: header,
                            cts: self.clear_to_send(),
                        }),
                        effects,
                        event: None,
                    }
                }
                Err(denial) => {
                    count(&mut self.counters.nacked);
                    self.refuse(words, Event::Denied(denial), now)
                }
            },
            Err(Rejected::Malformed(what)) => {
                count(&mut self.counters.malformed);
                self.refuse(words, Event::Malformed(what), now)
            }
            Err(Rejected::Unknown(id)) => {
                count(&mut self.counters.unknown);
                self.refuse(words, Event::Unknown(id), now)
            }
            // Handled above.
            Err(Rejected::NotARequest) => Outcome::SILENCE,
        }
    }

    /// The VF says that it read its mailbox, as it may once for each message of the PF. Whether it says so
    /// too often: then the PF should look at what it does less often.
    pub fn acknowledges_too_often(&mut self, now: u64) -> bool {
        let late = !self.acks.take(now);
        if late {
            count(&mut self.counters.late_acks);
        }
        late
    }

    /// The VF read its mailbox. If it has to RESET, it is told, at most once in two seconds.
    pub fn acknowledged(&mut self, now: u64) -> Option<Reply> {
        if self.state == VfState::Reset && self.refusals.allow(now) {
            Some(Reply::ResetFirst)
        } else {
            None
        }
    }

    fn refuse(&mut self, words: &Words, event: Event, now: u64) -> Outcome {
        let [word, ..] = *words;
        Outcome {
            reply: Some(Reply::Refused {
                request: Header::from_word(word),
                cts: self.clear_to_send(),
            }),
            effects: Effects::NONE,
            event: self.offend(event, Some(*words), now),
        }
    }

    fn throttle(
        &mut self,
        words: &Words,
        request: Result<VfRequest, Rejected>,
        now: u64,
    ) -> Outcome {
        count(&mut self.counters.throttled);
        let mut outcome = self.refuse(words, Event::Throttled, now);
        if request == Ok(VfRequest::Reset) {
            // A refused RESET would mean that it succeeded and there is no address.
            outcome.reply = None;
        }
        outcome
    }

    fn reset(&mut self, now: u64, ctx: &mut Filters) -> Outcome {
        count(&mut self.counters.accepted);
        let effects = self.scrub(ctx);
        self.restore_mac(ctx);
        self.state = VfState::Ready;
        // As the C driver does: a VF that just came in is not sent away at once.
        self.refusals.allow(now);
        Outcome {
            reply: Some(Reply::Reset(ctx.rar.vf_mac(self.vf))),
            effects: effects.and(Effects::QUEUES).and(Effects::SCRUB),
            event: None,
        }
    }

    fn carry_out(&mut self, request: VfRequest, ctx: &mut Filters) -> Result<Effects, Denial> {
        match request {
            // Handled by the caller, because its reply is different.
            VfRequest::Reset => Ok(Effects::NONE),
            VfRequest::SetMac(mac) => self.set_mac(mac, ctx),
            VfRequest::AddMacFilter(mac) => self.add_mac_filter(mac, ctx),
            VfRequest::ClearMacFilters(_) => {
                ctx.rar.clear_vf_filters(self.vf);
                self.wishes.addresses = false;
                Ok(Effects::RAR)
            }
            VfRequest::SetMulticast(hashes) => self.set_multicast(hashes),
            VfRequest::SetVlan { vid, add: true } => self.add_vlan(vid, ctx),
            VfRequest::SetVlan { vid, add: false } => Ok(self.remove_vlan(vid, ctx)),
            VfRequest::SetLpe(frame) => {
                self.max_frame = frame;
                Ok(Effects::VMOLR)
            }
            VfRequest::SetPromisc { unicast, multicast } => self.set_promisc(unicast, multicast),
        }
    }

    fn set_mac(&mut self, mac: MacAddr, ctx: &mut Filters) -> Result<Effects, Denial> {
        if ctx.rar.vf_mac(self.vf) == Some(mac) {
            return Ok(Effects::NONE);
        }
        if !self.admin.may_choose_mac() {
            return Err(Denial::AdminMac);
        }
        if ctx.rar.is_withheld(mac) {
            return Err(Denial::AddressInUse(mac));
        }
        match ctx.rar.set_vf_mac(self.vf, mac) {
            Ok(()) => Ok(Effects::RAR),
            Err(error) => Err(rar_denial(error, mac)),
        }
    }

    fn add_mac_filter(&mut self, mac: MacAddr, ctx: &mut Filters) -> Result<Effects, Denial> {
        if ctx.rar.owner_of(mac).and_then(|owner| owner.vf()) == Some(self.vf) {
            return Ok(Effects::NONE);
        }
        if !self.admin.may_choose_mac() {
            self.wishes.addresses = true;
            return Err(Denial::AdminMac);
        }
        if ctx.rar.vf_filters(self.vf) >= RarTable::fair_share(ctx.rar.layout()) {
            return Err(Denial::MacQuota);
        }
        if ctx.rar.is_withheld(mac) {
            return Err(Denial::AddressInUse(mac));
        }
        match ctx.rar.add_vf_filter(self.vf, mac) {
            Ok(()) => Ok(Effects::RAR),
            Err(error) => Err(rar_denial(error, mac)),
        }
    }

    fn set_multicast(&mut self, hashes: MulticastHashes) -> Result<Effects, Denial> {
        if hashes.overflowed() && !self.admin.trusted {
            self.wishes.groups = true;
            return Err(Denial::NotTrusted);
        }
        // As many as a message holds may be what is left of more.
        if hashes.as_slice().len() < MAX_HASHES {
            self.wishes.groups = false;
        }
        self.hashes = hashes;
        Ok(Effects::MULTICAST.and(Effects::VMOLR))
    }

    fn set_promisc(&mut self, unicast: bool, multicast: bool) -> Result<Effects, Denial> {
        if unicast {
            return Err(Denial::Unsupported);
        }
        if multicast && !self.admin.trusted {
            self.wishes.multicast_promisc = true;
            return Err(Denial::NotTrusted);
        }
        self.wishes.multicast_promisc = false;
        self.multicast_promisc = multicast;
        Ok(Effects::VMOLR)
    }

    fn add_vlan(&mut self, vid: u16, ctx: &mut Filters) -> Result<Effects, Denial> {
        if vid == 0 || ctx.vlan.contains(self.vf, vid) && self.admin.vlan.is_none() {
            return Ok(Effects::NONE);
        }
        if self.admin.vlan.is_some() {
            return Err(Denial::PortVlan);
        }
        if ctx.vlan.of_vf(self.vf).count() >= VlanTable::fair_share(ctx.vlan.layout()) {
            return Err(Denial::VlanQuota);
        }
        match ctx.vlan.add(self.vf, vid) {
            Ok(()) => Ok(Effects::VLAN.and(Effects::VMOLR)),
            Err(VlanError::Full | VlanError::Invalid) => Err(Denial::NoVlanSpace),
        }
    }

    fn remove_vlan(&mut self, vid: u16, ctx: &mut Filters) -> Effects {
        // VLAN 0 is everybody's, and a port VLAN not the VF's.
        if vid == 0 || self.admin.vlan.is_some() {
            return Effects::NONE;
        }
        ctx.vlan.remove(self.vf, vid);
        Effects::VLAN.and(Effects::VMOLR)
    }
}

fn rar_denial(error: RarError, mac: MacAddr) -> Denial {
    match error {
        RarError::InUse(_) => Denial::AddressInUse(mac),
        RarError::Full | RarError::Invalid => Denial::NoAddressSpace,
    }
}

fn count(counter: &mut u64) {
    *counter = counter.wrapping_add(1);
}
