// SPDX-License-Identifier: GPL-2.0

//! A paging domain that belongs to one device and its driver.

use core::{
    mem::MaybeUninit,
    ptr::NonNull, //
};

use kernel::{
    container_of,
    device::Bound,
    error::{
        from_err_ptr,
        to_result, //
    },
    fmt,
    pci,
    prelude::*, //
};

use super::Group;
use crate::{
    dma::Iova,
    raw,
    sys, //
};

/// Lowest address a domain hands out. Below are the MSI window, firmware's identity mappings and
/// whatever a device that truncates addresses to 32 bits would hit.
const LOWEST: u64 = 1 << 32;

/// What a device may do with mapped memory.
///
/// IOMMUs whose page tables have no write-only entries (VT-d first stage, AMD v2) let a
/// [`Permission::Write`] mapping be read too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// The device reads only.
    Read,
    /// The device writes only.
    Write,
    /// Both.
    ReadWrite,
}

impl Permission {
    fn to_raw(self) -> u32 {
        match self {
            Self::Read => raw::IOMMU_READ,
            Self::Write => raw::IOMMU_WRITE,
            Self::ReadWrite => raw::IOMMU_READ | raw::IOMMU_WRITE,
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "r-",
            Self::Write => "-w",
            Self::ReadWrite => "rw",
        })
    }
}

/// Why a device did not get a domain of its own.
#[derive(Clone, Copy, Debug)]
pub enum Refusal {
    /// The administrator chose the DMA API.
    Configured,
    /// No IOMMU translates for the device.
    NoIommu,
    /// Other devices are in the IOMMU group and would share the domain.
    SharedGroup,
    /// The IOMMU cannot make the device's accesses coherent with the CPU's caches.
    NotCoherent,
    /// Guest memory is encrypted: a device reaches only what the DMA API has made shared.
    EncryptedMemory,
    /// Message signalled interrupts are translated by the domain, which only the DMA API sets up.
    TranslatedMsi,
    /// Firmware demands a 1:1 mapping for the device.
    DirectMapping,
    /// The domain's addresses within the device's DMA mask are too few.
    AddressSpace,
    /// The IOMMU driver would not allocate a domain.
    Allocate(Error),
    /// The domain could not be attached.
    Attach(Error),
}

impl Refusal {
    /// The error code for a caller that insists on a domain.
    pub fn to_error(self) -> Error {
        match self {
            Self::NoIommu => ENODEV,
            Self::SharedGroup => EBUSY,
            Self::Allocate(error) | Self::Attach(error) => error,
            _ => EOPNOTSUPP,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configured => f.write_str("asked for by parameter"),
            Self::NoIommu => f.write_str("no IOMMU"),
            Self::SharedGroup => f.write_str("IOMMU group is shared"),
            Self::NotCoherent => f.write_str("IOMMU does not enforce coherency"),
            Self::EncryptedMemory => f.write_str("guest memory is encrypted"),
            Self::TranslatedMsi => f.write_str("MSIs are translated by the domain"),
            Self::DirectMapping => f.write_str("firmware demands a 1:1 mapping"),
            Self::AddressSpace => f.write_str("address space is too small"),
            Self::Allocate(error) => write!(f, "no domain, error {}", error.to_errno()),
            Self::Attach(error) => write!(f, "domain not attached, error {}", error.to_errno()),
        }
    }
}

/// Bus addresses that must stay unmapped.
struct Hole {
    first: u64,
    last: u64,
}

/// An IOMMU paging domain, attached to a device that is alone in its group.
///
/// From [`Domain::new`] until drop the device reaches the memory mapped here and nothing else.
/// Interrupts are not affected: devices whose MSIs would need a mapping are refused.
///
/// The group's default domain, which the DMA API uses, is detached meanwhile: the driver must not
/// use the DMA API for the device. Dropping detaches the domain and restores the default one.
///
/// # Invariants
///
/// - `raw` is a valid paging domain that `Self` owns, attached to `dev`.
/// - `dev` was alone in its IOMMU group when it was attached.
///
/// # Examples
///
/// ```
/// use kernel::{device::Bound, pci, prelude::*};
/// use nic::iommu::Domain;
///
/// fn isolate<'bound>(dev: &'bound pci::Device<Bound>) -> Result<Domain<'bound>> {
///     let domain = Domain::new(dev).map_err(|refusal| {
///         dev_warn!(dev, "no domain of its own: {refusal}\n");
///         refusal.to_error()
///     })?;
///     dev_info!(dev, "page sizes {:#x}\n", domain.page_sizes());
///     Ok(domain)
/// }
/// ```
pub struct Domain<'bound> {
    raw: NonNull<raw::iommu_domain>,
    dev: &'bound pci::Device<Bound>,
    holes: KVec<Hole>,
    /// Last address that both the domain and the device's DMA mask allow.
    last: u64,
}

