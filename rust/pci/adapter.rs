// SPDX-License-Identifier: GPL-2.0

//! The PCI driver adapter: the kernel crate's, with SR-IOV, a DMA mask set before probe and a
//! [`Scope`] for registrations.

use core::marker::PhantomData;

use kernel::{
    bindings,
    device::{
        self,
        Core, //
    },
    dma::{
        Device as _,
        DmaMask, //
    },
    driver,
    error::from_result,
    pci,
    prelude::*,
    str::CStr,
    types::Opaque,
    ThisModule, //
};

use crate::dma;

use super::{
    bound::{
        self,
        Binding,
        Bound, //
    },
    express,
    interruption::{
        self,
        Interruption, //
    },
    scope::Scope,
    sriov::{
        self,
        SriovDisable,
        SriovEnable,
        SriovEnabled, //
    }, //
};

/// A PCI network driver.
///
/// Declare the module with [`crate::module_nic_driver!`].
///
/// All callbacks run in process context with the device lock held and may sleep. They get the
/// device without the rights that come with the lock: the library enables its memory space before
/// probe, and lets it make requests as long as the memory for that exists.
///
/// # Examples
///
/// ```
/// use kernel::{device::Bound, pci, prelude::*};
/// use nic::pci::{Driver, Scope};
///
/// struct Quiet;
///
/// kernel::pci_device_table!(
///     TABLE,
///     <Quiet as Driver>::IdInfo,
///     [(pci::DeviceId::from_id(pci::Vendor::INTEL, 0x10ca), ())]
/// );
///
/// #[vtable]
/// impl Driver for Quiet {
///     type IdInfo = ();
///     type Data<'bound> = ();
///
///     const ID_TABLE: pci::IdTable<()> = &TABLE;
///     const DMA_BITS: u32 = 64;
///
///     fn probe<'bound>(
///         dev: &'bound pci::Device<Bound>,
///         _scope: Scope<'bound>,
///         _info: Option<&'bound ()>,
///     ) -> impl PinInit<(), Error> + 'bound {
///         dev_info!(dev, "bound\n");
///         Ok::<(), Error>(())
///     }
/// }
/// ```
#[vtable]
pub trait Driver: Sized + 'static {
    /// What the id table says about a device.
    type IdInfo: 'static;

    /// What the driver keeps for a bound device. Dropped right after [`Driver::unbind`]; then whatever
    /// is left in the [`Scope`] is unregistered.
    type Data<'bound>: Send + Sync + 'bound;

    /// The devices the driver binds to.
    const ID_TABLE: pci::IdTable<Self::IdInfo>;

    /// Width of the addresses the device can put on the bus.
    const DMA_BITS: u32;

    /// VFs the driver can serve; 0 for a driver without SR-IOV. `sriov_totalvfs` shows the smaller
    /// of this and what the device offers, and the PCI core answers more with `ERANGE`.
    const MAX_VFS: u16 = 0;

    /// Whether the function is to wait 16 to 55 ms for the completion of a read, if it can and
    /// nobody has decided otherwise; the PCI Express default may be as little as 50 us.
    const LONG_COMPLETION_TIMEOUT: bool = false;

    /// Brings the device up, whose memory space is enabled. It can make no requests, DMA or
    /// interrupts, before there is an [`Arena`](crate::dma::Arena).
    fn probe<'bound>(
        dev: &'bound pci::Device<device::Bound>,
        scope: Scope<'bound>,
        info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound;

    /// Quiets the device. No VF exists any more. Data is dropped afterwards.
    fn unbind(this: Pin<&Self::Data<'_>>) {
        let _ = this;
    }

    /// `echo N > sriov_numvfs`, from none: prepare the device for `enable.num_vfs()` VFs, then call
    /// [`SriovEnable::enable`]. On error the driver has undone its part; dropping the guard disables
    /// the VFs.
    fn sriov_enable<'cb>(
        this: Pin<&'cb Self::Data<'_>>,
        enable: SriovEnable<'cb>,
    ) -> Result<SriovEnabled<'cb>> {
        let _ = (this, enable);
        Err(EOPNOTSUPP)
    }

    /// `echo 0 > sriov_numvfs`, or the driver is about to be unbound: call
    /// [`SriovDisable::disable`], which takes the VFs off the bus, then return the device's
    /// resources to the PF. The adapter disables if the driver did not.
    fn sriov_disable<'cb>(this: Pin<&'cb Self::Data<'_>>, disable: SriovDisable<'cb>) {
        let _ = this;
        disable.disable();
    }

    /// Something else takes the device over: stop it, and keep everybody from it until
    /// [`Driver::resume`]. What the device was set to must be remembered; it may come back as after
    /// power on.
    ///
    /// Comes after probe, never twice without a [`Driver::resume`] that succeeded in between.
    /// [`Driver::unbind`] may follow instead. VFs may exist, with drivers of their own.
    fn interrupt(this: Pin<&Self::Data<'_>>, interruption: Interruption) {
        let _ = (this, interruption);
    }

    /// The device is back, its configuration space as it was: make it what it was. On error, which
    /// the adapter logs, the driver stays interrupted, and leaves the device alone.
    fn resume(this: Pin<&Self::Data<'_>>) -> Result {
        let _ = this;
        Ok(())
    }
}

