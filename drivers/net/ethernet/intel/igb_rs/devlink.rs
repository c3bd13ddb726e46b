// SPDX-License-Identifier: GPL-2.0

//! devlink: what board and firmware this is, and the health reporter `vf`, which tells of VFs that do
//! more than they may.

use igb_common::vf_slot::{
    Offence,
    VfSlot, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};
use nic::{
    devlink::{
        Devlink,
        Handler,
        Info,
        Message, //
    },
    net::Interface,
    pci::{
        Registered,
        Scope, //
    }, //
};

use crate::driver::Igb;

/// What the instance tells about.
pub(crate) struct Port<'bound> {
    interface: Arc<Interface<'bound, Igb>>,
}

/// Registers the instance.
pub(crate) fn create<'bound>(
    scope: Scope<'bound>,
    interface: &Interface<'bound, Igb>,
) -> Result<Registered<'bound, Devlink<Port<'bound>>>> {
    let port = Port {
        interface: interface.shared(),
    };
    Devlink::new(scope, interface.data().dev(), port)
}

impl Port<'_> {
    /// Calls `show` for every VF there is.
    fn each_vf(&self, mut show: impl FnMut(&VfSlot)) {
        let config = self.interface.data().config().lock();
        let bank = &config.bank;
        for slot in bank.layout().vf_pools().filter_map(|vf| bank.slot(vf)) {
            show(slot);
        }
    }
}

impl Handler for Port<'_> {
    const REPORTER: &'static CStr = c"vf";

    fn info(&self, info: &mut Info<'_>) -> Result {
        let adapter = self.interface.data();
        info.device_serial_number(adapter.dev())?;
        if let Some(board) = adapter.board_id() {
            info.fixed(c"board.id", fmt!("{board}"))?;
        }
        info.running(c"fw", fmt!("{}", adapter.nvm_version()))
    }

    fn diagnose(&self, out: &mut Message<'_>) {
        out.list(c"VFs", |out| {
            self.each_vf(|slot| out.object(|out| counters(out, slot)));
        });
    }

    fn dump(&self, out: &mut Message<'_>) {
        out.list(c"VFs", |out| {
            self.each_vf(|slot| {
                if let Some(offence) = slot.offence() {
                    out.object(|out| last(out, slot.vf(), offence));
                }
            });
        });
    }

    fn recover(&self) -> Result {
        // Who waits for the end of a limit looks every few milliseconds.
        self.interface.data().config().lock().bank.lift_limits();
        Ok(())
    }
}

/// A VF's state and what became of its messages and resets.
fn counters(out: &mut Message<'_>, slot: &VfSlot) {
    out.number(c"VF", slot.vf().into());
    out.text(c"state", format_args!("{}", slot.state()));
    for (name, value) in slot.counters().named() {
        out.number(name, value);
    }
}

/// The last thing a VF did that it may not.
fn last(out: &mut Message<'_>, vf: u8, offence: &Offence) {
    out.number(c"VF", vf.into());
    out.text(c"offence", format_args!("{}", offence.event));
    out.number(c"uptime_ms", offence.at);
    if let Some(words) = &offence.words {
        out.text(c"message", format_args!("{words:08x?}"));
    }
}