// SAFETY: a domain has no thread affinity.
unsafe impl Send for Domain<'_> {}

// SAFETY: `&Domain` gives access to constants, and to mapping and unmapping of disjoint ranges, which
// the IOMMU drivers allow concurrently.
unsafe impl Sync for Domain<'_> {}

/// A domain that is not attached yet.
struct Unattached(NonNull<raw::iommu_domain>);

impl Drop for Unattached {
    fn drop(&mut self) {
        // SAFETY: the domain is owned, and attached to nothing.
        unsafe { raw::iommu_domain_free(self.0.as_ptr()) };
    }
}

impl<'bound> Domain<'bound> {
    /// Allocates a domain and attaches it to `dev`. May sleep.
    ///
    /// # Errors
    ///
    /// The reason why `dev` cannot have a domain of its own; the device is then left in the domain
    /// it was in.
    pub fn new(dev: &'bound pci::Device<Bound>) -> Result<Self, Refusal> {
        let pdev = sys::pci_dev(dev);
        // SAFETY: `pdev` is valid for as long as `dev` is.
        let raw_dev = unsafe { &raw mut (*pdev).dev };

        let group = Group::of(dev).ok_or(Refusal::NoIommu)?;
        if !group.is_singleton() {
            return Err(Refusal::SharedGroup);
        }
        // SAFETY: takes no argument and reads platform constants.
        if unsafe { raw::nic_guest_memory_encrypted() } {
            return Err(Refusal::EncryptedMemory);
        }

        // SAFETY: `raw_dev` is a valid device.
        let domain = from_err_ptr(unsafe { raw::iommu_paging_domain_alloc_flags(raw_dev, 0) })
            .and_then(|domain| NonNull::new(domain).ok_or(ENOMEM))
            .map(Unattached)
            .map_err(Refusal::Allocate)?;

        // The device has IOMMU operations: otherwise there would be no domain.
        let coherency = raw::iommu_cap_IOMMU_CAP_CACHE_COHERENCY;
        // SAFETY: `raw_dev` is a valid device.
        if !unsafe { raw::device_iommu_capable(raw_dev, coherency) } {
            return Err(Refusal::NotCoherent);
        }
        let holes = reserved(raw_dev)?;

        // SAFETY: the domain is valid, and its geometry does not change.
        let aperture = unsafe { (*domain.0.as_ptr()).geometry.aperture_end };
        // SAFETY: `raw_dev` is a valid device.
        let last = aperture.min(unsafe { raw::nic_dma_mask(raw_dev) });
        if last <= LOWEST {
            return Err(Refusal::AddressSpace);
        }

        // SAFETY: both are valid; the device is bound to the driver that calls.
        to_result(unsafe { raw::nic_iommu_attach(domain.0.as_ptr(), raw_dev) })
            .map_err(Refusal::Attach)?;

        let raw = domain.0;
        // The drop of `Self` frees it from here on.
        core::mem::forget(domain);
        // INVARIANT: attached above, which succeeds only for a device alone in its group.
        Ok(Self {
            raw,
            dev,
            holes,
            last,
        })
    }

    /// The page sizes of the domain's tables, one bit per power of two.
    pub fn page_sizes(&self) -> usize {
        // SAFETY: valid by the type invariants; constant once the domain is attached.
        unsafe { (*self.raw.as_ptr()).pgsize_bitmap }
    }

    /// The lowest `len` bytes from 4 GiB that may all be mapped, aligned to `align` (a power of two);
    /// the first address.
    ///
    /// Stays out of the regions that the IOMMU driver reserves and out of the windows that the
    /// host bridge routes to other devices. Knows nothing of what is already mapped.
    pub(crate) fn place(&self, len: u64, align: u64) -> Option<u64> {
        let mask = align.checked_sub(1)?;
        let mut first = LOWEST;
        // Each round moves beyond one hole or window, of which there are few.
        for _ in 0..64 {
            first = first.checked_add(mask)? & !mask;
            let last = first.checked_add(len.checked_sub(1)?)?;
            if last > self.last {
                return None;
            }
            let hole = self
                .holes
                .iter()
                .find(|hole| hole.first <= last && hole.last >= first);
            let end = match hole {
                Some(hole) => hole.last,
                // SAFETY: `dev` is a valid device; the windows of a bridge with devices on it
                // do not change.
                None => unsafe { raw::nic_pci_window_end(sys::pci_dev(self.dev), first, last) },
            };
            if end == 0 {
                return Some(first);
            }
            first = end.checked_add(1)?;
        }
        None
    }

