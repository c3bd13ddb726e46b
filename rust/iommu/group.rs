// SPDX-License-Identifier: GPL-2.0

//! IOMMU groups: the devices that an IOMMU cannot tell apart.

use core::ptr::NonNull;

use kernel::{
    device::Bound,
    ffi::{
        c_int,
        c_void, //
    },
    pci, //
};

use crate::{
    raw,
    sys, //
};

/// A reference to the IOMMU group of a device.
///
/// # Invariants
///
/// `raw` is a valid group; the value owns one reference to it.
///
/// # Examples
///
/// ```
/// use kernel::{device::Bound, pci, prelude::*};
/// use nic::iommu::Group;
///
/// fn describe(dev: &pci::Device<Bound>) {
///     match Group::of(dev) {
///         Some(group) => dev_info!(dev, "group {}, alone: {}\n", group.id(), group.is_singleton()),
///         None => dev_info!(dev, "no IOMMU\n"),
///     }
/// }
/// ```
pub struct Group {
    raw: NonNull<raw::iommu_group>,
}

// SAFETY: groups are reference counted and have no thread affinity.
unsafe impl Send for Group {}

// SAFETY: what is called on a shared group locks it or reads a constant.
unsafe impl Sync for Group {}

impl Group {
    /// The group of `dev`; `None` where no IOMMU translates for it.
    pub fn of(dev: &pci::Device<Bound>) -> Option<Self> {
        // SAFETY: `dev` is a valid device; a reference is taken, which `Self` owns.
        let raw = unsafe { raw::iommu_group_get(&raw mut (*sys::pci_dev(dev)).dev) };
        // INVARIANT: `iommu_group_get` returns a referenced group or null.
        NonNull::new(raw).map(|raw| Self { raw })
    }

    /// The number under `/sys/kernel/iommu_groups`.
    pub fn id(&self) -> u32 {
        // SAFETY: valid by the type invariants.
        let id = unsafe { raw::iommu_group_id(self.raw.as_ptr()) };
        // CAST: group numbers come from an IDA and are never negative.
        id as u32
    }

    /// Whether every device of the group can only send the interrupt messages it was given, that
    /// is, whether its MSIs go through interrupt remapping. May sleep.
    pub fn has_isolated_msi(&self) -> bool {
        // SAFETY: valid by the type invariants.
        unsafe { raw::iommu_group_has_isolated_msi(self.raw.as_ptr()) }
    }

    /// Whether there is one device only in the group at the moment. May sleep.
    pub fn is_singleton(&self) -> bool {
        /// # Safety
        ///
        /// `data` must point to a `u32` that nothing else uses during the call.
        unsafe extern "C" fn count(_dev: *mut raw::device, data: *mut c_void) -> c_int {
            // SAFETY: by the safety requirements.
            let devices = unsafe { &mut *data.cast::<u32>() };
            *devices = devices.saturating_add(1);
            0
        }

        let mut devices = 0u32;
        // SAFETY: the group is valid by the type invariants; `count` gets the pointer it expects,
        // and only during the call.
        unsafe {
            raw::iommu_group_for_each_dev(self.raw.as_ptr(), (&raw mut devices).cast(), Some(count))
        };
        devices == 1
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // SAFETY: the value owns a reference by the type invariants.
        unsafe { raw::iommu_group_put(self.raw.as_ptr()) };
    }
}
