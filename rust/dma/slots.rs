// SPDX-License-Identifier: GPL-2.0

//! Buffers of equal size for the entries of a ring.

use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    sync::Arc, //
};

use super::{
    arena::Growth,
    Access,
    Arena,
    Iova,
    Region, //
};

/// The smallest region that is mapped before giving up for lack of contiguous memory.
const LEAST_REGION: usize = 64 << 10;

/// `count` buffers of `size` bytes, in as few regions as possible.
///
/// A buffer is contiguous; adjacent ones may not be.
///
/// # Invariants
///
/// Each region holds `1 << region_shift` buffers of `1 << size_shift` bytes, and there are enough of
/// them for `count`.
///
/// # Examples
///
/// ```
/// use kernel::{prelude::*, sync::Arc};
/// use nic::dma::{Access, Arena, Slots};
///
/// fn buffers<'bound>(arena: &Arc<Arena<'bound>>) -> Result<Slots<'bound>> {
///     let slots = Slots::new(arena, Access::RxPayload, 256, 2048)?;
///     // What a device says about a packet is checked against the buffer it had.
///     assert!(slots.at(0, 2048).is_some());
///     assert!(slots.at(0, 2049).is_none() && slots.at(256, 1).is_none());
///     Ok(slots)
/// }
/// ```
pub struct Slots<'bound> {
    regions: KVec<Region<'bound>>,
    count: usize,
    size_shift: u32,
    region_shift: u32,
}

impl<'bound> Slots<'bound> {
    /// `count` zeroed buffers of `size` bytes, `size` a power of two and their alignment. May sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `count` is zero, or `size` not a power of two from 64 to [`Region::MAX_LEN`];
    /// otherwise as [`Arena::region`]. Nothing is kept then.
    pub fn new(
        arena: &Arc<Arena<'bound>>,
        access: Access,
        count: usize,
        size: usize,
    ) -> Result<Self> {
        if count == 0 || !size.is_power_of_two() || !(64..=Region::MAX_LEN).contains(&size) {
            return Err(EINVAL);
        }
        let bytes = count
            .checked_mul(size)
            .and_then(usize::checked_next_power_of_two)
            .ok_or(EINVAL)?;
        let most = bytes.min(Region::MAX_LEN);
        // First what the arena has, down to single pages: otherwise a few that the stack still holds would cost as
        // much again each time that a queue starts.
        for (growth, least) in [(Growth::No, PAGE_SIZE), (Growth::Yes, LEAST_REGION)] {
            let least = least.max(size);
            let mut len = most;
            loop {
                match Self::with_regions(arena, access, count, size, len, growth) {
                    Err(error) if error == ENOMEM && len / 2 >= least => len /= 2,
                    Err(error) if error == ENOMEM && growth == Growth::No => break,
                    other => return other,
                }
            }
        }
        Err(ENOMEM)
    }

    /// In regions of `len` bytes, a power of two and at least `size`.
    fn with_regions(
        arena: &Arc<Arena<'bound>>,
        access: Access,
        count: usize,
        size: usize,
        len: usize,
        growth: Growth,
    ) -> Result<Self> {
        let region_shift = (len / size).trailing_zeros();
        let needed = count.div_ceil(1 << region_shift);
        let mut regions = KVec::with_capacity(needed, GFP_KERNEL)?;
        for _ in 0..needed {
            let region = arena.region_with(access, len, size, growth)?;
            regions.push(region, GFP_KERNEL)?;
        }
        // INVARIANT: as counted above.
        Ok(Self {
            regions,
            count,
            size_shift: size.trailing_zeros(),
            region_shift,
        })
    }

    /// The number of buffers.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Bytes of one buffer.
    #[inline]
    pub fn size(&self) -> usize {
        1usize.wrapping_shl(self.size_shift)
    }

    /// Region of buffer `index` and the buffer's offset in it.
    #[inline]
    fn locate(&self, index: usize) -> Option<(usize, usize)> {
        // The shifts are below 64: no wrapping takes place, and no overflow check either.
        let region = index.wrapping_shr(self.region_shift);
        let within = index.wrapping_sub(region.wrapping_shl(self.region_shift));
        (index < self.count).then_some((region, within.wrapping_shl(self.size_shift)))
    }

    /// The bus address of buffer `index`, `None` if there is no such buffer.
    #[inline]
    pub fn iova(&self, index: usize) -> Option<Iova> {
        let (region, offset) = self.locate(index)?;
        self.regions.get(region)?.iova(offset)
    }

    /// Whether buffer `index` may be offered to the device: nothing on its page is lent. `false` where
    /// pages cannot be lent, as [`Region::is_sole`].
    #[inline]
    pub fn is_sole(&self, index: usize) -> bool {
        self.locate(index).is_some_and(|(region, offset)| {
            let region = self.regions.get(region);
            region.is_some_and(|region| region.is_sole(offset))
        })
    }

    /// The region of buffer `index` and the buffer's offset in it, `None` if there is no such buffer
    /// or it is shorter than `len`: a length that the device reports is checked here.
    #[inline]
    pub fn at(&self, index: usize, len: usize) -> Option<(&Region<'bound>, usize)> {
        if len > self.size() {
            return None;
        }
        let (region, offset) = self.locate(index)?;
        Some((self.regions.get(region)?, offset))
    }
}