    /// Lets the device reach `len` bytes of memory at `phys` under the address `iova`. May sleep.
    ///
    /// # Errors
    ///
    /// What `iommu_map` returns: `EINVAL` for addresses or lengths that are not multiples of the
    /// smallest page, `EADDRINUSE` or `EEXIST` where something is mapped, `ENOMEM`. Nothing is mapped
    /// then.
    ///
    /// # Safety
    ///
    /// The memory must stay allocated until [`Domain::unmap`] has returned `len` for the same range,
    /// and must be memory that may change at any time if `permission` includes writing.
    pub(crate) unsafe fn map(
        &self,
        iova: Iova,
        phys: u64,
        len: usize,
        permission: Permission,
    ) -> Result {
        let prot = permission.to_raw() | raw::IOMMU_CACHE;
        // SAFETY: the domain is valid by the type invariants; the rest is the caller's promise.
        to_result(unsafe {
            raw::nic_iommu_map(self.raw.as_ptr(), iova.to_bits(), phys, len, prot as c_int)
        })
    }

    /// Takes a range away from the device; returns the number of bytes unmapped.
    ///
    /// When this returns the device cannot reach them: IOTLB and device TLB are flushed.
    pub(crate) fn unmap(&self, iova: Iova, len: usize) -> usize {
        // CAST: IOMMUs exist on 64-bit machines, where `unsigned long` is 64 bits wide.
        // SAFETY: the domain is valid by the type invariants.
        unsafe { raw::iommu_unmap(self.raw.as_ptr(), iova.to_bits() as usize, len) }
    }
}

impl Drop for Domain<'_> {
    fn drop(&mut self) {
        // SAFETY: the device is valid.
        let dev = unsafe { &raw mut (*sys::pci_dev(self.dev)).dev };
        // SAFETY: by the type invariants the domain is attached to the device, and this is the only place
        // that detaches it.
        let now = unsafe {
            raw::iommu_detach_device(self.raw.as_ptr(), dev);
            raw::iommu_get_domain_for_dev(dev)
        };
        if now == self.raw.as_ptr() {
            // A function that a rescan found, and that nothing isolates from this one, has joined the
            // group: the kernel has refused, with a warning.
            dev_err!(
                self.dev,
                "its IOMMU domain is left to it, with nothing mapped\n"
            );
            return;
        }
        // SAFETY: owned by the type invariants, and attached to nothing any more.
        unsafe { raw::iommu_domain_free(self.raw.as_ptr()) };
    }
}

/// The addresses that the IOMMU driver reserves for `dev`, above [`LOWEST`]; refuses what a private
/// domain cannot give.
fn reserved(dev: *mut raw::device) -> Result<KVec<Hole>, Refusal> {
    let mut head = MaybeUninit::<raw::list_head>::uninit();
    let list = head.as_mut_ptr();
    // SAFETY: `list` points to memory for a list head; an empty list points to itself.
    unsafe {
        (*list).next = list;
        (*list).prev = list;
    }
    // SAFETY: `dev` has IOMMU operations (checked by the caller), `list` is an empty list.
    unsafe { raw::iommu_get_resv_regions(dev, list) };

    let mut holes = KVec::new();
    let mut result = Ok(());
    // SAFETY: `list` is a valid list.
    let mut entry = unsafe { (*list).next };
    while entry != list && result.is_ok() {
        // SAFETY: every entry of the list is the `list` field of a `struct iommu_resv_region`.
        let region = unsafe { &*container_of!(entry, raw::iommu_resv_region, list) };
        let last = region
            .start
            .saturating_add((region.length as u64).saturating_sub(1));
        result = match region.type_ {
            raw::iommu_resv_type_IOMMU_RESV_SW_MSI => Err(Refusal::TranslatedMsi),
            raw::iommu_resv_type_IOMMU_RESV_DIRECT => Err(Refusal::DirectMapping),
            _ if last < LOWEST => Ok(()),
            _ => holes
                .push(
                    Hole {
                        first: region.start,
                        last,
                    },
                    GFP_KERNEL,
                )
                .map_err(|_| Refusal::Allocate(ENOMEM)),
        };
        entry = region.list.next;
    }
    // SAFETY: the list was filled for `dev` above; nothing refers to its entries any more.
    unsafe { raw::iommu_put_resv_regions(dev, list) };
    result.map(|()| holes)
}
