// SPDX-License-Identifier: GPL-2.0

//! Binding to the device.

use kernel::{
    device::Core,
    pci,
    prelude::*, //
};

use nic::pci::{
    Driver,
    Scope, //
};

/// The driver.
pub(crate) struct Igb;

kernel::pci_device_table!(
    PCI_TABLE,
    <Igb as Driver>::IdInfo,
    [(pci::DeviceId::from_id(pci::Vendor::INTEL, 0x10C9), ())]
);

#[vtable]
impl Driver for Igb {
    type IdInfo = ();
    type Data<'bound> = ();

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;
    const DMA_BITS: u32 = 64;
    const MAX_VFS: u16 = 7;

    fn probe<'bound>(
        dev: &'bound pci::Device<Core<'_>>,
        scope: Scope<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<(), Error> + 'bound {
        let _ = scope;
        dev_info!(dev, "bound\n");
        Ok(())
    }
}
