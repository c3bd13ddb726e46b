// SPDX-License-Identifier: GPL-2.0

//! Everything the PF keeps about its VFs and the filters it shares with them.
//!
//! Events and orders change the bank; [`VfBank::flush`] then says which registers have to be written
//! and what has to be sent. The bank knows what the registers should hold, so the same flush, after
//! [`VfBank::device_reset`], restores all of it.

use crate::{
    layout::{
        Layout,
        MAX_VFS, //
    },
    mac::MacAddr,
    mbx::{
        Reply,
        Words, //
    },
    multicast::MulticastTable,
    rar::{
        RarError,
        RarOwner,
        RarTable, //
    },
    vf_slot::{
        AdminError,
        Change,
        Effects,
        Event,
        Filters,
        LinkPolicy,
        Outcome,
        PortVlan,
        VfSlot,
        VfState, //
    },
    vlan::VlanTable,
};

mod flush;

pub use self::flush::Write;

use self::flush::ALL_QUEUES;

/// All VFs and the shared filters.
#[derive(Clone, Debug)]
pub struct VfBank {
    slots: [VfSlot; MAX_VFS as usize],
    pending: [Effects; MAX_VFS as usize],
    notices: [Option<Reply>; MAX_VFS as usize],
    filters: Filters,
    multicast: MulticastTable,
    layout: Layout,
    /// The port's address, from which those of its VFs are derived.
    permanent_mac: Option<MacAddr>,
    /// Whether DTXSWC, VFRE and VFTE have to be written whatever the VFs want.
    common: bool,
    /// VFRE and VFTE as last written. A VF may have cleared its own bits since.
    queues: u32,
}

impl VfBank {
    /// No VFs, empty filters; every register is taken to hold anything. `const`, so that the 4 KiB
    /// need not pass over a stack.
    pub const fn new() -> Self {
        Self {
            slots: [
                VfSlot::new(0),
                VfSlot::new(1),
                VfSlot::new(2),
                VfSlot::new(3),
                VfSlot::new(4),
                VfSlot::new(5),
                VfSlot::new(6),
            ],
            pending: [Effects::NONE; MAX_VFS as usize],
            notices: [None; MAX_VFS as usize],
            filters: Filters {
                rar: RarTable::new(),
                vlan: VlanTable::new(),
            },
            multicast: MulticastTable::new(),
            layout: Layout::WITHOUT_VFS,
            permanent_mac: None,
            common: true,
            queues: ALL_QUEUES,
        }
    }

    /// The division in force.
    #[inline]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// VF `vf`, if there is one.
    pub fn slot(&self, vf: u8) -> Option<&VfSlot> {
        if vf < self.layout.vfs() {
            self.slots.get(usize::from(vf))
        } else {
            None
        }
    }

    /// Derives the addresses that VFs have to begin with from the port's permanent one, from the next
    /// division on; before, they have none.
    pub fn set_permanent_mac(&mut self, mac: MacAddr) {
        self.permanent_mac = Some(mac);
    }

    /// The address of VF `vf`, if it has one.
    pub fn vf_mac(&self, vf: u8) -> Option<MacAddr> {
        self.filters.rar.vf_mac(vf)
    }

    /// The shared filters.
    #[inline]
    pub const fn filters(&self) -> &Filters {
        &self.filters
    }

    /// Divides the device anew: all VFs go, those of `layout` come, with default settings. The PF's
    /// filters stay but for its further unicast addresses: they need other places, which
    /// [`Self::set_pf_unicast`] finds.
    ///
    /// The PF's queues are stopped, and started in the new division after the next flush.
    pub fn set_layout(&mut self, layout: Layout) {
        self.each_slot(|slot, filters| slot.deactivate(filters));
        self.layout = layout;
        self.notices = [None; MAX_VFS as usize];
        self.common = true;
        self.filters.rar.set_layout(layout);
        self.filters.vlan.set_layout(layout);
        let base = self.permanent_mac;
        self.each_slot(|slot, filters| {
            if slot.vf() < layout.vfs() {
                slot.activate(base.map(|mac| mac.of_vf(slot.vf())), filters)
            } else {
                Effects::NONE
            }
        });
    }

    /// Handles the content of VF `vf`'s mailbox at time `now` (milliseconds). Flush, then send the
    /// reply.
    pub fn message(&mut self, vf: u8, words: &Words, now: u64) -> Option<Outcome> {
        let (slot, filters, pending) = self.parts(vf)?;
        let outcome = slot.message(words, now, filters);
        *pending = pending.and(outcome.effects);
        self.update_multicast(outcome.effects);
        Some(outcome)
    }

    /// VF `vf` has the mailbox; see [`VfSlot::mailbox_kept`].
    pub fn mailbox_kept(&mut self, vf: u8, now: u64) -> bool {
        self.parts(vf)
            .is_some_and(|(slot, ..)| slot.mailbox_kept(now))
    }

    /// VF `vf` had the mailbox again at once; see [`VfSlot::mailbox_lost`].
    pub fn mailbox_lost(&mut self, vf: u8, now: u64) -> Option<Event> {
        self.parts(vf)?.0.mailbox_lost(now)
    }

