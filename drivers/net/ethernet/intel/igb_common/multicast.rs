// SPDX-License-Identifier: GPL-2.0

//! The multicast table array: one bit per hash, shared by the PF and all VFs.

use crate::mac::MacAddr;

/// MTA registers.
pub const MTA_REGISTERS: usize = 128;

/// The 12-bit hash of a multicast address with RCTL.MO = 0: bits 47:36 of the address.
///
/// # Examples
///
/// ```
/// use igb_common::{mac::MacAddr, multicast::hash};
///
/// assert_eq!(hash(MacAddr::new([0x01, 0x00, 0x5e, 0x00, 0x12, 0x34])), 0x341);
/// ```
#[inline]
pub const fn hash(mac: MacAddr) -> u16 {
    let [_, _, _, _, fifth, sixth] = mac.bytes();
    // CAST: widening.
    (fifth as u16 >> 4) | ((sixth as u16) << 4)
}

/// A set of hashes, laid out as the registers are.
#[derive(Clone, Debug)]
pub(crate) struct Hashes([u32; MTA_REGISTERS]);

impl Hashes {
    pub(crate) const EMPTY: Self = Self([0; MTA_REGISTERS]);

    pub(crate) fn insert(&mut self, hash: u16) {
        let (register, bit) = place(hash);
        if let Some(value) = self.0.get_mut(register) {
            *value |= bit;
        }
    }

    pub(crate) fn contains(&self, hash: u16) -> bool {
        let (register, bit) = place(hash);
        self.0.get(register).is_some_and(|value| value & bit != 0)
    }
}

/// The table: what the PF wants, and that together with what the VFs want.
#[derive(Clone, Debug)]
pub struct MulticastTable {
    pf: Hashes,
    wanted: Hashes,
    /// Registers that have to be written, one bit each.
    dirty: u128,
}

impl MulticastTable {
    /// An empty table. The registers are taken to hold anything.
    pub const fn new() -> Self {
        Self {
            pf: Hashes::EMPTY,
            wanted: Hashes::EMPTY,
            dirty: u128::MAX,
        }
    }

    /// Sets the PF's groups. Takes effect with the next [`MulticastTable::rebuild`].
    pub fn set_pf(&mut self, hashes: impl IntoIterator<Item = u16>) {
        self.pf = Hashes::EMPTY;
        hashes.into_iter().for_each(|hash| self.pf.insert(hash));
    }

    /// Makes the table from the PF's groups and `vfs`, the hashes of all VFs.
    pub fn rebuild(&mut self, vfs: impl IntoIterator<Item = u16>) {
        let mut fresh = self.pf.clone();
        vfs.into_iter().for_each(|hash| fresh.insert(hash));
        for (index, (wanted, fresh)) in (0u32..).zip(self.wanted.0.iter_mut().zip(&fresh.0)) {
            if *wanted != *fresh {
                *wanted = *fresh;
                self.dirty |= 1 << (index & 127);
            }
        }
    }

    /// Whether the bit of `hash` is set.
    pub fn contains(&self, hash: u16) -> bool {
        self.wanted.contains(hash)
    }

    /// Calls `write` with index and value of each register that has to be written.
    pub fn flush(&mut self, mut write: impl FnMut(u8, u32)) {
        let dirty = core::mem::take(&mut self.dirty);
        for (index, value) in (0u8..).zip(&self.wanted.0) {
            if dirty & (1 << (index & 127)) != 0 {
                write(index, *value);
            }
        }
    }

    /// The registers hold anything, after a reset: the next flush writes them all.
    pub fn invalidate(&mut self) {
        self.dirty = u128::MAX;
    }
}

impl Default for MulticastTable {
    fn default() -> Self {
        Self::new()
    }
}

#[inline]
const fn place(hash: u16) -> (usize, u32) {
    // CAST: widening.
    (((hash >> 5) & 0x7f) as usize, 1 << (hash & 0x1f))
}
