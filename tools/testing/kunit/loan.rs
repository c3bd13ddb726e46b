// SPDX-License-Identifier: GPL-2.0

//! A real device for a case: a driver that binds to every port without one, tries something and lets go.

use core::marker::PhantomData;

use kernel::{
    device::Bound,
    driver::Registration,
    pci,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    ModuleMetadata, //
};
use nic::pci::{
    Adapter,
    Driver,
    Scope, //
};

use crate::Suites;

/// What is tried. Not by assertions: the PCI core waits for it.
pub(crate) trait Trial: 'static {
    /// Runs while `dev` is bound.
    ///
    /// # Errors
    ///
    /// The line of what does not hold: see [`ensure`].
    fn run<'bound>(dev: &'bound pci::Device<Bound>, scope: Scope<'bound>) -> Result<(), u32>;
}

/// Ends a trial unless a condition holds.
macro_rules! ensure {
    ($condition:expr) => {
        if !$condition {
            return Err(line!());
        }
    };
}
pub(crate) use ensure;

static PORTS: Atomic<u32> = Atomic::new(0);
static FAILED: Atomic<u32> = Atomic::new(0);

struct Borrower<T>(PhantomData<T>);

kernel::pci_device_table!(
    TABLE,
    (),
    [(pci::DeviceId::from_id(pci::Vendor::INTEL, 0x10c9), ())]
);

#[vtable]
impl<T: Trial> Driver for Borrower<T> {
    type IdInfo = ();
    type Data<'bound> = ();

    const ID_TABLE: pci::IdTable<()> = &TABLE;
    const DMA_BITS: u32 = 64;

    fn probe<'bound>(
        dev: &'bound pci::Device<Bound>,
        scope: Scope<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<(), Error> + 'bound {
        PORTS.add(1, Relaxed);
        if let Err(line) = T::run(dev, scope) {
            FAILED.store(line, Relaxed);
        }
        Err::<(), _>(ENODEV)
    }
}

/// Tries `T` on every port. Returns the line of what does not hold, 0 if there is none and there are ports.
pub(crate) fn failed<T: Trial>() -> u32 {
    const MODULE: &ThisModule = &<Suites as ModuleMetadata>::THIS_MODULE;
    PORTS.store(0, Relaxed);
    FAILED.store(0, Relaxed);
    let registration = Registration::<Adapter<Borrower<T>>>::new(c"igb_kunit", MODULE);
    match KBox::pin_init(registration, GFP_KERNEL) {
        Ok(_) if PORTS.load(Relaxed) != 0 => FAILED.load(Relaxed),
        _ => line!(),
    }
}
