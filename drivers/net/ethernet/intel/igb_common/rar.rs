// SPDX-License-Identifier: GPL-2.0

//! The receive address registers: which station address leads to which pool.
//!
//! Entry 0 is the PF's address, entry 23 - n the address of VF n. The entries between are shared by
//! the PF's further unicast addresses and the VFs' further filters. An address is in the table at
//! most once, so no function can take another's, and one that the administrator gave to a VF is kept
//! for it. So are the PF's that found no entry, by their hashes.

use crate::{
    layout::{
        Layout,
        MAX_VFS, //
    },
    mac::MacAddr,
    multicast::{
        hash,
        Hashes, //
    }, //
};

/// Entries of the table (RA and RA2 together).
pub const RAR_ENTRIES: usize = 24;
/// Most further filters of a VF.
pub const MAX_VF_FILTERS: usize = 3;

const RAH_POOL_SHIFT: u32 = 18;
const RAH_AV: u32 = 1 << 31;

/// Whose an entry is, and what for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RarOwner {
    /// The PF's own address.
    Pf,
    /// A further unicast address of the PF.
    PfUnicast,
    /// The address of a VF.
    VfMac(u8),
    /// A further filter of a VF.
    VfFilter(u8),
}

impl RarOwner {
    /// The VF, if it is one's.
    #[inline]
    pub const fn vf(self) -> Option<u8> {
        match self {
            Self::VfMac(vf) | Self::VfFilter(vf) => Some(vf),
            Self::Pf | Self::PfUnicast => None,
        }
    }
}

/// Why an address is not in the table after all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RarError {
    /// All entries it could have are in use.
    Full,
    /// Somebody else has it.
    InUse(RarOwner),
    /// Zero or a group address, or a VF that there is not.
    Invalid,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Entry {
    mac: MacAddr,
    owner: RarOwner,
}

/// The table.
#[derive(Clone, Debug)]
pub struct RarTable {
    entries: [Option<Entry>; RAR_ENTRIES],
    /// Addresses the administrator gave to VFs, whether or not they use them now.
    reserved: [Option<MacAddr>; MAX_VFS as usize],
    /// The PF's further unicast addresses for which there was no entry.
    overflow: Hashes,
    layout: Layout,
    /// Entries whose registers have to be written.
    dirty: u32,
}

const ALL: u32 = (1 << RAR_ENTRIES) - 1;

impl RarTable {
    /// An empty table, without VFs. The registers are taken to hold anything.
    pub const fn new() -> Self {
        Self {
            entries: [None; RAR_ENTRIES],
            reserved: [None; MAX_VFS as usize],
            overflow: Hashes::EMPTY,
            layout: Layout::WITHOUT_VFS,
            dirty: ALL,
        }
    }

    /// Divides the table anew: all VF entries and the PF's further unicast addresses go, its own stays.
    /// Whether the others still fit, [`Self::set_pf_unicast`] says.
    pub fn set_layout(&mut self, layout: Layout) {
        let own = self.pf_mac();
        self.layout = layout;
        self.dirty = ALL;
        self.entries = [None; RAR_ENTRIES];
        self.reserved = [None; MAX_VFS as usize];
        if let Some(mac) = own {
            self.put(0, mac, RarOwner::Pf);
        }
    }

    /// The PF's address, once it is set.
    pub fn pf_mac(&self) -> Option<MacAddr> {
        self.entries.first()?.map(|entry| entry.mac)
    }

    /// Sets the PF's address.
    ///
    /// # Errors
    ///
    /// As [`RarTable::set_vf_mac`]. An address of the PF's unicast list is moved.
    pub fn set_pf_mac(&mut self, mac: MacAddr) -> Result<(), RarError> {
        self.set_fixed(0, mac, RarOwner::Pf)
    }

    /// Sets the address of VF `vf`.
    ///
    /// # Errors
    ///
    /// [`RarError::Invalid`] for a zero or group address or a VF there is not,
    /// [`RarError::InUse`] if another function has it. The VF's old address stays then.
    pub fn set_vf_mac(&mut self, vf: u8, mac: MacAddr) -> Result<(), RarError> {
        let index = self.vf_index(vf).ok_or(RarError::Invalid)?;
        self.set_fixed(index, mac, RarOwner::VfMac(vf))
    }

