// SPDX-License-Identifier: GPL-2.0

//! The memory of one PCI function.

use kernel::{
    device::{
        Bound,
        DeviceContext, //
    },
    new_mutex,
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    pci,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};

use super::{
    block::{
        Block,
        Mapper,
        Taken,
        MAX_LEN, //
    },
    status::{
        self,
        Kind,
        Protection,
        Range,
        Status, //
    },
    Region, //
};
use crate::{
    iommu::{
        Domain,
        Permission,
        Refusal, //
    },
    pci::{
        MemoryClaim,
        Scope, //
    }, //
};

/// Address space of a pool in a private domain, and the alignment of its base. Pools keep a
/// distance, so that a device that runs over the end of one faults instead of hitting the next.
const POOL_SPAN: u64 = 1 << 30;

/// What a region is for, and thereby what the device may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Descriptor rings: the device reads and writes.
    Ring,
    /// Packets to send: the device only reads.
    TxPayload,
    /// Buffers for received packets: the device only writes.
    RxPayload,
}

impl Access {
    /// Every pool, in the order of their addresses.
    pub(super) const ALL: [Self; 3] = [Self::Ring, Self::TxPayload, Self::RxPayload];

    /// The permission in a private domain.
    pub(super) fn permission(self) -> Permission {
        match self {
            Self::Ring => Permission::ReadWrite,
            Self::TxPayload => Permission::Read,
            Self::RxPayload => Permission::Write,
        }
    }

    /// The name used in a status.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ring => "ring",
            Self::TxPayload => "tx",
            Self::RxPayload => "rx",
        }
    }

    /// By how much a pool grows at least.
    ///
    /// Payload comes in huge pages where a huge page saves IOMMU TLB entries: the buffers of a
    /// queue take half a megabyte to two, and the next queue's fill up the same block. Rings are small, and
    /// so is everything where no IOMMU translates.
    fn growth(self, kind: Kind) -> usize {
        match (self, kind) {
            (Self::Ring, _) | (_, Kind::None) => 64 << 10,
            _ => MAX_LEN,
        }
    }
}

/// Which way an arena's memory is mapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backing {
    /// A private domain where the device can have one, otherwise the DMA API. Lack of memory for one
    /// is an error: protection does not depend on how much memory was free at the time.
    #[default]
    Auto,
    /// A private domain or nothing.
    Domain,
    /// The DMA API.
    DmaApi,
}

impl Backing {
    /// What the value of a driver's module parameter `dma` asks for.
    ///
    /// # Errors
    ///
    /// `EINVAL` for an unknown value; the log lists the known ones.
    pub fn from_parameter<Ctx: DeviceContext>(dev: &pci::Device<Ctx>, value: u32) -> Result<Self> {
        match value {
            0 => Ok(Self::Auto),
            1 => Ok(Self::Domain),
            2 => Ok(Self::DmaApi),
            other => {
                dev_err!(
                    dev,
                    "dma={other}: must be 0 (automatic), 1 (private IOMMU domain) or 2 (DMA API)\n"
                );
                Err(EINVAL)
            }
        }
    }
}

/// Whether more memory may be mapped for a region.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Growth {
    No,
    Yes,
}

/// Memory of one access kind.
struct Pool {
    blocks: KVec<Block>,
    /// Unused part of the pool's address space; without meaning where the DMA API hands it out.
    free: core::ops::Range<u64>,
}

impl Pool {
    /// Where the next block of `len` bytes (a power of two) goes in a private domain.
    fn place(&self, len: usize) -> Option<u64> {
        let len = len as u64;
        let first = self.free.start.checked_next_multiple_of(len)?;
        (first.checked_add(len)? <= self.free.end).then_some(first)
    }

    /// Pages from one of the blocks, and its index.
    fn take(&mut self, pages: usize, align: usize) -> Option<(usize, Taken)> {
        let mut blocks = self.blocks.iter_mut().enumerate();
        blocks.find_map(|(i, block)| block.take(pages, align).map(|taken| (i, taken)))
    }
}

struct Pools {
    /// Indexed by [`Access`].
    pools: [Pool; 3],
    regions: usize,
    region_bytes: usize,
}

impl Pools {
    fn pool(&mut self, access: Access) -> &mut Pool {
        let [ring, tx, rx] = &mut self.pools;
        match access {
            Access::Ring => ring,
            Access::TxPayload => tx,
            Access::RxPayload => rx,
        }
    }
}

