// SPDX-License-Identifier: GPL-2.0

//! Contiguous pieces of an arena.

use core::ptr::NonNull;

use kernel::{
    prelude::*,
    sync::Arc, //
};

use crate::raw;

use super::{
    arena::Place,
    block::MAX_LEN,
    Arena,
    Iova, //
};

/// Contiguous memory shared with the device; made by [`Arena::region`].
///
/// The device may read and write it at any time, so there is never a reference to its bytes: data is
/// copied in and out, and is parsed only after it was copied. Dropping returns the memory to the
/// arena; it stays mapped, so the device should have been told before, but can do no harm outside
/// its own memory if it was not. A page that was lent to the stack and is not back yet stays out of
/// use until it is.
///
/// # Invariants
///
/// `kva` points to `len` bytes of `arena` that belong to this region only, mapped at `iova`.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use nic::dma::Region;
///
/// /// The device sees the greeting at `base()`, and whatever it writes there is copied out.
/// fn greet(region: &mut Region<'_>) -> Result<[u8; 5]> {
///     region.write_at(0, b"hello")?;
///     let mut now = [0; 5];
///     region.read_at(0, &mut now)?;
///     Ok(now)
/// }
/// ```
pub struct Region<'bound> {
    kva: NonNull<u8>,
    iova: Iova,
    len: usize,
    place: Place,
    arena: Arc<Arena<'bound>>,
}

// SAFETY: a region is memory with no thread affinity and a reference to an arena that is `Sync`.
unsafe impl Send for Region<'_> {}

// SAFETY: through `&Region` memory is only read, except by users of `ptr_range` in this crate, who
// answer for what they do.
unsafe impl Sync for Region<'_> {}

impl<'bound> Region<'bound> {
    /// The longest region in bytes. Where more is needed, [`super::Slots`] takes several.
    pub const MAX_LEN: usize = MAX_LEN;

    /// # Safety
    ///
    /// `kva` and `iova` must be the addresses of `len` bytes at `place` in `arena`, which nothing
    /// else uses until they are given back.
    pub(super) unsafe fn new(
        arena: Arc<Arena<'bound>>,
        place: Place,
        kva: NonNull<u8>,
        iova: Iova,
        len: usize,
    ) -> Self {
        // INVARIANT: by the safety requirements.
        Self {
            kva,
            iova,
            len,
            place,
            arena,
        }
    }

    /// The length in bytes, a multiple of the page size.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The bus address of the byte at `offset`, `None` outside the region.
    #[inline]
    pub fn iova(&self, offset: usize) -> Option<Iova> {
        // CAST: `usize` is at most 64 bits wide. No overflow: the region lies below 2^64.
        (offset < self.len).then(|| Iova::new(self.iova.to_bits().wrapping_add(offset as u64)))
    }

    /// The bus address of the region.
    #[inline]
    pub fn base(&self) -> Iova {
        self.iova
    }

    /// The arena that owns the memory.
    pub fn arena(&self) -> &Arc<Arena<'bound>> {
        &self.arena
    }

    /// The address of `len` bytes at `offset`, `None` if they are not all in the region.
    ///
    /// Valid as long as the region; the device may access the bytes at any time.
    #[inline]
    pub(crate) fn ptr_range(&self, offset: usize, len: usize) -> Option<NonNull<u8>> {
        if offset > self.len || len > self.len - offset {
            return None;
        }
        // SAFETY: `offset` is within the `len` bytes at `kva` (type invariants).
        Some(unsafe { self.kva.add(offset) })
    }

    /// Copies `data` to `offset`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it does not fit; nothing is written then.
    #[inline]
    pub fn write_at(&mut self, offset: usize, data: &[u8]) -> Result {
        let to = self.ptr_range(offset, data.len()).ok_or(EINVAL)?;
        // SAFETY: `to` is valid for `data.len()` bytes of this region, which `data`, being
        // ordinary memory, does not overlap; `&mut self` excludes other writers on a CPU.
        unsafe { core::ptr::copy_nonoverlapping(data.as_ptr(), to.as_ptr(), data.len()) };
        Ok(())
    }

    /// Copies from `offset` into `data`, byte by byte: for small pieces, as headers and status are.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it reaches beyond the region; nothing is copied then.
    #[inline]
    pub fn read_at(&self, offset: usize, data: &mut [u8]) -> Result {
        let from = self.ptr_range(offset, data.len()).ok_or(EINVAL)?;
        for (i, byte) in data.iter_mut().enumerate() {
            // SAFETY: `from` is valid for `data.len()` bytes. The device may change them meanwhile:
            // they are looked at only in `data`.
            *byte = unsafe { from.add(i).read_volatile() };
        }
        Ok(())
    }

    /// As [`Self::read_at`], `8 * N` bytes in words, for few of them: moves, no call of `memcpy`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if they are not all in the region, or `offset` is no multiple of 8.
    #[inline(always)]
    pub fn read_words<const N: usize>(&self, offset: usize, words: &mut [u64; N]) -> Result {
        let from = self.ptr_range(offset, N * 8).ok_or(EINVAL)?.cast::<u64>();
        if !from.is_aligned() {
            return Err(EINVAL);
        }
        for (i, word) in words.iter_mut().enumerate() {
            // SAFETY: `from` is valid for `N` words and aligned. The device may change them
            // meanwhile: they are looked at only in the copy.
            *word = unsafe { from.add(i).read_volatile() };
        }
        Ok(())
    }

    /// Whether its pages can be lent ([`crate::net::Poll::lend`]): those of [`super::Access::RxPayload`]
    /// in a private domain, which the device may write to but not read.
    #[inline]
    pub fn is_lendable(&self) -> bool {
        self.place.lendable
    }

    /// Whether nobody has been lent the page of the byte at `offset`, or has given it back, and may
    /// so not see what the device writes there next. `false` outside the region and where pages
    /// cannot be lent.
    #[inline]
    pub fn is_sole(&self, offset: usize) -> bool {
        match self.ptr_range(offset, 1) {
            // SAFETY: the page is one of a lendable block's, with a count of its own.
            Some(at) if self.place.lendable => unsafe { raw::nic_page_is_sole(at.as_ptr().cast()) },
            _ => false,
        }
    }
}

impl Drop for Region<'_> {
    fn drop(&mut self) {
        self.arena.give_back(&self.place);
    }
}
