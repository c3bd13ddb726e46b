// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/debug/igb_rs/<bdf>/`: what protects the machine from the device, where its
//! interrupts go, what became of the VFs' messages.

use core::fmt::{
    self,
    Write, //
};

use igb_common::vf_slot::VfSlot;
use kernel::prelude::*;
use nic::{
    debugfs::{
        Directory,
        Writer, //
    },
    irq::Irq,
    net::Interface,
    pci::{
        Registered,
        Scope, //
    }, //
};

use crate::{
    driver::Igb,
    irq::OtherVector, //
};

/// Creates the files.
pub(crate) fn create<'bound>(
    scope: Scope<'bound>,
    interface: &Interface<'bound, Igb>,
    other: &Registered<'bound, Irq<'bound, OtherVector<'bound>>>,
) -> Result<Registered<'bound, Directory<'bound>>> {
    let adapter = interface.data();
    let directory = Directory::new(scope, c"igb_rs", adapter.dev().as_ref().name())?;

    directory.arena(kernel::sync::Arc::clone(adapter.arena()))?;

    let vfs = interface.shared();
    directory.file(c"vfs", move |out: &mut Writer<'_>| -> fmt::Result {
        let config = vfs.data().config().lock();
        let bank = &config.bank;
        let slots = bank.layout().vf_pools().filter_map(|vf| bank.slot(vf));
        slots.into_iter().try_for_each(|slot| line(out, slot))
    })?;

    let interface = interface.shared();
    let other = other.shared();
    directory.file(c"vectors", move |out: &mut Writer<'_>| -> fmt::Result {
        let config = interface.data().config().lock();
        other.show(out)?;
        config
            .running
            .iter()
            .try_for_each(|pair| pair.irq.show(out))
    })?;
    Ok(directory)
}

/// A VF's line in the file `vfs`.
fn line(out: &mut Writer<'_>, slot: &VfSlot) -> fmt::Result {
    write!(out, "{} {}", slot.vf(), slot.state())?;
    for (name, value) in slot.counters().named() {
        write!(out, " {} {value}", name.to_str().unwrap_or_default())?;
    }
    out.write_str("\n")
}
