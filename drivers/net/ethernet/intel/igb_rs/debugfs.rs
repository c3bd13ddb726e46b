// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/debug/igb_rs/<bdf>/`: what protects the machine from the device, and where its
//! interrupts go.

use core::fmt::{
    self,
    Write, //
};

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

    let interface = interface.shared();
    let other = other.shared();
    directory.file(c"vectors", move |out: &mut Writer<'_>| -> fmt::Result {
        writeln!(out, "{}", other.describe())?;
        let config = interface.data().config().lock();
        for pair in config.running.iter() {
            writeln!(out, "{}", pair.irq.describe())?;
        }
        Ok(())
    })?;
    Ok(directory)
}
