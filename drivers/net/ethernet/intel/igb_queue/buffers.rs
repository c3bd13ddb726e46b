// SPDX-License-Identifier: GPL-2.0

//! Receive buffers: one for each slot of the ring, and some to take the places of those that are lent
//! to the stack.

use igb_common::ring::RingSize;
use kernel::{
    prelude::*,
    sync::Arc, //
};
use nic::dma::{
    Access,
    Arena,
    Iova,
    Kind,
    Region,
    Slots, //
};

/// Receive buffers of all pairs of a function, 2 KiB each, with rings of the default size: 4 MiB.
const BUFFERS: u16 = 2048;
/// Most of them for one pair. A stream in full flight keeps the stack busy with some hundred.
const MAX_BUFFERS: u16 = 1024;
/// Least spares where the user wants larger rings.
const SPARES_OF_LARGE: u16 = 256;

/// Buffers beside those in the ring, for each of `pairs`.
fn spares(pairs: u8, size: u16) -> u16 {
    let share = BUFFERS.checked_div(pairs.into()).unwrap_or(BUFFERS);
    let spares = share.min(MAX_BUFFERS).saturating_sub(size);
    if size > RingSize::DEFAULT.get() {
        spares.max(SPARES_OF_LARGE)
    } else {
        spares
    }
}

/// The buffers of a receive queue.
pub(crate) struct Buffers<'bound> {
    memory: Slots<'bound>,
    /// The buffer in each slot of the ring.
    placed: KVec<u16>,
    /// Buffers in no slot. Each of them was lent last, or never, and may be back.
    spares: KVec<u16>,
    /// Of these, the one away for longest.
    oldest: usize,
}

impl<'bound> Buffers<'bound> {
    /// Takes buffers of `bytes` for a ring of `size`, one of `pairs`. May sleep.
    ///
    /// Errors: as [`Arena::region`].
    pub(crate) fn new(
        arena: &Arc<Arena<'bound>>,
        pairs: u8,
        size: RingSize,
        bytes: usize,
    ) -> Result<Self> {
        let size = size.get();
        // Only pages behind a private domain can be lent.
        let spares = match arena.protection().kind() {
            Kind::Private => spares(pairs, size),
            _ => 0,
        };
        let count = size.saturating_add(spares);
        let numbers = |range: core::ops::Range<u16>| -> Result<KVec<u16>> {
            let mut numbers = KVec::with_capacity(range.len(), GFP_KERNEL)?;
            for number in range {
                numbers.push(number, GFP_KERNEL)?;
            }
            Ok(numbers)
        };
        Ok(Self {
            memory: Slots::new(arena, Access::RxPayload, count.into(), bytes)?,
            placed: numbers(0..size)?,
            spares: numbers(size..count)?,
            oldest: 0,
        })
    }

    #[inline]
    fn number(&self, slot: u16) -> Option<usize> {
        self.placed.get(usize::from(slot)).map(|&n| usize::from(n))
    }

    /// The bus address of the buffer in `slot`.
    #[inline]
    pub(crate) fn iova(&self, slot: u16) -> Option<Iova> {
        self.memory.iova(self.number(slot)?)
    }

    /// Region and offset of the buffer in `slot`; `None` also if it is shorter than `len`.
    #[inline]
    pub(crate) fn at(&self, slot: u16, len: usize) -> Option<(&Region<'bound>, usize)> {
        self.memory.at(self.number(slot)?, len)
    }

    /// Whether the next `count` calls of [`Self::replace`] have a buffer to put in place. If not,
    /// other spares are looked at the next time: one that is away for long blocks nothing.
    #[inline]
    pub(crate) fn can_replace(&mut self, count: u16) -> bool {
        if usize::from(count) > self.spares.len() {
            return false;
        }
        let mut at = self.oldest;
        for _ in 0..count {
            let spare = self.spares.get(at).map(|&n| usize::from(n));
            let back = spare.is_some_and(|number| self.memory.is_sole(number));
            at = self.after(at);
            if !back {
                self.oldest = at;
                return false;
            }
        }
        true
    }

    /// Puts the oldest spare into `slot`, and what was there, lent now, behind the other spares.
    #[inline]
    pub(crate) fn replace(&mut self, slot: u16) {
        let place = self.placed.get_mut(usize::from(slot));
        if let Some((placed, spare)) = place.zip(self.spares.get_mut(self.oldest)) {
            core::mem::swap(placed, spare);
        }
        self.oldest = self.after(self.oldest);
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        let next = at.wrapping_add(1);
        if next < self.spares.len() {
            next
        } else {
            0
        }
    }
}
