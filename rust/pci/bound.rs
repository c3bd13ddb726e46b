// SPDX-License-Identifier: GPL-2.0

//! What is kept for a bound device, from probe to unbind.

use kernel::{
    bindings,
    device::{
        Core,
        CoreInternal, //
    },
    pci,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    types::Opaque, //
};
use pin_init::Wrapper;

use super::{
    adapter::Driver,
    interruption::{
        self,
        Interruption, //
    },
    scope::{
        Resources,
        Scope, //
    }, //
};

/// The driver's data and, after it, the registrations of the binding.
///
/// Field order is drop order.
#[pin_data]
pub(super) struct Binding<'bound, T: Driver> {
    #[pin]
    data: T::Data<'bound>,
    resources: Pin<KBox<Resources>>,
    /// Between [`Driver::interrupt`] and [`Driver::resume`]. Changed with the device lock held.
    interrupted: Atomic<bool>,
}

impl<'bound, T: Driver> Binding<'bound, T> {
    fn new<'core>(
        dev: &'bound pci::Device<Core<'core>>,
        info: Option<&'bound T::IdInfo>,
    ) -> impl PinInit<Self, Error> + use<'bound, 'core, T> {
        pin_init::pin_init_scope(move || {
            let resources = KBox::pin_init(Resources::new(), GFP_KERNEL)?;
            let list: *const Resources = &*resources;
            // SAFETY: the box is moved into `Self`, which closes and frees it as its last act,
            // still within `'bound`; on failure below it is dropped after everything that was
            // registered. This function is generic over `'bound`.
            let scope = unsafe { Scope::new(&*list) };

            Ok(try_pin_init!(Self {
                resources: resources,
                interrupted: Atomic::new(false),
                data <- T::probe(dev, scope, info),
                _: { interruption::remember(dev)? },
            }? Error))
        })
    }

    pub(super) fn data(self: Pin<&Self>) -> Pin<&T::Data<'bound>> {
        // SAFETY: `data` is structurally pinned, it is never moved out.
        unsafe { self.map_unchecked(|this| &this.data) }
    }

    /// As [`Resources::settle_master`].
    pub(super) fn settle_master(&self, dev: &pci::Device<Core<'_>>) {
        self.resources.settle_master(dev);
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Relaxed)
    }

    /// Has the driver stop, unless it did already.
    pub(super) fn interrupt(self: Pin<&Self>, interruption: Interruption) {
        if !self.is_interrupted() {
            self.interrupted.store(true, Relaxed);
            T::interrupt(self.data(), interruption);
        }
    }

    /// Has the driver go on, if it stopped.
    pub(super) fn resume(self: Pin<&Self>, dev: &pci::Device<Core<'_>>) -> Result {
        if self.is_interrupted() {
            // An error took it away, and so does the restored state of the device after one that
            // was not recovered from, as a reset or sleep does.
            self.settle_master(dev);
            T::resume(self.data())
                .inspect_err(|e| dev_err!(dev, "the device does not come back: {e:?}\n"))?;
            self.interrupted.store(false, Relaxed);
        }
        Ok(())
    }
}

/// What the kernel crate keeps for a bound device: a [`Binding`], which ends in unbind.
///
/// The kernel crate drops it later than that, when the PCI core has given up the DMA ownership of the
/// IOMMU group. Then root may change the group's default domain, and a private domain can no more be
/// detached.
///
/// # Invariants
///
/// `binding` is initialised unless `ended` says that it was dropped.
#[pin_data(PinnedDrop)]
pub struct Bound<'bound, T: Driver> {
    #[pin]
    binding: Opaque<Binding<'bound, T>>,
    /// Changed with the device lock held.
    ended: Atomic<bool>,
}

impl<'bound, T: Driver> Bound<'bound, T> {
    pub(super) fn new<'core>(
        dev: &'bound pci::Device<Core<'core>>,
        info: Option<&'bound T::IdInfo>,
    ) -> impl PinInit<Self, Error> + use<'bound, 'core, T> {
        // INVARIANT: initialised here; nothing can fail after it.
        try_pin_init!(Self {
            ended: Atomic::new(false),
            binding <- Opaque::pin_init(Binding::new(dev, info)),
        }? Error)
    }

    /// # Safety
    ///
    /// Must come before [`Self::end`], and the reference must not be used after it.
    pub(super) unsafe fn binding(self: Pin<&Self>) -> Pin<&Binding<'bound, T>> {
        // SAFETY: initialised (invariant and safety requirements); structurally pinned.
        unsafe { self.map_unchecked(|this| &*this.binding.get()) }
    }

    /// Drops the binding.
    ///
    /// # Safety
    ///
    /// Nobody may use it now or later: the device lock is held, and the device is being unbound.
    pub(super) unsafe fn end(self: Pin<&Self>) {
        // INVARIANT: dropped right away.
        if !self.ended.xchg(true, Relaxed) {
            // SAFETY: initialised (invariant), never moved, and used by nobody (safety requirements).
            unsafe { self.binding.get().drop_in_place() };
        }
    }
}

#[pinned_drop]
impl<T: Driver> PinnedDrop for Bound<'_, T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: it is borrowed mutably, for the last time.
        unsafe { self.as_ref().end() };
    }
}

/// Calls `f` with the device and what is bound to it.
///
/// # Safety
///
/// `pdev` must be valid, bound to this driver with its probe behind it and its unbind before it, and
/// its device lock held for the call.
pub(super) unsafe fn with<T: Driver, R>(
    pdev: *mut bindings::pci_dev,
    f: impl for<'a> FnOnce(&'a pci::Device<Core<'a>>, Pin<&'a Binding<'a, T>>) -> R,
) -> R {
    // SAFETY: valid and locked by the safety requirements.
    let dev = unsafe { &*pdev.cast::<pci::Device<CoreInternal<'_>>>() };
    // SAFETY: bound by the safety requirements, so probe has stored a `Bound<T>`.
    let this = unsafe { dev.as_ref().drvdata_borrow::<Bound<'_, T>>() };
    // SAFETY: unbind, which ends it, takes the lock.
    f(dev, unsafe { this.binding() })
}
