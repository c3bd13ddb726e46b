// SPDX-License-Identifier: GPL-2.0

//! Blocks: what an arena allocates and maps in one piece, and hands out by the page.

use core::ptr::NonNull;

use kernel::{
    device::Bound,
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    pci,
    prelude::*, //
};

use super::Iova;
use crate::{
    iommu::{
        Domain,
        Permission, //
    },
    raw,
    sys, //
};

/// The largest block: a huge page, so that one entry of an IOMMU's TLB covers it.
pub(super) const MAX_LEN: usize = 2 << 20;
const MAX_PAGES: usize = MAX_LEN >> PAGE_SHIFT;
const WORDS: usize = MAX_PAGES.div_ceil(u64::BITS as usize);

/// A set of pages of a block.
#[derive(Clone, Copy)]
struct Pages([u64; WORDS]);

impl Pages {
    const EMPTY: Self = Self([0; WORDS]);

    /// Word and bit of `page`; pages beyond the block map to its last word and never occur.
    fn locate(page: usize) -> (usize, u64) {
        let word = (page / u64::BITS as usize).min(WORDS - 1);
        (word, 1 << (page % u64::BITS as usize))
    }

    fn contains(&self, page: usize) -> bool {
        let (word, bit) = Self::locate(page);
        self.0[word] & bit != 0
    }

    fn insert(&mut self, page: usize) {
        let (word, bit) = Self::locate(page);
        self.0[word] |= bit;
    }

    fn remove(&mut self, page: usize) {
        let (word, bit) = Self::locate(page);
        self.0[word] &= !bit;
    }

    fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

/// How blocks become reachable for the device.
pub(super) enum Mapper<'bound> {
    /// Pages of the page allocator, mapped in a domain of the function's own.
    Private(Domain<'bound>),
    /// Coherent memory of the DMA API: readable and writable for the device, whatever the pool.
    DmaApi,
}

/// Free pages that [`Block::take`] handed out.
pub(super) struct Taken {
    /// Number of the first page in the block.
    pub(super) first: usize,
    pub(super) kva: NonNull<u8>,
    pub(super) iova: Iova,
}

/// A block of memory that the device can reach.
///
/// Not freed on drop: only [`Block::release`] knows that the device has let go.
///
/// # Invariants
///
/// - `kva` points to `len` bytes, allocated and mapped at `iova` by the [`Mapper`] of the arena that
///   owns the block; both are aligned to `PAGE_SIZE`, and `len` is a multiple of it and at most
///   [`MAX_LEN`].
/// - A page in `used` belongs to exactly one region.
/// - With `lendable` each page has a reference count of its own, of which the block has one.
pub(super) struct Block {
    kva: NonNull<u8>,
    iova: Iova,
    len: usize,
    /// Pages can be lent: others may hold references to them.
    lendable: bool,
    /// Page size of the IOMMU that the mapping allows; 0 where the DMA API maps.
    page_size: usize,
    used: Pages,
    /// Pages that were handed out before, and so need scrubbing before they are again.
    dirty: Pages,
}

// SAFETY: a block is memory with no thread affinity; its pointer is used under the arena's rules.
unsafe impl Send for Block {}

impl Block {
    /// Allocates zeroed memory of `len` bytes (a power of two from `PAGE_SIZE` to [`MAX_LEN`]) and
    /// maps it: in a private domain at `at`, a multiple of `len`, otherwise where the DMA API wants it.
    /// May sleep.
    ///
    /// `last`: the caller will not ask for less, so reclaim and compact before giving up.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, `ENOSPC` if there is no `at` in a private domain, or what mapping returns. Nothing is
    /// allocated or mapped then.
    pub(super) fn new(
        mapper: &Mapper<'_>,
        dev: &pci::Device<Bound>,
        at: Option<u64>,
        len: usize,
        permission: Permission,
        last: bool,
    ) -> Result<Self> {
        // SAFETY: `dev` is a valid device.
        let raw_dev = unsafe { &raw mut (*sys::pci_dev(dev)).dev };
        let (kva, iova, page_size, lendable) = match mapper {
            Mapper::Private(domain) => {
                let iova = Iova::new(at.ok_or(ENOSPC)?);
                let order = len.trailing_zeros().saturating_sub(PAGE_SHIFT as u32);
                // SAFETY: `raw_dev` is a valid device.
                let node = unsafe { raw::nic_dev_to_node(raw_dev) };
                // SAFETY: may sleep here; the order is below the page allocator's limit.
                let page = unsafe { raw::nic_alloc_pages(node, order, last) };
                if page.is_null() {
                    return Err(ENOMEM);
                }
                let mapped = map(domain, page, iova, len, permission);
                if mapped.is_err() {
                    // SAFETY: allocated above with this order, not mapped, not shared.
                    unsafe { raw::nic_put_pages(raw::nic_page_address(page), order) };
                }
                let (kva, page_size) = mapped?;
                // Never what the device reads: whoever borrows a page may write to it.
                (kva, iova, page_size, permission == Permission::Write)
            }
            Mapper::DmaApi => {
                let mut handle = 0;
                // SAFETY: `raw_dev` is a valid device bound to the driver, whose DMA mask is set.
                let kva = unsafe { raw::nic_dma_alloc(raw_dev, len, &mut handle, last) };
                let kva = NonNull::new(kva.cast()).ok_or(ENOMEM)?;
                (kva, Iova::new(handle), 0, false)
            }
        };
        // INVARIANT: allocated and mapped above; no page is in use. Pages for a private domain are
        // counted one by one.
        Ok(Self {
            kva,
            iova,
            len,
            lendable,
            page_size,
            used: Pages::EMPTY,
            dirty: Pages::EMPTY,
        })
    }

