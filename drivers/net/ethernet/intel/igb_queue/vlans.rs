// SPDX-License-Identifier: GPL-2.0

//! The VLANs a function has asked for, to be looked at for each packet.

use nic::atomic::{
    AtomicU64,
    Ordering::Relaxed, //
};

/// A set of VLAN identifiers that the data path reads without a lock.
pub struct VlanSet([AtomicU64; 64]);

impl VlanSet {
    /// The empty set.
    pub const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; 64])
    }

    /// Whether `vid` is in the set. Any context.
    #[inline]
    pub fn contains(&self, vid: u16) -> bool {
        self.0
            .get(usize::from(vid >> 6))
            .is_some_and(|word| word.load(Relaxed) & Self::bit(vid) != 0)
    }

    /// How many there are in the set.
    pub fn count(&self) -> u32 {
        self.0
            .iter()
            .map(|word| word.load(Relaxed).count_ones())
            .sum()
    }

    /// Puts `vid` into the set or takes it out; above 4095 it does nothing. Any context; callers see
    /// to it that only one changes the set at a time, else a change may be lost.
    pub fn set(&self, vid: u16, member: bool) {
        if let Some(word) = self.0.get(usize::from(vid >> 6)) {
            let others = word.load(Relaxed) & !Self::bit(vid);
            word.store(others | if member { Self::bit(vid) } else { 0 }, Relaxed);
        }
    }

    /// Takes out those of which `keep` does not say that they stay, as [`Self::set`] does.
    pub fn retain(&self, keep: impl Fn(u16) -> bool) {
        for vid in 0..4096 {
            if self.contains(vid) && !keep(vid) {
                self.set(vid, false);
            }
        }
    }

    /// Makes the set what `other` is, as [`Self::set`] does.
    pub fn copy_from(&self, other: &Self) {
        for (word, wanted) in self.0.iter().zip(&other.0) {
            word.store(wanted.load(Relaxed), Relaxed);
        }
    }

    #[inline]
    const fn bit(vid: u16) -> u64 {
        1 << (vid & 63)
    }
}

impl Default for VlanSet {
    fn default() -> Self {
        Self::new()
    }
}