    /// Keeps the address `mac` for VF `vf`, or none: no other function gets it.
    pub fn reserve(&mut self, vf: u8, mac: Option<MacAddr>) {
        if let Some(reserved) = self.reserved.get_mut(usize::from(vf)) {
            *reserved = mac;
        }
    }

    /// Takes the address of VF `vf` away, if it has one.
    pub fn clear_vf_mac(&mut self, vf: u8) {
        if let Some(index) = self.vf_index(vf) {
            self.clear(index);
        }
    }

    fn set_fixed(&mut self, index: usize, mac: MacAddr, owner: RarOwner) -> Result<(), RarError> {
        if !mac.is_station() {
            return Err(RarError::Invalid);
        }
        self.check_reserved(mac, owner)?;
        match self.find(mac) {
            Some((at, _)) if at == index => return Ok(()),
            // The function had it as a further address.
            Some((at, entry)) if entry.owner.vf() == owner.vf() => self.clear(at),
            Some((_, entry)) => return Err(RarError::InUse(entry.owner)),
            None => {}
        }
        self.put(index, mac, owner);
        Ok(())
    }

    /// Makes `list` the PF's further unicast addresses. Addresses no station can have, and the PF's
    /// own, are passed over.
    ///
    /// # Errors
    ///
    /// [`RarError::Full`] or [`RarError::InUse`] if one could not be entered; the others are. The PF
    /// has to receive everything then, and no VF may choose one of those ([`Self::is_withheld`]).
    pub fn set_pf_unicast(
        &mut self,
        list: impl IntoIterator<Item = MacAddr> + Clone,
    ) -> Result<(), RarError> {
        for index in 0..RAR_ENTRIES {
            if let Some(Some(entry)) = self.entries.get(index) {
                let listed = || list.clone().into_iter().any(|mac| mac == entry.mac);
                if entry.owner == RarOwner::PfUnicast && !listed() {
                    self.clear(index);
                }
            }
        }
        self.overflow = Hashes::EMPTY;
        let mut result = Ok(());
        for mac in list {
            if mac.is_station() {
                let entered = self.add_shared(mac, RarOwner::PfUnicast);
                if entered == Err(RarError::Full) {
                    self.overflow.insert(hash(mac));
                }
                result = result.and(entered);
            }
        }
        result
    }

    /// Whether no VF may choose `mac` because it may be one of the PF's that found no entry. By hash, so
    /// that there is room for any number: now and then one is withheld that is nobody's. Not one that a
    /// function has, or that the administrator gave to a VF.
    pub fn is_withheld(&self, mac: MacAddr) -> bool {
        self.overflow.contains(hash(mac))
            && self.find(mac).is_none()
            && !self.reserved.contains(&Some(mac))
    }

    /// Adds a filter for VF `vf`. One it has already, as address or filter, is no error.
    ///
    /// # Errors
    ///
    /// [`RarError::Invalid`] for a zero or group address or a VF there is not,
    /// [`RarError::InUse`] if another function has it, [`RarError::Full`].
    pub fn add_vf_filter(&mut self, vf: u8, mac: MacAddr) -> Result<(), RarError> {
        if !mac.is_station() || self.vf_index(vf).is_none() {
            return Err(RarError::Invalid);
        }
        self.add_shared(mac, RarOwner::VfFilter(vf))
    }

    /// Removes all filters (not the address) of VF `vf`.
    pub fn clear_vf_filters(&mut self, vf: u8) {
        for index in 0..RAR_ENTRIES {
            if self.owner_at(index) == Some(RarOwner::VfFilter(vf)) {
                self.clear(index);
            }
        }
    }

    /// Takes `mac` away from the VF that has it, as address or filter, if one does; says which.
    pub fn evict_vf(&mut self, mac: MacAddr) -> Option<RarOwner> {
        let (index, entry) = self.find(mac)?;
        entry.owner.vf()?;
        self.clear(index);
        Some(entry.owner)
    }

    /// Most further filters of a VF: so few that all VFs can have theirs and the PF as many, so that no
    /// VF takes another's.
    #[inline]
    pub fn fair_share(layout: Layout) -> usize {
        let vfs = usize::from(layout.vfs());
        // Entry 0 is the PF's address.
        let shared = RAR_ENTRIES.saturating_sub(1).saturating_sub(vfs);
        shared
            .checked_div(vfs.saturating_add(1))
            .map_or(0, |share| share.min(MAX_VF_FILTERS))
    }

