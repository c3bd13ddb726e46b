// SPDX-License-Identifier: GPL-2.0

//! From references of the `kernel` crate to raw pointers of [`crate::raw`].
//!
//! The `kernel` crate keeps its pointers private; its device types are `#[repr(transparent)]` over
//! the C structures, so the address of the reference is the address of the structure.

use kernel::{
    device,
    pci, //
};

use crate::raw;

/// The `struct pci_dev` behind `dev`.
#[inline]
pub(crate) fn pci_dev<Ctx: device::DeviceContext>(dev: &pci::Device<Ctx>) -> *mut raw::pci_dev {
    // CAST: `pci::Device` is a transparent wrapper of an `Opaque<struct pci_dev>`.
    core::ptr::from_ref(dev).cast_mut().cast()
}

/// The `struct device` behind `dev`.
#[inline]
pub(crate) fn device<Ctx: device::DeviceContext>(dev: &device::Device<Ctx>) -> *mut raw::device {
    // CAST: `device::Device` is a transparent wrapper of an `Opaque<struct device>`.
    core::ptr::from_ref(dev).cast_mut().cast()
}
