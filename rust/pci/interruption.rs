// SPDX-License-Identifier: GPL-2.0

//! The device is taken away from its driver for a while: sleep, resets, bus errors, the end.
//!
//! All of it comes down to two callbacks, [`Driver::interrupt`] and [`Driver::resume`]:
//!
//! | kernel callback                                | driver callback              |
//! |------------------------------------------------|------------------------------|
//! | `suspend`, `freeze`, `poweroff`                | `interrupt` (`Sleep`)        |
//! | `resume`, `thaw`, `restore`                    | `resume`                     |
//! | `reset_prepare`, `reset_done`                  | `interrupt` (`Reset`), `resume` |
//! | `error_detected`, then `slot_reset`, `resume`  | `interrupt` (`Error`), `resume` |
//! | `shutdown`                                     | `interrupt` (`Shutdown`)     |
//!
//! They all run in process context with the device lock held, which probe and unbind hold, too: so
//! they find a driver that is completely bound, and never run at the same time as another of them.
//! The kernel crate has none of this.
//!
//! C headers: [`include/linux/pci.h`](srctree/include/linux/pci.h),
//! [`include/linux/pm.h`](srctree/include/linux/pm.h)

use kernel::{
    bindings,
    container_of,
    device::Core,
    error::{
        from_result,
        to_result, //
    },
    pci,
    prelude::*, //
};

use crate::{
    raw,
    sys, //
};

use super::{
    adapter::Driver,
    bound,
    sriov, //
};

/// Why the driver is interrupted.
///
/// # Examples
///
/// ```
/// use nic::pci::Interruption;
///
/// assert!(Interruption::Sleep.is_accessible());
/// assert!(!Interruption::Error.is_accessible());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interruption {
    /// The system goes to sleep, or an image of its memory is taken. The device may lose power; no
    /// user process runs until [`Driver::resume`] has returned.
    Sleep,
    /// Somebody resets the function, or all on its bus.
    Reset,
    /// The bus has reported an error. The device must not be accessed; the adapter has taken its bus
    /// mastering away.
    Error,
    /// The machine goes down or another kernel is about to start. Nothing comes after this.
    Shutdown,
}

impl Interruption {
    /// Whether the device may still be accessed, and must be stopped.
    pub fn is_accessible(self) -> bool {
        self != Self::Error
    }
}

/// Keeps the configuration space as it is when the driver is bound, for [`slot_reset`]: the PCI
/// core's own copy is from before.
pub(super) fn remember(dev: &pci::Device<Core<'_>>) -> Result {
    // SAFETY: the device is valid and its lock is held (`Core`).
    to_result(unsafe { raw::pci_save_state(sys::pci_dev(dev)) })
}

/// Puts the callbacks into `driver`, which is not registered yet.
pub(super) fn fill<T: Driver>(driver: &mut bindings::pci_driver) {
    driver.driver.pm = Callbacks::<T>::SLEEP;
    driver.err_handler = Callbacks::<T>::ERRORS;
    driver.shutdown = Some(Callbacks::<T>::shutdown);
}

struct Callbacks<T: Driver>(core::marker::PhantomData<T>);