    pub(super) fn iova(&self) -> Iova {
        self.iova
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn page_size(&self) -> usize {
        self.page_size
    }

    pub(super) fn lendable(&self) -> bool {
        self.lendable
    }

    pub(super) fn used_bytes(&self) -> usize {
        self.used.len() << PAGE_SHIFT
    }

    /// Whether somebody else has `page`: a region, or the stack still, to which a region lent it.
    fn is_taken(&self, page: usize) -> bool {
        if self.used.contains(page) || !self.lendable {
            return self.used.contains(page);
        }
        // SAFETY: callers stay within the block, and a lendable one's pages have counts of their own
        // (type invariants).
        !unsafe { raw::nic_page_is_sole(self.kva.add(page << PAGE_SHIFT).as_ptr().cast()) }
    }

    /// Takes `pages` adjacent free pages, the first a multiple of `align` (in pages, not 0). They
    /// read zero.
    pub(super) fn take(&mut self, pages: usize, align: usize) -> Option<Taken> {
        let first = self.find(pages, align)?;
        for page in first..first + pages {
            self.used.insert(page);
            if self.dirty.contains(page) {
                // SAFETY: the page lies in the block (type invariants) and belongs to no region.
                // Should the device still write to it, it does so to memory of its own.
                unsafe { self.kva.add(page << PAGE_SHIFT).write_bytes(0, PAGE_SIZE) };
            }
            self.dirty.insert(page);
        }
        // SAFETY: `find` stays within the block.
        let kva = unsafe { self.kva.add(first << PAGE_SHIFT) };
        let iova = Iova::new(self.iova.to_bits() + (first << PAGE_SHIFT) as u64);
        Some(Taken { first, kva, iova })
    }

    /// Gives back what [`Block::take`] returned.
    pub(super) fn give_back(&mut self, first: usize, pages: usize) {
        for page in first..first + pages {
            self.used.remove(page);
        }
    }

    fn find(&self, pages: usize, align: usize) -> Option<usize> {
        let end = self.len >> PAGE_SHIFT;
        let mut first = 0;
        while pages <= end && first <= end - pages {
            let taken = (first..first + pages)
                .rev()
                .find(|&page| self.is_taken(page));
            match taken {
                None => return Some(first),
                Some(taken) => first = (taken + 1).next_multiple_of(align),
            }
        }
        None
    }

    /// Unmaps and frees the block; returns the bytes that could not be unmapped.
    ///
    /// Such memory is not freed: a device that still reaches it must not reach somebody else's data.
    ///
    /// # Safety
    ///
    /// - `mapper` and `dev` must be those the block was made with.
    /// - No region may refer to the block.
    /// - With [`Mapper::DmaApi`] the device must have stopped DMA.
    pub(super) unsafe fn release(self, mapper: &Mapper<'_>, dev: &pci::Device<Bound>) -> usize {
        match mapper {
            Mapper::Private(domain) => {
                let unmapped = domain.unmap(self.iova, self.len);
                if unmapped != self.len {
                    return self.len.saturating_sub(unmapped);
                }
                let order = self.len.trailing_zeros().saturating_sub(PAGE_SHIFT as u32);
                // SAFETY: `kva` is in the direct map and starts the pages of this order that `new`
                // allocated; the device cannot reach them any more. Those that the stack still
                // holds are freed when it lets go.
                unsafe { raw::nic_put_pages(self.kva.as_ptr().cast(), order) };
            }
            Mapper::DmaApi => {
                // SAFETY: allocated by `new` with the same device, length and handle.
                unsafe {
                    raw::dma_free_attrs(
                        &raw mut (*sys::pci_dev(dev)).dev,
                        self.len,
                        self.kva.as_ptr().cast(),
                        self.iova.to_bits(),
                        0,
                    )
                };
            }
        }
        0
    }
}

/// Maps fresh pages at `iova`, which is naturally aligned like them, so that the largest page size
/// that fits is used; returns their address and that size.
fn map(
    domain: &Domain<'_>,
    page: *mut raw::page,
    iova: Iova,
    len: usize,
    permission: Permission,
) -> Result<(NonNull<u8>, usize)> {
    // SAFETY: `page` is a valid page of the direct map.
    let (kva, phys) = unsafe { (raw::nic_page_address(page), raw::nic_page_to_phys(page)) };
    let kva = NonNull::new(kva.cast()).ok_or(ENOMEM)?;
    // SAFETY: the pages are this function's until it returns; afterwards they are freed only after
    // `Domain::unmap`, or at once if this fails. They are bytes that nothing else interprets.
    unsafe { domain.map(iova, phys, len, permission)? };
    // Memory and address are multiples of `len`, a power of two.
    let fitting = domain.page_sizes() & (len | (len - 1));
    let page_size = fitting.checked_ilog2().map_or(0, |shift| 1 << shift);
    Ok((kva, page_size))
}