/// All memory that one PCI function can reach.
///
/// Memory is allocated and mapped in blocks as regions ask for it, and stays mapped until the arena
/// is dropped: no mapping changes while traffic flows, and a device that is late with a write hits
/// memory of its own function. A dropped [`Region`] goes back to its block and is scrubbed before it
/// is handed out again.
///
/// With a private domain ([`Domain`]) the device reaches these blocks and nothing else, each with the
/// permission of its [`Access`]. With the DMA API everything is readable and writable for the device,
/// and where no IOMMU translates the device can reach all of memory; [`Arena::protection`] tells.
///
/// The arena holds bytes for the device and nothing the kernel would follow: no pointers, no
/// structures with pointers in them.
///
/// Regions keep the arena alive. It must be gone before the device is bound to another driver, so
/// a region must not be leaked. Dropping the last reference stops the device's DMA (bus mastering is
/// cleared and requests under way are waited for), unmaps, detaches the domain and frees. Blocks that
/// cannot be unmapped are reported and not freed.
///
/// # Examples
///
/// ```
/// use kernel::{device::Bound, pci, prelude::*};
/// use nic::{dma::{Access, Arena, Backing}, pci::Scope};
///
/// fn buffers<'bound>(dev: &'bound pci::Device<Bound>, scope: Scope<'bound>) -> Result {
///     let arena = Arena::new(dev, scope, Backing::Auto)?;
///     let buffers = arena.region(Access::RxPayload, 512 << 10, 2048)?;
///     let second = buffers.iova(2048).ok_or(EINVAL)?;
///     dev_info!(dev, "{}, second buffer at {:#x}\n", arena.protection(), second.to_bits());
///     Ok(())
/// }
/// ```
#[pin_data(PinnedDrop)]
pub struct Arena<'bound> {
    dev: &'bound pci::Device<Bound>,
    protection: Protection,
    mapper: Mapper<'bound>,
    claim: MemoryClaim<'bound>,
    /// Taken only to hand out, take back and report; never while packets flow.
    #[pin]
    pools: Mutex<Pools>,
}

impl<'bound> Arena<'bound> {
    /// Decides how the memory of `dev` is mapped, and attaches its private domain if there is to be
    /// one. Allocates no memory for the device yet. May sleep.
    ///
    /// The device, which must be quiet, may make requests from here on until the arena is dropped.
    /// There is one arena in a binding: the device may remember addresses of an earlier one.
    ///
    /// # Errors
    ///
    /// `EBUSY` for a second arena; `ENOMEM`; with [`Backing::Domain`] the reason that there is no
    /// domain, which is logged; `EBUSY` if the DMA API would not do because somebody's domain is
    /// attached, which is logged.
    pub fn new(
        dev: &'bound pci::Device<Bound>,
        scope: Scope<'bound>,
        backing: Backing,
    ) -> Result<Arc<Self>> {
        let domain = match backing {
            Backing::DmaApi => Err(Refusal::Configured),
            Backing::Auto | Backing::Domain => Domain::new(dev),
        };
        // One stretch for all pools.
        let placed = domain.and_then(|domain| {
            let span = POOL_SPAN * Access::ALL.len() as u64;
            let base = domain.place(span, POOL_SPAN);
            Ok((base.ok_or(Refusal::AddressSpace)?, domain))
        });
        let mut base = 0;
        let (mapper, refusal) = match placed {
            Ok((first, domain)) => {
                base = first;
                (Mapper::Private(domain), None)
            }
            Err(Refusal::Allocate(error) | Refusal::Attach(error)) if error == ENOMEM => {
                return Err(ENOMEM);
            }
            Err(refusal) if backing == Backing::Domain => {
                dev_err!(dev, "no private IOMMU domain: {}\n", refusal);
                return Err(refusal.to_error());
            }
            Err(_) if status::has_foreign_domain(dev) => {
                // One that could not be detached, or another arena's.
                dev_err!(dev, "another IOMMU domain is attached to the device\n");
                return Err(EBUSY);
            }
            Err(refusal) => (Mapper::DmaApi, Some(refusal)),
        };
        let protection = Protection::of(dev, refusal);

        let pool = |i: u64| {
            let first = base + i * POOL_SPAN;
            Pool {
                blocks: KVec::new(),
                free: first..first + POOL_SPAN,
            }
        };
        let pools = Pools {
            pools: [pool(0), pool(1), pool(2)],
            regions: 0,
            region_bytes: 0,
        };

        let claim = scope.claim_memory()?;
        let arena = Arc::pin_init(
            pin_init!(Self {
                dev,
                protection,
                mapper,
                claim,
                pools <- new_mutex!(pools),
            }),
            GFP_KERNEL,
        )?;
        arena.claim.set_master(dev);
        status::arena_born();
        Ok(arena)
    }

    /// How the function's memory is protected.
    pub fn protection(&self) -> &Protection {
        &self.protection
    }

