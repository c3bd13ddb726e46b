// SPDX-License-Identifier: GPL-2.0

//! Giving the function out of our hands and taking it back: sleep, resets from outside, bus errors.

use kernel::prelude::*;
use nic::net::{
    Interface,
    Rtnl, //
};

use crate::driver::Igbvf;

use super::{
    Adapter,
    Session, //
};

impl<'bound> Adapter<'bound> {
    /// Stops the function, which tells the PF, and keeps everybody from it. What it was set to stays
    /// in the configuration; what the user asks for meanwhile is refused.
    ///
    /// With `accessible` false the function is left as it is. The watchdog must not run. Takes RTNL;
    /// sleeps.
    pub(crate) fn detach(&self, interface: &Interface<'bound, Igbvf>, accessible: bool) {
        let rtnl = Rtnl::lock();
        if let Some(registered) = interface.registered(&rtnl) {
            registered.detach();
        }
        let mut config = self.config.lock();
        if accessible {
            self.update_stats(&mut config);
        }
        config.session = Session::new();
        if !accessible {
            self.hw.block();
        }
        self.stop_queues(interface, &mut config, &rtnl);
        self.update_link(interface, &mut config);
        if accessible {
            // A PF that is not there is told by its own reset; a device that is gone is quiet.
            let _ = self.hw.reset(&mut config.mailbox);
        }
        self.hw.block();
    }

    /// Takes the function back. The watchdog begins a session and starts the queues. Takes RTNL;
    /// sleeps. Errors: `ENODEV` if the device is gone.
    pub(crate) fn attach(&self, interface: &Interface<'bound, Igbvf>) -> Result {
        let rtnl = Rtnl::lock();
        let config = self.config.lock();
        self.hw.readmit()?;
        let wanted = interface.vlan_ids(&rtnl);
        config.vlans.retain(|vid| wanted.contains(vid));
        drop(config);
        if let Some(registered) = interface.registered(&rtnl) {
            registered.attach();
        }
        Ok(())
    }
}
