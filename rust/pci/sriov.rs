// SPDX-License-Identifier: GPL-2.0

//! One-shot permissions to enable and disable virtual functions.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h)

use kernel::{
    device::{
        Core,
        DeviceContext, //
    },
    error::to_result,
    pci,
    prelude::*, //
};

use crate::{
    raw,
    sys, //
};

/// VFs enabled on `dev` now; 0 for a device without SR-IOV. Any context.
pub fn num_vfs<Ctx: DeviceContext>(dev: &pci::Device<Ctx>) -> u16 {
    // SAFETY: the reference proves that the device is valid.
    let n = unsafe { raw::pci_num_vf(sys::pci_dev(dev)) };
    // The C function reports `u16 NumVFs` as an int.
    u16::try_from(n).unwrap_or(0)
}

/// Lowers `sriov_totalvfs` to `max`; a device without SR-IOV is left alone.
pub(super) fn limit(dev: &pci::Device<Core<'_>>, max: u16) {
    if max == 0 {
        return;
    }
    // SAFETY: the device is valid and its lock is held (`Core`). Fails for devices without SR-IOV,
    // and for a limit above what the device has, where the device's own limit is in force.
    unsafe { raw::pci_sriov_set_totalvfs(sys::pci_dev(dev), max) };
}

/// Refuses with `EBUSY` while a virtual machine owns one of the VFs.
pub(super) fn check_unassigned(dev: &pci::Device<Core<'_>>) -> Result {
    // SAFETY: the device is valid and its lock is held (`Core`).
    if unsafe { raw::pci_vfs_assigned(sys::pci_dev(dev)) } != 0 {
        dev_err!(
            dev,
            "VFs are assigned to virtual machines: shut those down before disabling SR-IOV\n"
        );
        return Err(EBUSY);
    }
    Ok(())
}

/// Permission to enable VFs once, during the callback that received it.
pub struct SriovEnable<'cb> {
    dev: &'cb pci::Device<Core<'cb>>,
    num_vfs: u16,
}

impl<'cb> SriovEnable<'cb> {
    pub(super) fn new(dev: &'cb pci::Device<Core<'_>>, num_vfs: u16) -> Self {
        // SAFETY: the context parameter is a marker with no representation; shortening its
        // lifetime to that of the reference claims less than the caller proved.
        let dev = unsafe { &*core::ptr::from_ref(dev).cast::<pci::Device<Core<'cb>>>() };
        Self { dev, num_vfs }
    }

    /// How many VFs were asked for; at least 1 and at most `sriov_totalvfs`.
    pub fn num_vfs(&self) -> u16 {
        self.num_vfs
    }

    /// Makes the VFs appear on the bus and binds drivers to them, unless `sriov_drivers_autoprobe`
    /// is off: VF drivers' probes run inside this call. Sleeps.
    ///
    /// Errors are the PCI core's: `ENOMEM` when the bridge has no MMIO window or bus numbers for
    /// them (a message with the remedy is logged), `EBUSY`, `EIO`.
    pub fn enable(self) -> Result<SriovEnabled<'cb>> {
        let n = self.num_vfs;
        // SAFETY: the device is valid and its lock is held (`Core`).
        let ret = unsafe { raw::pci_enable_sriov(sys::pci_dev(self.dev), n.into()) };
        to_result(ret).inspect_err(|e| match *e {
            ENOMEM => dev_err!(
                self.dev,
                "no bus numbers or MMIO space for {n} VFs: try the kernel parameter pci=realloc or pci=assign-busses, or the firmware's SR-IOV setting\n"
            ),
            e => dev_err!(self.dev, "enabling {n} VFs failed: {e:?}\n"),
        })?;
        Ok(SriovEnabled { dev: self.dev })
    }
}

/// VFs are on the bus; dropping it takes them off again. Return it from
/// [`super::Driver::sriov_enable`] to keep them.
#[must_use]
pub struct SriovEnabled<'cb> {
    dev: &'cb pci::Device<Core<'cb>>,
}

impl SriovEnabled<'_> {
    /// The VFs stay; the adapter disables them before unbinding.
    pub(super) fn keep(self) {
        core::mem::forget(self);
    }
}

impl Drop for SriovEnabled<'_> {
    fn drop(&mut self) {
        SriovDisable::new(self.dev).disable();
    }
}

/// Permission to disable the VFs, during the callback that received it.
pub struct SriovDisable<'cb> {
    dev: &'cb pci::Device<Core<'cb>>,
}

impl<'cb> SriovDisable<'cb> {
    pub(super) fn new(dev: &'cb pci::Device<Core<'_>>) -> Self {
        // SAFETY: as in `SriovEnable::new`.
        let dev = unsafe { &*core::ptr::from_ref(dev).cast::<pci::Device<Core<'cb>>>() };
        Self { dev }
    }

    /// Unbinds the VFs' drivers and takes the VFs off the bus: VF drivers' removals run inside this
    /// call. Sleeps.
    pub fn disable(self) {
        // SAFETY: the device is valid and its lock is held (`Core`).
        unsafe { raw::pci_disable_sriov(sys::pci_dev(self.dev)) };
    }
}
