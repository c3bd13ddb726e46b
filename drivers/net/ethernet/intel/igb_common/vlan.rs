// SPDX-License-Identifier: GPL-2.0

//! VLAN filters: the pool filter (VLVF), shared by all functions, and the VLAN filter table (VFTA).
//!
//! A frame with a VLAN tag gets past VFTA if its VLAN's bit is set, then goes to the pools VLVF names
//! for it, or by address to the default pool (the PF's) if VLVF does not name the VLAN. So
//! the PF's own VLANs need no VLVF entry unless a VF uses the same VLAN.

use crate::layout::{
    Layout,
    POOLS, //
};

/// VLVF registers. Number 0 is for VLAN 0, the others are handed out.
pub const VLVF_ENTRIES: usize = 32;
/// VFTA registers.
pub const VFTA_REGISTERS: usize = 128;
/// VLANs: 0 to 4095.
pub const VLANS: u16 = 4096;

const VLVF_POOL_SHIFT: u32 = 12;
const VLVF_VID: u32 = 0xfff;
const VLVF_ENABLE: u32 = 1 << 31;

/// Why a VLAN could not be entered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VlanError {
    /// All 31 VLVF entries name other VLANs.
    Full,
    /// No such VLAN or pool.
    Invalid,
}

/// A register to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VlanWrite {
    /// VLVF(index).
    Vlvf(u8, u32),
    /// VFTA(index).
    Vfta(u8, u32),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Entry {
    vid: u16,
    /// Pools of VFs; an entry without one is free.
    vfs: u8,
}

impl Entry {
    const FREE: Self = Self { vid: 0, vfs: 0 };
}

/// Both tables.
#[derive(Clone, Debug)]
pub struct VlanTable {
    entries: [Entry; VLVF_ENTRIES],
    /// The VLANs the PF receives.
    pf: [u32; VFTA_REGISTERS],
    /// Whether the PF receives all VLANs.
    pf_all: bool,
    layout: Layout,
    /// What the registers hold, as far as `known`.
    vlvf: [u32; VLVF_ENTRIES],
    vfta: [u32; VFTA_REGISTERS],
    known: bool,
}

impl VlanTable {
    /// Tables with VLAN 0 (priority tags) for the PF, without VFs. The registers are taken to hold
    /// anything.
    pub const fn new() -> Self {
        // VLAN 0 is bit 0 of the first.
        let mut pf = [0; VFTA_REGISTERS];
        pf[0] = 1;
        Self {
            entries: [Entry::FREE; VLVF_ENTRIES],
            pf,
            pf_all: false,
            layout: Layout::WITHOUT_VFS,
            vlvf: [0; VLVF_ENTRIES],
            vfta: [0; VFTA_REGISTERS],
            known: false,
        }
    }

    /// Divides the tables anew: the VFs' VLANs go, the PF's stay.
    pub fn set_layout(&mut self, layout: Layout) {
        self.layout = layout;
        self.entries = [Entry::FREE; VLVF_ENTRIES];
    }

    /// The division the tables were last given.
    #[inline]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// Adds VLAN `vid` for VF `vf`, or does nothing if it has it.
    ///
    /// # Errors
    ///
    /// [`VlanError::Full`], [`VlanError::Invalid`]; nothing is changed then.
    pub fn add(&mut self, vf: u8, vid: u16) -> Result<(), VlanError> {
        if vf >= self.layout.vfs() || vid >= VLANS {
            return Err(VlanError::Invalid);
        }
        let index = match self.find(vid) {
            Some(index) => index,
            None => self.find_free().ok_or(VlanError::Full)?,
        };
        if let Some(entry) = self.entries.get_mut(index) {
            entry.vid = vid;
            entry.vfs |= 1 << (vf & 7);
        }
        Ok(())
    }

    /// Removes VLAN `vid` for VF `vf`; other users keep it.
    pub fn remove(&mut self, vf: u8, vid: u16) {
        if let Some(entry) = self.find(vid).and_then(|index| self.entries.get_mut(index)) {
            entry.leave(vf);
        }
    }

    /// Removes all VLANs of VF `vf` except `keep`.
    pub fn retain(&mut self, vf: u8, keep: Option<u16>) {
        for entry in &mut self.entries {
            if Some(entry.vid) != keep {
                entry.leave(vf);
            }
        }
    }

    /// Whether VF `vf` has VLAN `vid`.
    pub fn contains(&self, vf: u8, vid: u16) -> bool {
        self.find(vid)
            .and_then(|index| self.entries.get(index))
            .is_some_and(|entry| entry.has(vf))
    }