/// What the kernel crate's adapter sees of the driver.
pub struct Inner<T: Driver>(PhantomData<T>);

impl<T: Driver> pci::Driver for Inner<T> {
    type IdInfo = T::IdInfo;
    type Data<'bound> = Bound<'bound, T>;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = T::ID_TABLE;

    fn probe<'bound>(
        dev: &'bound pci::Device<Core<'_>>,
        info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Bound<'bound, T>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            let mask = DmaMask::try_new(T::DMA_BITS)?;
            // SAFETY: probe has just begun, nothing can have allocated or mapped DMA memory yet.
            unsafe { dev.dma_set_mask_and_coherent(mask)? };
            sriov::limit(dev, T::MAX_VFS);
            dev.enable_device_mem()?;
            if T::LONG_COMPLETION_TIMEOUT {
                express::lengthen_completion_timeout(dev);
            }
            Ok(Bound::new(dev, info))
        })
    }

    fn unbind<'bound>(dev: &'bound pci::Device<Core<'_>>, this: Pin<&Bound<'bound, T>>) {
        // SAFETY: the device lock is held, and nothing but this ends the binding.
        let data = unsafe { this.binding() }.data();
        if sriov::num_vfs(dev) != 0 {
            disable_vfs::<T>(dev, data);
        }
        T::unbind(data);
        // SAFETY: the device lock is held, and no callback comes after this one.
        unsafe { this.end() };
    }
}

fn disable_vfs<T: Driver>(dev: &pci::Device<Core<'_>>, data: Pin<&T::Data<'_>>) {
    T::sriov_disable(data, SriovDisable::new(dev));
    if sriov::num_vfs(dev) != 0 {
        SriovDisable::new(dev).disable();
    }
}

type KernelAdapter<T> = pci::Adapter<Inner<T>>;

/// Registers a [`Driver`] with the PCI core.
pub struct Adapter<T: Driver>(PhantomData<T>);

// SAFETY: all three items are those of the kernel crate's adapter, which does the registration.
unsafe impl<T: Driver> driver::DriverLayout for Adapter<T> {
    type DriverType = <KernelAdapter<T> as driver::DriverLayout>::DriverType;
    type DriverData<'bound> = <KernelAdapter<T> as driver::DriverLayout>::DriverData<'bound>;
    const DEVICE_DRIVER_OFFSET: usize =
        <KernelAdapter<T> as driver::DriverLayout>::DEVICE_DRIVER_OFFSET;
}

// SAFETY: registration and unregistration are delegated to the kernel crate's adapter.
unsafe impl<T: Driver> driver::RegistrationOps for Adapter<T> {
    unsafe fn register(
        pdrv: &Opaque<bindings::pci_driver>,
        name: &'static CStr,
        module: &'static ThisModule,
    ) -> Result {
        // SAFETY: the structure is initialised and not yet registered, nobody else looks at it.
        unsafe {
            if T::HAS_SRIOV_ENABLE {
                (*pdrv.get()).sriov_configure = Some(Self::sriov_configure_callback);
            }
            if T::HAS_INTERRUPT && T::HAS_RESUME {
                interruption::fill::<T>(&mut *pdrv.get());
            }
        }
        // SAFETY: the requirements are those of this function.
        unsafe { KernelAdapter::<T>::register(pdrv, name, module) }
    }

    unsafe fn unregister(pdrv: &Opaque<bindings::pci_driver>) {
        // SAFETY: the requirements are those of this function.
        unsafe { KernelAdapter::<T>::unregister(pdrv) };
        // No device is bound any more.
        dma::warn_if_left();
    }
}

impl<T: Driver> Adapter<T> {
    extern "C" fn sriov_configure_callback(pdev: *mut bindings::pci_dev, num_vfs: c_int) -> c_int {
        let configure = |dev: &pci::Device<Core<'_>>, this: Pin<&Binding<'_, T>>| {
            let num_vfs = u16::try_from(num_vfs)?;
            if num_vfs == 0 {
                sriov::check_unassigned(dev)?;
                disable_vfs::<T>(dev, this.data());
                return Ok(0);
            }
            if this.is_interrupted() {
                dev_err!(dev, "the device has not come back, it can have no VFs\n");
                return Err(ENODEV);
            }
            let enabled = T::sriov_enable(this.data(), SriovEnable::new(dev, num_vfs))?;
            sriov::order(dev);
            enabled.keep();
            Ok(num_vfs.into())
        };
        // SAFETY: sysfs holds the device lock for the call, and checks under it that the driver is bound.
        from_result(|| unsafe { bound::with(pdev, configure) })
    }
}

/// Declares a module with a single [`Driver`]; the fields are those of `kernel::module!`.
#[macro_export]
macro_rules! module_nic_driver {
    ($($f:tt)*) => {
        ::kernel::module_driver!(<T>, $crate::pci::Adapter<T>, { $($f)* });
    };
}