    /// Whether `reply` still holds after the flush: not that VF `vf` is let in if its queues could not be
    /// scrubbed. It is not answered then, as a refused RESET would mean that it succeeded.
    pub fn may_send(&self, vf: u8, reply: Reply) -> bool {
        let ready = |slot: &VfSlot| slot.state() == VfState::Ready;
        !matches!(reply, Reply::Reset(_)) || self.slot(vf).is_some_and(ready)
    }

    /// VF `vf` was among those that [`Self::flush`] returned. Returns what to log.
    pub fn queues_on(&mut self, vf: u8, now: u64) -> Option<Event> {
        self.parts(vf)?.0.queues_on(now)
    }

    /// The device dropped frames of VF `vf` that were not in its name; see [`VfSlot::spoofed`].
    pub fn spoofed(&mut self, vf: u8, now: u64) {
        if let Some((slot, ..)) = self.parts(vf) {
            slot.spoofed(now);
        }
    }

    /// VF `vf` read its mailbox; see [`VfSlot::acknowledges_too_often`].
    pub fn acknowledges_too_often(&mut self, vf: u8, now: u64) -> bool {
        self.parts(vf)
            .is_some_and(|(slot, ..)| slot.acknowledges_too_often(now))
    }

    /// VF `vf` read its mailbox. Returns what to send.
    pub fn acknowledged(&mut self, vf: u8, now: u64) -> Option<Reply> {
        self.parts(vf)?.0.acknowledged(now)
    }

    /// VF `vf` went through a function level reset at time `now`. Flush. If it resets itself too often
    /// there is more to do later: [`Self::serve_reset`].
    pub fn function_reset(&mut self, vf: u8, now: u64) -> Option<Outcome> {
        let (slot, filters, pending) = self.parts(vf)?;
        let outcome = slot.function_reset(now, filters);
        *pending = pending.and(outcome.effects);
        self.update_multicast(outcome.effects);
        Some(outcome)
    }

    /// Serves a reset of VF `vf` that had to wait, unless it has to wait still. Returns whether it
    /// does. Flush.
    pub fn serve_reset(&mut self, vf: u8, now: u64) -> bool {
        let Some((slot, filters, pending)) = self.parts(vf) else {
            return false;
        };
        let effects = slot.serve_reset(now, filters);
        let due = slot.reset_due();
        *pending = pending.and(effects);
        self.update_multicast(effects);
        due
    }

    /// Milliseconds for which VF `vf`'s messages should be left unread and its resets unserved, because
    /// it sends or resets too much.
    pub fn backoff(&mut self, vf: u8, now: u64) -> u64 {
        self.parts(vf).map_or(0, |(slot, ..)| slot.backoff(now))
    }

    /// Lets every VF go on as if it had been quiet for long.
    pub fn lift_limits(&mut self) {
        for slot in &mut self.slots {
            slot.lift_limit();
        }
    }

    /// The device was reset: every register the bank is concerned with holds anything, and every VF
    /// has to start anew.
    pub fn device_reset(&mut self) {
        self.filters.rar.invalidate();
        self.filters.vlan.invalidate();
        self.multicast.invalidate();
        self.common = true;
        self.queues = ALL_QUEUES;
        for ((slot, pending), notice) in self
            .slots
            .iter_mut()
            .zip(&mut self.pending)
            .zip(&mut self.notices)
        {
            *notice = slot.revoke();
            *pending = Effects::ALL;
        }
    }

    /// Tells every VF to look at its link: it changed, or will. Rate limits depend on it.
    pub fn link_changed(&mut self) {
        for ((slot, pending), notice) in self
            .slots
            .iter()
            .zip(&mut self.pending)
            .zip(&mut self.notices)
        {
            *pending = pending.and(Effects::RATE);
            if notice.is_none() {
                *notice = slot.ping();
            }
        }
    }

    /// Sets VF `vf`'s address, or lets it choose. A VF that chose the address by itself gives way.
    ///
    /// # Errors
    ///
    /// As [`VfSlot::set_admin_mac`].
    pub fn set_vf_mac(&mut self, vf: u8, mac: Option<MacAddr>) -> Result<(), AdminError> {
        self.slot(vf).ok_or(AdminError::NoVf)?;
        if let Some(mac) = mac {
            self.evict(mac, Some(vf));
        }
        self.order(vf, |slot, filters| slot.set_admin_mac(mac, filters))
    }

    /// Sets or removes the tag of all frames of VF `vf`.
    ///
    /// # Errors
    ///
    /// As [`VfSlot::set_port_vlan`].
    pub fn set_vf_vlan(&mut self, vf: u8, vlan: Option<PortVlan>) -> Result<(), AdminError> {
        self.order(vf, |slot, filters| slot.set_port_vlan(vlan, filters))
    }

    /// Limits what VF `vf` sends, in Mbit/s; 0 lifts the limit.
    ///
    /// # Errors
    ///
    /// As [`VfSlot::set_max_tx_rate`].
    pub fn set_vf_rate(&mut self, vf: u8, mbps: u32) -> Result<(), AdminError> {
        self.order(vf, |slot, _| slot.set_max_tx_rate(mbps))
    }

