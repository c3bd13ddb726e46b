// SPDX-License-Identifier: GPL-2.0

//! What is mapped, for whom and how: the ledger.

use kernel::{
    device::Bound,
    fmt,
    pci,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

use super::{
    block::Block,
    Access, //
};
use crate::{
    iommu::{
        Group,
        Permission,
        Refusal, //
    },
    raw,
    sys, //
};

/// Arenas that exist and bytes that are mapped in them, in all devices of this module.
static ARENAS: Atomic<u64> = Atomic::new(0);
static BYTES: Atomic<u64> = Atomic::new(0);

pub(super) fn arena_born() {
    ARENAS.add(1, Relaxed);
}

pub(super) fn arena_gone() {
    ARENAS.fetch_sub(1, Relaxed);
}

pub(super) fn bytes_mapped(len: usize) {
    BYTES.add(len as u64, Relaxed);
}

pub(super) fn bytes_unmapped(len: usize) {
    BYTES.fetch_sub(len as u64, Relaxed);
}

/// The sum over all devices of a module; zero when none is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// Arenas that exist.
    pub arenas: u64,
    /// Bytes that devices can reach in them.
    pub bytes: u64,
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arenas: {}\nbytes: {}\n", self.arenas, self.bytes)
    }
}

/// What is mapped at the moment, in all devices of this module.
pub fn ledger() -> Ledger {
    Ledger {
        arenas: ARENAS.load(Relaxed),
        bytes: BYTES.load(Relaxed),
    }
}

/// Warns, with a trace, of memory that no device is left for. For the end of a module.
pub(crate) fn warn_if_left() {
    let Ledger { arenas, bytes } = ledger();
    if arenas != 0 || bytes != 0 {
        // SAFETY: prints two numbers.
        unsafe { raw::nic_warn_dma_left(arenas, bytes) };
    }
}

/// What stands between a device and the rest of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A domain of the function's own: it reaches its arena only.
    Private,
    /// The DMA API behind an IOMMU: it reaches what the DMA API maps for its group.
    Dma,
    /// The DMA API without translation: it reaches all of memory.
    None,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Private => "private",
            Self::Dma => "dma",
            Self::None => "none",
        })
    }
}

/// How a function's memory is protected; as text, one line for the log.
#[derive(Clone, Copy, Debug)]
pub struct Protection {
    kind: Kind,
    group: Option<u32>,
    isolated_msi: bool,
    refusal: Option<Refusal>,
}

impl Protection {
    /// The protection of `dev`, which has a private domain unless there is a `refusal`.
    pub(super) fn of(dev: &pci::Device<Bound>, refusal: Option<Refusal>) -> Self {
        let group = Group::of(dev);
        let kind = match refusal {
            None => Kind::Private,
            Some(_) if translated(dev) => Kind::Dma,
            Some(_) => Kind::None,
        };
        Self {
            kind,
            group: group.as_ref().map(Group::id),
            isolated_msi: group.as_ref().is_some_and(Group::has_isolated_msi),
            refusal,
        }
    }

    /// The kind of domain the function's memory is mapped in.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The number of the IOMMU group, `None` without an IOMMU.
    pub fn group(&self) -> Option<u32> {
        self.group
    }

    /// Whether the group can only raise the interrupts it was given (interrupt remapping).
    pub fn isolated_msi(&self) -> bool {
        self.isolated_msi
    }

    /// Why there is no private domain, if there is none.
    pub fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_fmt(fmt!("domain {}", self.kind))?;
        if let Some(group) = self.group {
            write!(f, ", IOMMU group {group}")?;
        }
        if let Some(refusal) = self.refusal {
            f.write_fmt(fmt!(" ({refusal})"))?;
        }
        f.write_str(if self.isolated_msi {
            ", MSIs isolated"
        } else {
            ", MSIs not isolated"
        })
    }
}

/// The type of the domain that is attached to `dev`; 0, which is that of one that blocks everything, without
/// an IOMMU.
fn domain_type(dev: &pci::Device<Bound>) -> u32 {
    // SAFETY: `dev` is bound, so the domain exists for as long as it is.
    let domain = unsafe { raw::iommu_get_domain_for_dev(&raw mut (*sys::pci_dev(dev)).dev) };
    if domain.is_null() {
        return 0;
    }
    // SAFETY: valid, see above; its type does not change.
    unsafe { (*domain).type_ }
}

