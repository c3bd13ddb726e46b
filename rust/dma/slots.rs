// SPDX-License-Identifier: GPL-2.0

//! Buffers of equal size for the entries of a ring.

use core::ptr::NonNull;

use kernel::{
    prelude::*,
    sync::Arc, //
};

use super::{
    Access,
    Arena,
    Iova,
    Region, //
};

/// The smallest region that is tried before giving up for lack of contiguous memory.
const LEAST_REGION: usize = 64 << 10;

/// `count` buffers of `size` bytes, in as few regions as possible.
///
/// A buffer is contiguous; adjacent ones may not be.
///
/// # Invariants
///
/// Each region holds `1 << shift` buffers of `size` bytes, and there are enough of them for `count`.
pub struct Slots<'bound> {
    regions: KVec<Region<'bound>>,
    count: usize,
    size: usize,
    shift: u32,
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
        let mut len = bytes.min(Region::MAX_LEN);
        loop {
            match Self::with_regions(arena, access, count, size, len) {
                Err(error) if error == ENOMEM && len / 2 >= LEAST_REGION.max(size) => len /= 2,
                other => return other,
            }
        }
    }

    /// In regions of `len` bytes, a power of two and at least `size`.
    fn with_regions(
        arena: &Arc<Arena<'bound>>,
        access: Access,
        count: usize,
        size: usize,
        len: usize,
    ) -> Result<Self> {
        let shift = (len / size).trailing_zeros();
        let needed = count.div_ceil(1 << shift);
        let mut regions = KVec::with_capacity(needed, GFP_KERNEL)?;
        for _ in 0..needed {
            regions.push(arena.region(access, len, size)?, GFP_KERNEL)?;
        }
        // INVARIANT: as counted above.
        Ok(Self {
            regions,
            count,
            size,
            shift,
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
        self.size
    }

    /// Region of buffer `index` and the buffer's offset in it.
    #[inline]
    fn locate(&self, index: usize) -> Option<(usize, usize)> {
        let within = index & ((1usize << self.shift) - 1);
        (index < self.count).then_some((index >> self.shift, within * self.size))
    }

    /// The bus address of buffer `index`, `None` if there is no such buffer.
    #[inline]
    pub fn iova(&self, index: usize) -> Option<Iova> {
        let (region, offset) = self.locate(index)?;
        self.regions.get(region)?.iova(offset)
    }

    /// The address of `len` bytes at `offset` of buffer `index`, `None` if they are not all in it.
    #[inline]
    pub(crate) fn ptr_range(&self, index: usize, offset: usize, len: usize) -> Option<NonNull<u8>> {
        if offset > self.size || len > self.size - offset {
            return None;
        }
        let (region, start) = self.locate(index)?;
        self.regions.get(region)?.ptr_range(start + offset, len)
    }

    /// Copies `data` to `offset` of buffer `index`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such buffer or `data` does not fit in it; nothing is written then.
    #[inline]
    pub fn write_at(&mut self, index: usize, offset: usize, data: &[u8]) -> Result {
        let to = self.ptr_range(index, offset, data.len()).ok_or(EINVAL)?;
        // SAFETY: `to` is valid for `data.len()` bytes of a region, which `data`, being ordinary
        // memory, does not overlap; `&mut self` excludes other writers on a CPU.
        unsafe { core::ptr::copy_nonoverlapping(data.as_ptr(), to.as_ptr(), data.len()) };
        Ok(())
    }

    /// Copies from `offset` of buffer `index` into `data`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such buffer or `data` is longer than what it has; nothing is copied
    /// then.
    #[inline]
    pub fn read_at(&self, index: usize, offset: usize, data: &mut [u8]) -> Result {
        let from = self.ptr_range(index, offset, data.len()).ok_or(EINVAL)?;
        // SAFETY: `from` is valid for `data.len()` bytes of a region, which `data`, being ordinary
        // memory, does not overlap. The device may change them meanwhile: any bytes are valid.
        unsafe { core::ptr::copy_nonoverlapping(from.as_ptr(), data.as_mut_ptr(), data.len()) };
        Ok(())
    }
}
