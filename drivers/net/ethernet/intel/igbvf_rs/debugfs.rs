// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/debug/igbvf_rs/<bdf>/`: what protects the machine from the device, and where its
//! interrupts go.

use core::fmt;

use kernel::{
    prelude::*,
    sync::Arc, //
};
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
    driver::Igbvf,
    irq::MailboxVector, //
};

/// Creates the files.
pub(crate) fn create<'bound>(
    scope: Scope<'bound>,
    interface: &Interface<'bound, Igbvf>,
    mailbox: &[Registered<'bound, Irq<'bound, MailboxVector<'bound>>>; 2],
) -> Result<Registered<'bound, Directory<'bound>>> {
    let adapter = interface.data();
    let directory = Directory::new(scope, c"igbvf_rs", adapter.dev().as_ref().name())?;
    directory.arena(Arc::clone(adapter.arena()))?;

    let interface = interface.shared();
    let mailbox = mailbox.each_ref().map(|irq| irq.shared());
    directory.file(c"vectors", move |out: &mut Writer<'_>| -> fmt::Result {
        if let Some(running) = &interface.data().config().lock().running {
            running.irq.show(out)?;
        }
        mailbox.iter().try_for_each(|irq| irq.show(out))
    })?;
    Ok(directory)
}