    /// The device whose memory this is.
    pub fn device(&self) -> &'bound pci::Device<Bound> {
        self.dev
    }

    /// Hands out `len` bytes, rounded up to whole pages, that read zero; contiguous for the CPU and
    /// for the device, whose address is a multiple of `align`; the CPU's is one of the page size. May sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `len` is zero or above [`Region::MAX_LEN`], or `align` is not a power of two up
    ///   to the same limit.
    /// - `ENOMEM`, or `ENOSPC` if a pool's address space is used up.
    pub fn region(
        self: &Arc<Self>,
        access: Access,
        len: usize,
        align: usize,
    ) -> Result<Region<'bound>> {
        self.region_with(access, len, align, Growth::Yes)
    }

    /// As [`Self::region`]. Without `growth`, `ENOMEM` when what is mapped does not do.
    pub(super) fn region_with(
        self: &Arc<Self>,
        access: Access,
        len: usize,
        align: usize,
        growth: Growth,
    ) -> Result<Region<'bound>> {
        if len == 0 || len > MAX_LEN || !align.is_power_of_two() || align > MAX_LEN {
            return Err(EINVAL);
        }
        let len = len.next_multiple_of(PAGE_SIZE);
        let align = align.max(PAGE_SIZE);
        let pages = len >> PAGE_SHIFT;

        let mut pools = self.pools.lock();
        let pool = pools.pool(access);
        let align = align >> PAGE_SHIFT;
        let (block, taken) = match pool.take(pages, align) {
            Some(taken) => taken,
            None if growth == Growth::No => return Err(ENOMEM),
            None => self.grow(pool, access, pages, align)?,
        };
        let lendable = pool.blocks.get(block).is_some_and(Block::lendable);
        pools.regions += 1;
        pools.region_bytes += len;
        drop(pools);

        let place = Place {
            access,
            block,
            first: taken.first,
            pages,
            lendable,
        };
        // SAFETY: just taken, so it is nobody else's until `Region` gives it back.
        Ok(unsafe { Region::new(self.clone(), place, taken.kva, taken.iova, len) })
    }

    /// Pages from a new block of `pool`, and the block's index.
    fn grow(
        &self,
        pool: &mut Pool,
        access: Access,
        pages: usize,
        align: usize,
    ) -> Result<(usize, Taken)> {
        // The device's addresses of blocks are aligned to their length, so one this long satisfies that too.
        let least = pages.max(align).next_power_of_two() << PAGE_SHIFT;
        let mut len = least.max(access.growth(self.protection.kind()));
        pool.blocks.reserve(1, GFP_KERNEL)?;
        let mut block = loop {
            let last = len == least;
            let (at, permission) = (pool.place(len), access.permission());
            match Block::new(&self.mapper, self.dev, at, len, permission, last) {
                Err(error) if error == ENOMEM && !last => len /= 2,
                other => break other?,
            }
        };
        if let Mapper::Private(_) = self.mapper {
            pool.free.start = block.iova().to_bits() + len as u64;
        }
        status::bytes_mapped(len);
        let taken = block.take(pages, align);
        let index = pool.blocks.len();
        pool.blocks.push(block, GFP_KERNEL)?;
        taken.map(|taken| (index, taken)).ok_or(ENOMEM)
    }

    /// Takes back what [`Arena::region`] handed out.
    pub(super) fn give_back(&self, place: &Place) {
        let mut pools = self.pools.lock();
        if let Some(block) = pools.pool(place.access).blocks.get_mut(place.block) {
            block.give_back(place.first, place.pages);
        }
        pools.regions = pools.regions.saturating_sub(1);
        pools.region_bytes = pools.region_bytes.saturating_sub(place.pages << PAGE_SHIFT);
    }

    /// Ends all requests of the device, DMA and interrupts, whatever it does with its registers:
    /// for a device that cannot be told to stop, before its vectors are given up. Process context.
    pub fn stop_requests(&self) {
        self.claim.end(self.dev);
    }

    /// A consistent picture of the arena. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn status(&self) -> Result<Status> {
        let page_sizes = match &self.mapper {
            Mapper::Private(domain) => domain.page_sizes(),
            Mapper::DmaApi => 0,
        };
        let mut ranges = KVec::new();
        let mut pools = self.pools.lock();
        for access in Access::ALL {
            for block in pools.pool(access).blocks.iter() {
                let permission = match self.mapper {
                    Mapper::Private(_) => access.permission(),
                    Mapper::DmaApi => Permission::ReadWrite,
                };
                ranges.push(Range::new(access, permission, block), GFP_KERNEL)?;
            }
        }
        Ok(Status {
            protection: self.protection,
            page_sizes,
            ranges,
            regions: pools.regions,
            region_bytes: pools.region_bytes,
        })
    }
}

#[pinned_drop]
impl PinnedDrop for Arena<'_> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        // Nothing may be in flight to memory that is about to be freed. Without an IOMMU this is
        // all there is.
        this.claim.end(this.dev);

        let mut lost = 0;
        let mut pools = this.pools.lock();
        for access in Access::ALL {
            let blocks = core::mem::replace(&mut pools.pool(access).blocks, KVec::new());
            for block in blocks {
                let len = block.len();
                // SAFETY: `mapper` is the arena's only one; regions hold a reference to the arena,
                // so none is left; DMA was stopped above.
                let left = unsafe { block.release(this.mapper, this.dev) };
                status::bytes_unmapped(len.saturating_sub(left));
                lost += left;
            }
        }
        if lost != 0 {
            dev_err!(
                this.dev,
                "DMA arena: {} bytes could not be unmapped and are not freed\n",
                lost
            );
        }
        status::arena_gone();
    }
}

/// Where a region lies in its arena.
pub(super) struct Place {
    access: Access,
    block: usize,
    first: usize,
    pages: usize,
    /// Pages can be lent.
    pub(super) lendable: bool,
}
