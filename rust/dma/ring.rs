// SPDX-License-Identifier: GPL-2.0

//! Descriptor rings.

use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

use kernel::{
    prelude::*,
    sync::{
        barrier::{
            dma_mb,
            Read,
            Write, //
        },
        Arc, //
    }, //
};

use super::{
    Access,
    Arena,
    Iova,
    Region, //
};

/// Bytes of a descriptor.
const SIZE: usize = 16;

/// A descriptor of 16 bytes, as two 64-bit words in CPU byte order; in memory they are little-endian.
///
/// # Examples
///
/// ```
/// use nic::dma::Descriptor;
///
/// #[derive(Clone, Copy)]
/// struct Word([u64; 2]);
///
/// impl Descriptor for Word {
///     fn to_words(self) -> [u64; 2] {
///         self.0
///     }
///
///     fn from_words(words: [u64; 2]) -> Self {
///         Self(words)
///     }
///
///     fn is_done(word1: u64) -> bool {
///         word1 & 1 != 0
///     }
/// }
/// ```
pub trait Descriptor: Copy {
    /// The words the device is to see.
    fn to_words(self) -> [u64; 2];

    /// The descriptor that the device wrote back as `words`. Every value is possible.
    fn from_words(words: [u64; 2]) -> Self;

    /// Whether a second word of `word1` says that the device is done with the descriptor.
    fn is_done(word1: u64) -> bool;
}

/// A ring of descriptors shared with the device.
///
/// Methods take `&self`: the device reads and writes the memory at any time anyway, and a
/// descriptor is accessed word by word with volatile accesses. Callers decide who owns which
/// descriptor.
///
/// # Invariants
///
/// `base` points to `mask + 1` descriptors of 16 bytes in `region`; `mask + 1` is a power of two and
/// at least `len`.
pub struct DescriptorRing<'bound, D: Descriptor> {
    base: NonNull<u64>,
    mask: u32,
    len: u32,
    region: Region<'bound>,
    _descriptor: PhantomData<fn(D) -> D>,
}

// SAFETY: the ring is a region, which is `Send`, and a pointer into it.
unsafe impl<D: Descriptor> Send for DescriptorRing<'_, D> {}

// SAFETY: all accesses through `&DescriptorRing` are volatile accesses of whole, aligned words.
unsafe impl<D: Descriptor> Sync for DescriptorRing<'_, D> {}

impl<'bound, D: Descriptor> DescriptorRing<'bound, D> {
    /// The most descriptors a ring can have.
    pub const MAX_LEN: u32 = (Region::MAX_LEN / SIZE) as u32;

    /// A ring of `len` zeroed descriptors from `arena`. May sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `len` is zero, above [`Self::MAX_LEN`] or not a multiple of 8 (a cache line of 128
    /// bytes, which is what the hardware counts ring lengths in); otherwise as [`Arena::region`].
    pub fn new(arena: &Arc<Arena<'bound>>, len: u32) -> Result<Self> {
        if len == 0 || len > Self::MAX_LEN || len % 8 != 0 {
            return Err(EINVAL);
        }
        // A power of two in memory, so that a mask keeps every index inside, whatever the length.
        let slots = len.next_power_of_two();
        let region = arena.region(Access::Ring, slots as usize * SIZE, 128)?;
        let base = region.ptr_range(0, slots as usize * SIZE).ok_or(EINVAL)?;
        // INVARIANT: `ptr_range` checked that the region has `slots` descriptors.
        Ok(Self {
            base: base.cast(),
            mask: slots - 1,
            len,
            region,
            _descriptor: PhantomData,
        })
    }

    /// The bus address of the first descriptor, a multiple of the page size.
    #[inline]
    pub fn base(&self) -> Iova {
        self.region.base()
    }

    /// The number of descriptors.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// The words of descriptor `index`. An index beyond the ring gives memory inside it, or after it
    /// where the device does not look.
    #[inline(always)]
    fn slot(&self, index: u32) -> *mut u64 {
        // CAST: `u32` to `usize` widens.
        let word = (index & self.mask) as usize * 2;
        // SAFETY: the masked index is within the `mask + 1` descriptors at `base`.
        unsafe { self.base.as_ptr().add(word) }
    }

    /// Writes descriptor `index`, which must be below [`Self::len`] to be seen by the device.
    ///
    /// The device may look at it from when its tail register is moved, for which [`Self::publish`]
    /// comes first.
    #[inline]
    pub fn write(&self, index: u32, descriptor: D) {
        let [word0, word1] = descriptor.to_words();
        let slot = self.slot(index);
        // SAFETY: `slot` points to two aligned words of the ring.
        unsafe {
            slot.write_volatile(word0.to_le());
            slot.add(1).write_volatile(word1.to_le());
        }
    }

    /// Descriptor `index`, if the device is done with it.
    ///
    /// What the device wrote before it marked the descriptor done, including packet data, can be
    /// read after this returns it.
    #[inline]
    pub fn poll(&self, index: u32) -> Option<D> {
        let slot = self.slot(index);
        // SAFETY: `slot` points to two aligned words of the ring.
        let word1 = u64::from_le(unsafe { slot.add(1).read_volatile() });
        if !D::is_done(word1) {
            return None;
        }
        dma_mb(Read);
        // SAFETY: as above.
        let word0 = u64::from_le(unsafe { slot.read_volatile() });
        Some(D::from_words([word0, word1]))
    }

    /// Makes descriptors and payload written so far visible to the device, before its tail register
    /// is written.
    #[inline]
    pub fn publish(&self) {
        dma_mb(Write);
    }
}