/// Whether the domain that the DMA API uses for `dev` translates.
fn translated(dev: &pci::Device<Bound>) -> bool {
    domain_type(dev) & raw::__IOMMU_DOMAIN_PAGING != 0
}

/// Whether a translating domain is attached to `dev` that is not the DMA API's.
pub(super) fn has_foreign_domain(dev: &pci::Device<Bound>) -> bool {
    let kind = domain_type(dev);
    kind & raw::__IOMMU_DOMAIN_PAGING != 0 && kind & raw::__IOMMU_DOMAIN_DMA_API == 0
}

/// One mapped block.
pub(super) struct Range {
    access: Access,
    permission: Permission,
    first: u64,
    len: usize,
    used: usize,
    page_size: usize,
}

impl Range {
    pub(super) fn new(access: Access, permission: Permission, block: &Block) -> Self {
        Self {
            access,
            permission,
            first: block.iova().to_bits(),
            len: block.len(),
            used: block.used_bytes(),
            page_size: block.page_size(),
        }
    }
}

/// A picture of an arena; as text, lines of `key: value`, then one line per block: addresses,
/// what the device may do there, pool, IOMMU page size (`-` where the DMA API decides), bytes, bytes
/// in regions.
pub struct Status {
    pub(super) protection: Protection,
    /// Bit set of the page sizes the domain offers; 0 without a private one.
    pub(super) page_sizes: usize,
    pub(super) ranges: KVec<Range>,
    pub(super) regions: usize,
    pub(super) region_bytes: usize,
}

impl Status {
    /// Bytes mapped.
    pub fn bytes(&self) -> usize {
        self.ranges.iter().map(|range| range.len).sum()
    }
}

/// A size in the largest unit that divides it.
struct Size(usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.trailing_zeros() {
            _ if self.0 == 0 => f.write_str("-"),
            30.. => write!(f, "{}G", self.0 >> 30),
            20.. => write!(f, "{}M", self.0 >> 20),
            10.. => write!(f, "{}K", self.0 >> 10),
            _ => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protection = &self.protection;
        f.write_fmt(fmt!("domain: {}\n", protection.kind))?;
        match protection.group {
            Some(group) => writeln!(f, "group: {group}")?,
            None => writeln!(f, "group: none")?,
        }
        let isolated = if protection.isolated_msi { "yes" } else { "no" };
        writeln!(f, "isolated_msi: {isolated}")?;
        if let Some(refusal) = protection.refusal {
            f.write_fmt(fmt!("no_private_domain: {refusal}\n"))?;
        }
        f.write_str("page_sizes:")?;
        if self.page_sizes == 0 {
            f.write_str(" -")?;
        }
        for shift in 0..usize::BITS {
            let size = 1 << shift;
            if self.page_sizes & size != 0 {
                f.write_fmt(fmt!(" {}", Size(size)))?;
            }
        }
        writeln!(f)?;
        writeln!(f, "blocks: {}", self.ranges.len())?;
        writeln!(f, "bytes: {}", self.bytes())?;
        writeln!(f, "regions: {}", self.regions)?;
        writeln!(f, "region_bytes: {}", self.region_bytes)?;
        for range in self.ranges.iter() {
            let last = range.first + (range.len as u64 - 1);
            f.write_fmt(fmt!(
                "range: {:#x}-{:#x} {} {} {} {} {}\n",
                range.first,
                last,
                range.permission,
                range.access.name(),
                Size(range.page_size),
                range.len,
                range.used
            ))?;
        }
        Ok(())
    }
}

// The kernel's print macros look for `kernel::fmt::Display`, `write!` for `core::fmt::Display`.
macro_rules! impl_core_display {
    ($($ty:ty),* $(,)?) => {
        $(
            impl core::fmt::Display for $ty {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    fmt::Display::fmt(self, f)
                }
            }
        )*
    };
}

impl_core_display!(Kind, Ledger, Protection, Status);