    /// The VLANs of VF `vf`, VLAN 0 not counted.
    pub fn of_vf(&self, vf: u8) -> impl Iterator<Item = u16> + '_ {
        self.entries
            .iter()
            .filter(move |entry| entry.vid != 0 && entry.has(vf))
            .map(|entry| entry.vid)
    }

    /// How many VLANs a VF may have so that every VF can have as many at once, and an entry is left for
    /// the administrator's VLAN of a VF, which comes before the VF's own go.
    pub const fn fair_share(layout: Layout) -> usize {
        // CAST: widening.
        let vfs = layout.vfs() as usize;
        match (VLVF_ENTRIES - 2).checked_div(vfs) {
            Some(share) => share,
            None => 0,
        }
    }

    /// The PF receives VLAN `vid` or stops it. VLANs above 4095 are passed over.
    pub fn set_pf(&mut self, vid: u16, receive: bool) {
        let (register, bit) = place(vid);
        if let Some(value) = self.pf.get_mut(register) {
            if receive {
                *value |= bit;
            } else {
                *value &= !bit;
            }
        }
    }

    /// The PF receives no more VLANs than those of which `keep` says so, and VLAN 0 if it did.
    pub fn retain_pf(&mut self, keep: impl Fn(u16) -> bool) {
        for vid in 1..VLANS {
            if self.pf_contains(vid) && !keep(vid) {
                self.set_pf(vid, false);
            }
        }
    }

    /// Whether the PF receives VLAN `vid`.
    pub fn pf_contains(&self, vid: u16) -> bool {
        let (register, bit) = place(vid);
        self.pf.get(register).is_some_and(|value| value & bit != 0)
    }

    /// The PF receives all VLANs (promiscuous), or again those of its list.
    pub fn set_pf_all(&mut self, all: bool) {
        self.pf_all = all;
    }

    /// Calls `write` for each register that has to be written, in an order in which no frame reaches
    /// a pool it is not for: a VLAN's VFTA bit is set only while its VLVF entry stands.
    pub fn flush(&mut self, mut write: impl FnMut(VlanWrite)) {
        let mut wanted = [0; VFTA_REGISTERS];
        self.wanted_vfta(&mut wanted);

        if self.known {
            self.hide_moving(&mut write);
        }
        for (index, (held, want)) in (0u8..).zip(self.vfta.iter_mut().zip(&wanted)) {
            let keep = if self.known { *held & *want } else { 0 };
            if !self.known || keep != *held {
                write(VlanWrite::Vfta(index, keep));
                *held = keep;
            }
        }
        for (index, entry) in (0u8..).zip(&self.entries) {
            let want = self.vlvf_value(index, *entry);
            if let Some(held) = self.vlvf.get_mut(usize::from(index)) {
                if !self.known || want != *held {
                    write(VlanWrite::Vlvf(index, want));
                    *held = want;
                }
            }
        }
        for (index, (held, want)) in (0u8..).zip(self.vfta.iter_mut().zip(&wanted)) {
            if *want != *held {
                write(VlanWrite::Vfta(index, *want));
                *held = *want;
            }
        }
        self.known = true;
    }

    /// Clears the VFTA bits of VLANs whose VLVF register is about to name another VLAN. They may be
    /// named by a register written later, and would go to the default pool until then.
    fn hide_moving(&mut self, write: &mut impl FnMut(VlanWrite)) {
        for (index, (held, entry)) in (0u8..).zip(self.vlvf.iter().zip(&self.entries)) {
            let want = self.vlvf_value(index, *entry);
            if held & VLVF_ENABLE == 0 || (want ^ held) & (VLVF_ENABLE | VLVF_VID) == 0 {
                continue;
            }
            // CAST: 12 bits, then 7.
            let (register, bit) = place((held & VLVF_VID) as u16);
            if let Some(vfta) = self.vfta.get_mut(register).filter(|vfta| **vfta & bit != 0) {
                *vfta &= !bit;
                write(VlanWrite::Vfta(register as u8, *vfta));
            }
        }
    }

    /// The registers hold anything, after a reset: the next flush writes them all.
    pub fn invalidate(&mut self) {
        self.known = false;
    }

    fn wanted_vfta(&self, wanted: &mut [u32; VFTA_REGISTERS]) {
        if self.pf_all {
            *wanted = [u32::MAX; VFTA_REGISTERS];
            return;
        }
        *wanted = self.pf;
        for entry in self.entries.iter().filter(|entry| entry.vfs != 0) {
            let (register, bit) = place(entry.vid);
            if let Some(value) = wanted.get_mut(register) {
                *value |= bit;
            }
        }
    }

    fn vlvf_value(&self, index: u8, entry: Entry) -> u32 {
        // Entry 0 is VLAN 0's even when free.
        if entry.vfs == 0 && !(index == 0 && self.layout.has_vfs()) {
            return 0;
        }
        let pf = self.pf_all || self.pf_contains(entry.vid);
        let pools = u32::from(entry.vfs) | (u32::from(pf) << (self.layout.pf_pool() & 7));
        if pools == 0 {
            return 0;
        }
        u32::from(entry.vid) | (pools << VLVF_POOL_SHIFT) | VLVF_ENABLE
    }

    /// Index of the entry of `vid`, which may have no users if it is 0.
    fn find(&self, vid: u16) -> Option<usize> {
        if vid == 0 {
            return Some(0);
        }
        self.entries
            .iter()
            .position(|entry| entry.vid == vid && entry.vfs != 0)
    }

    fn find_free(&self) -> Option<usize> {
        // From 1: entry 0 is VLAN 0's.
        self.entries
            .iter()
            .skip(1)
            .position(|entry| entry.vfs == 0)
            .map(|index| index.wrapping_add(1))
    }
}

impl Default for VlanTable {
    fn default() -> Self {
        Self::new()
    }
}

impl Entry {
    fn has(&self, vf: u8) -> bool {
        vf < POOLS && self.vfs & (1 << vf) != 0
    }

    fn leave(&mut self, vf: u8) {
        if self.has(vf) {
            self.vfs &= !(1 << (vf & 7));
            if self.vfs == 0 {
                *self = Self::FREE;
            }
        }
    }
}

#[inline]
const fn place(vid: u16) -> (usize, u32) {
    // CAST: widening.
    ((vid >> 5) as usize, 1 << (vid & 0x1f))
}