    /// Turns VF `vf`'s anti-spoofing on or off.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoVf`].
    pub fn set_vf_spoof_check(&mut self, vf: u8, on: bool) -> Result<(), AdminError> {
        self.order(vf, |slot, _| slot.set_spoof_check(on))
    }

    /// Trusts VF `vf` or no longer.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoVf`].
    pub fn set_vf_trusted(&mut self, vf: u8, trusted: bool) -> Result<(), AdminError> {
        self.order(vf, |slot, filters| slot.set_trusted(trusted, filters))
    }

    /// Sets the link VF `vf` sees.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoVf`].
    pub fn set_vf_link(&mut self, vf: u8, link: LinkPolicy) -> Result<(), AdminError> {
        self.order(vf, |slot, _| slot.set_link(link))
    }

    /// Sets the PF's address. A VF that chose it by itself gives way.
    ///
    /// # Errors
    ///
    /// [`RarError::InUse`] if the administrator gave it to a VF, [`RarError::Invalid`] if it is no
    /// station address.
    pub fn set_pf_mac(&mut self, mac: MacAddr) -> Result<(), RarError> {
        self.evict(mac, None);
        self.filters.rar.set_pf_mac(mac)
    }

    /// Makes `list` the PF's further unicast addresses. VFs that chose one by themselves give way.
    ///
    /// # Errors
    ///
    /// As [`RarTable::set_pf_unicast`]: the PF has to receive all unicast then.
    pub fn set_pf_unicast(
        &mut self,
        list: impl IntoIterator<Item = MacAddr> + Clone,
    ) -> Result<(), RarError> {
        for mac in list.clone() {
            self.evict(mac, None);
        }
        self.filters.rar.set_pf_unicast(list)
    }

    /// Makes `hashes` the PF's multicast groups.
    pub fn set_pf_multicast(&mut self, hashes: impl IntoIterator<Item = u16>) {
        self.multicast.set_pf(hashes);
        self.update_multicast(Effects::MULTICAST);
    }

    /// The PF receives VLAN `vid`, or stops it.
    pub fn set_pf_vlan(&mut self, vid: u16, receive: bool) {
        self.filters.vlan.set_pf(vid, receive);
    }

    /// The PF receives no more VLANs than those of which `keep` says so, and VLAN 0, priority tags, if it
    /// did: that is not the stack's wish alone.
    pub fn retain_pf_vlans(&mut self, keep: impl Fn(u16) -> bool) {
        self.filters.vlan.retain_pf(keep);
    }

    /// The PF receives all VLANs, or those of its list.
    pub fn set_pf_all_vlans(&mut self, all: bool) {
        self.filters.vlan.set_pf_all(all);
    }

    fn order(
        &mut self,
        vf: u8,
        order: impl FnOnce(&mut VfSlot, &mut Filters) -> Result<Change, AdminError>,
    ) -> Result<(), AdminError> {
        let (slot, filters, _) = self.parts(vf).ok_or(AdminError::NoVf)?;
        let change = order(slot, filters)?;
        self.apply(vf, change);
        Ok(())
    }

    /// Takes `mac` from the VF that has it by its own choice, unless that is `except`.
    fn evict(&mut self, mac: MacAddr, except: Option<u8>) {
        let Some(RarOwner::VfMac(vf) | RarOwner::VfFilter(vf)) = self.filters.rar.owner_of(mac)
        else {
            return;
        };
        if Some(vf) == except {
            return;
        }
        if let Some((slot, filters, _)) = self.parts(vf) {
            let change = slot.evict(mac, filters);
            self.apply(vf, change);
        }
    }

    fn apply(&mut self, vf: u8, change: Change) {
        if let Some(pending) = self.pending.get_mut(usize::from(vf)) {
            *pending = pending.and(change.effects);
        }
        if let Some(notice) = self.notices.get_mut(usize::from(vf)) {
            *notice = change.notice.or(*notice);
        }
        self.update_multicast(change.effects);
    }

    fn each_slot(&mut self, mut change: impl FnMut(&mut VfSlot, &mut Filters) -> Effects) {
        for (slot, pending) in self.slots.iter_mut().zip(&mut self.pending) {
            *pending = pending.and(change(slot, &mut self.filters));
        }
        self.update_multicast(Effects::MULTICAST);
    }

    fn update_multicast(&mut self, effects: Effects) {
        if effects.contains(Effects::MULTICAST) {
            let hashes = self.slots.iter().flat_map(|slot| slot.hashes());
            self.multicast.rebuild(hashes.copied());
        }
    }

    fn parts(&mut self, vf: u8) -> Option<(&mut VfSlot, &mut Filters, &mut Effects)> {
        if vf >= self.layout.vfs() {
            return None;
        }
        let index = usize::from(vf);
        Some((
            self.slots.get_mut(index)?,
            &mut self.filters,
            self.pending.get_mut(index)?,
        ))
    }
}

impl Default for VfBank {
    fn default() -> Self {
        Self::new()
    }
}