    /// The division the table was last given.
    #[inline]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// How many filters VF `vf` has.
    pub fn vf_filters(&self, vf: u8) -> usize {
        self.entries
            .iter()
            .flatten()
            .filter(|entry| entry.owner == RarOwner::VfFilter(vf))
            .count()
    }

    /// The address of VF `vf`, if it has one.
    pub fn vf_mac(&self, vf: u8) -> Option<MacAddr> {
        let index = self.vf_index(vf)?;
        self.entries
            .get(index)
            .copied()
            .flatten()
            .map(|entry| entry.mac)
    }

    /// Whose `mac` is.
    pub fn owner_of(&self, mac: MacAddr) -> Option<RarOwner> {
        self.find(mac).map(|(_, entry)| entry.owner)
    }

    /// Calls `write` with index, RAL and RAH of each entry that has to be written.
    pub fn flush(&mut self, mut write: impl FnMut(u8, u32, u32)) {
        let dirty = core::mem::take(&mut self.dirty);
        for (index, entry) in (0u8..).zip(&self.entries) {
            if dirty & (1 << index) == 0 {
                continue;
            }
            match entry {
                Some(entry) => {
                    let [low, high] = entry.mac.to_words();
                    let pool = entry.owner.vf().unwrap_or(self.layout.pf_pool());
                    write(
                        index,
                        low,
                        high | ((1 << (pool & 7)) << RAH_POOL_SHIFT) | RAH_AV,
                    );
                }
                None => write(index, 0, 0),
            }
        }
    }

    /// The registers hold anything, after a reset: the next flush writes them all.
    pub fn invalidate(&mut self) {
        self.dirty = ALL;
    }

    fn check_reserved(&self, mac: MacAddr, owner: RarOwner) -> Result<(), RarError> {
        let other = (0u8..)
            .zip(&self.reserved)
            .find(|(vf, reserved)| **reserved == Some(mac) && Some(*vf) != owner.vf());
        match other {
            Some((vf, _)) => Err(RarError::InUse(RarOwner::VfMac(vf))),
            None => Ok(()),
        }
    }

    fn vf_index(&self, vf: u8) -> Option<usize> {
        if vf < self.layout.vfs() {
            (RAR_ENTRIES - 1).checked_sub(usize::from(vf))
        } else {
            None
        }
    }

    fn find(&self, mac: MacAddr) -> Option<(usize, Entry)> {
        self.entries
            .iter()
            .enumerate()
            .find_map(|(index, entry)| Some((index, entry.filter(|entry| entry.mac == mac)?)))
    }

    fn owner_at(&self, index: usize) -> Option<RarOwner> {
        self.entries
            .get(index)
            .copied()
            .flatten()
            .map(|entry| entry.owner)
    }

    fn add_shared(&mut self, mac: MacAddr, owner: RarOwner) -> Result<(), RarError> {
        if let Some((_, entry)) = self.find(mac) {
            return if entry.owner.vf() == owner.vf() {
                Ok(())
            } else {
                Err(RarError::InUse(entry.owner))
            };
        }
        self.check_reserved(mac, owner)?;
        let fixed = usize::from(self.layout.vfs());
        let free = self
            .entries
            .iter()
            .take(RAR_ENTRIES.saturating_sub(fixed))
            .skip(1)
            .position(Option::is_none);
        match free {
            // `position` counts from entry 1.
            Some(index) => {
                self.put(index.wrapping_add(1), mac, owner);
                Ok(())
            }
            None => Err(RarError::Full),
        }
    }

    fn put(&mut self, index: usize, mac: MacAddr, owner: RarOwner) {
        if let Some(entry) = self.entries.get_mut(index) {
            *entry = Some(Entry { mac, owner });
            self.dirty |= 1 << index;
        }
    }

    fn clear(&mut self, index: usize) {
        if let Some(entry) = self.entries.get_mut(index) {
            if entry.take().is_some() {
                self.dirty |= 1 << index;
            }
        }
    }
}

impl Default for RarTable {
    fn default() -> Self {
        Self::new()
    }
}