impl<T: Driver> Callbacks<T> {
    const SLEEP: &'static bindings::dev_pm_ops = &bindings::dev_pm_ops {
        suspend: Some(Self::sleep),
        freeze: Some(Self::sleep),
        poweroff: Some(Self::sleep),
        resume: Some(Self::wake),
        thaw: Some(Self::wake),
        restore: Some(Self::wake),
        ..pin_init::zeroed()
    };

    const ERRORS: &'static bindings::pci_error_handlers = &bindings::pci_error_handlers {
        error_detected: Some(Self::error_detected),
        slot_reset: Some(Self::slot_reset),
        resume: Some(Self::error_resume),
        reset_prepare: Some(Self::reset_prepare),
        reset_done: Some(Self::reset_done),
        ..pin_init::zeroed()
    };

    unsafe extern "C" fn sleep(dev: *mut bindings::device) -> c_int {
        // SAFETY: the PCI bus type calls the driver of a device it has, which is in a `pci_dev`.
        let pdev = unsafe { container_of!(dev, bindings::pci_dev, dev) };
        // SAFETY: the PM core holds the device lock for these callbacks, and they are those of the
        // driver that is bound; binding happens with the lock held as a whole.
        unsafe { bound::with::<T, _>(pdev, |_, this| this.interrupt(Interruption::Sleep)) };
        0
    }

    unsafe extern "C" fn wake(dev: *mut bindings::device) -> c_int {
        // SAFETY: as in `sleep`.
        let pdev = unsafe { container_of!(dev, bindings::pci_dev, dev) };
        from_result(|| {
            // SAFETY: as in `sleep`.
            unsafe { bound::with::<T, _>(pdev, |dev, this| this.resume(dev)) }.map(|()| 0)
        })
    }

    unsafe extern "C" fn shutdown(pdev: *mut bindings::pci_dev) {
        // SAFETY: the driver core holds the device lock and calls the driver that is bound.
        unsafe { bound::with::<T, _>(pdev, |_, this| this.interrupt(Interruption::Shutdown)) };
    }

    unsafe extern "C" fn reset_prepare(pdev: *mut bindings::pci_dev) {
        // SAFETY: the PCI core's resets hold the device lock and call the driver that is bound.
        unsafe {
            bound::with::<T, _>(pdev, |dev, this| {
                this.interrupt(Interruption::Reset);
                sriov::save_vfs(dev);
            })
        };
    }

    unsafe extern "C" fn reset_done(pdev: *mut bindings::pci_dev) {
        // SAFETY: as in `reset_prepare`.
        unsafe {
            bound::with::<T, _>(pdev, |dev, this| {
                sriov::restore_vfs(dev);
                // Logged there, and there is nobody to tell.
                let _ = this.resume(dev);
            })
        };
    }

    unsafe extern "C" fn error_detected(
        pdev: *mut bindings::pci_dev,
        state: bindings::pci_channel_state_t,
    ) -> bindings::pci_ers_result_t {
        // SAFETY: error recovery holds the device lock and calls the driver that is bound.
        unsafe {
            bound::with::<T, _>(pdev, |dev, this| {
                // Requests that the device has under way must not reach memory that gets a new
                // owner.
                // SAFETY: the device is valid and its lock is held (`Core`).
                raw::pci_clear_master(sys::pci_dev(dev));
                this.interrupt(Interruption::Error);
            })
        };
        if state == bindings::pci_channel_io_perm_failure {
            bindings::pci_ers_result_PCI_ERS_RESULT_DISCONNECT
        } else {
            bindings::pci_ers_result_PCI_ERS_RESULT_NEED_RESET
        }
    }

    unsafe extern "C" fn slot_reset(pdev: *mut bindings::pci_dev) -> bindings::pci_ers_result_t {
        // SAFETY: as in `error_detected`.
        let present = unsafe {
            bound::with::<T, _>(pdev, |dev, this| {
                let pdev = sys::pci_dev(dev);
                // SAFETY: the device is valid and its lock is held (`Core`). The state was saved by
                // `remember`, or later by the PCI core.
                raw::pci_restore_state(pdev);
                this.settle_master(dev);
                raw::pci_device_is_present(pdev)
            })
        };
        if present {
            bindings::pci_ers_result_PCI_ERS_RESULT_RECOVERED
        } else {
            bindings::pci_ers_result_PCI_ERS_RESULT_DISCONNECT
        }
    }

    unsafe extern "C" fn error_resume(pdev: *mut bindings::pci_dev) {
        // Logged there, and there is nobody to tell.
        // SAFETY: as in `error_detected`.
        let _ = unsafe { bound::with::<T, _>(pdev, |dev, this| this.resume(dev)) };
    }
}
