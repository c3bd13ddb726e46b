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
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    }, //
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

/// Refuses with `EBUSY` while a Xen guest owns one of the VFs. One that VFIO handed over does not count: its
/// removal waits until it is given back.
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

/// The VFs of a function, one after the other.
struct Vfs {
    pf: *mut raw::pci_dev,
    /// Referenced; null before the first and after the last.
    at: *mut raw::pci_dev,
}

impl Vfs {
    /// Those of `dev`, which outlives them as its lock is held: nobody disables SR-IOV meanwhile.
    fn of(dev: &pci::Device<Core<'_>>) -> Self {
        Self {
            pf: sys::pci_dev(dev),
            at: core::ptr::null_mut(),
        }
    }

    /// The next VF; valid until the next call.
    fn next(&mut self) -> Option<*mut raw::pci_dev> {
        // SAFETY: both are valid or, the second, null; its reference goes to the function, and comes
        // back with the next device.
        self.at = unsafe { raw::nic_next_vf(self.pf, self.at) };
        (!self.at.is_null()).then_some(self.at)
    }
}

impl Drop for Vfs {
    fn drop(&mut self) {
        // SAFETY: a reference of ours, or null.
        unsafe { raw::pci_dev_put(self.at) };
    }
}

/// Has the VFs sleep before their PF and wake after it.
pub(super) fn order(dev: &pci::Device<Core<'_>>) {
    let mut vfs = Vfs::of(dev);
    while let Some(vf) = vfs.next() {
        // SAFETY: both devices are valid. The link ends with the VF.
        if !unsafe { raw::nic_sleep_before(vf, vfs.pf) } {
            dev_warn!(dev, "a VF may wake before its PF\n");
        }
    }
}

/// Saves the configuration of the VFs, which a reset of their PF takes from them.
pub(super) fn save_vfs(dev: &pci::Device<Core<'_>>) {
    let mut vfs = Vfs::of(dev);
    while let Some(vf) = vfs.next() {
        with_locked(vf, || {
            // SAFETY: the VF is valid and its lock is held.
            unsafe { raw::pci_save_state(vf) };
        });
    }
}

/// Gives the VFs their configuration back: base addresses, bus mastering, MSI-X. For VFs of virtual
/// machines nobody else could.
pub(super) fn restore_vfs(dev: &pci::Device<Core<'_>>) {
    let mut vfs = Vfs::of(dev);
    while let Some(vf) = vfs.next() {
        with_locked(vf, || {
            // SAFETY: the VF is valid, its lock is held, and its state was saved when it was found,
            // and again by `save_vfs`.
            unsafe { raw::pci_restore_state(vf) };
        });
    }
}

/// Calls `f` with the device lock of `vf` held, unless somebody is resetting the VF, who then takes
/// care of its state. Sleeps, up to two seconds.
///
/// The lock is not waited for: a reset of the whole bus holds that of the PF and those of its VFs.
fn with_locked(vf: *mut raw::pci_dev, f: impl FnOnce()) {
    for _ in 0..200 {
        // SAFETY: the caller passes a valid VF.
        if unsafe { raw::nic_config_blocked(vf) } {
            return;
        }
        // SAFETY: as above.
        if unsafe { raw::nic_device_trylock(vf) } {
            f();
            // SAFETY: taken above.
            unsafe { raw::nic_device_unlock(vf) };
            return;
        }
        fsleep(Delta::from_millis(10));
    }
}

/// Permission to enable VFs once, during the callback that received it.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use nic::pci::{SriovEnable, SriovEnabled};
///
/// fn enable<'cb>(
///     enable: SriovEnable<'cb>,
///     prepare: impl FnOnce(u16) -> Result,
///     start: impl FnOnce() -> Result,
/// ) -> Result<SriovEnabled<'cb>> {
///     prepare(enable.num_vfs())?;
///     let enabled = enable.enable()?;
///     // On error the guard takes the VFs off the bus again.
///     start()?;
///     Ok(enabled)
/// }
/// ```
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
