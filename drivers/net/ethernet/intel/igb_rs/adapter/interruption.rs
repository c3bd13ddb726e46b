// SPDX-License-Identifier: GPL-2.0

//! Giving the device out of our hands and taking it back: sleep, resets from outside, bus errors.

use kernel::prelude::*;
use nic::net::{
    Interface,
    Rtnl, //
};

use crate::driver::Igb;

use super::Adapter;

impl<'bound> Adapter<'bound> {
    /// Stops the device and keeps everybody from it. VFs see a reset of their PF. What it was set to
    /// stays in the configuration; what the user asks for meanwhile is refused.
    ///
    /// With `accessible` false the device is left as it is. Nothing that is done regularly may run.
    /// Takes RTNL; sleeps.
    pub(crate) fn detach(&self, interface: &Interface<'bound, Igb>, accessible: bool) {
        let rtnl = Rtnl::lock();
        if let Some(registered) = interface.registered(&rtnl) {
            registered.detach();
        }
        interface.carrier_off();
        let mut config = self.config.lock();
        if !accessible {
            self.hw.block();
        }
        self.stop_queues(interface, &mut config, &rtnl);
        if accessible && self.reset_device(&mut config).is_ok() {
            // A device that is gone needs no word to its firmware.
            let _ = self.hw.set_driver_loaded(false);
        }
        self.hw.block();
    }

    /// Takes the device back and makes it what it was: the PF's link, queues and filters, the VFs and
    /// what the administrator said about them. Takes RTNL; sleeps.
    ///
    /// What fails then is tried again by the watchdog.
    ///
    /// Errors: `ENODEV` if the device does not answer. Nobody may access it then, as before.
    pub(crate) fn attach(&self, interface: &Interface<'bound, Igb>) -> Result {
        let rtnl = Rtnl::lock();
        let mut config = self.config.lock();
        self.hw.readmit()?;
        let wanted = interface.vlan_ids(&rtnl);
        config.bank.retain_pf_vlans(|vid| wanted.contains(vid));
        // It says so itself, and the watchdog comes next.
        let _ = self.bring_back(interface, &mut config, &rtnl);
        drop(config);
        if let Some(registered) = interface.registered(&rtnl) {
            registered.attach();
        }
        Ok(())
    }
}
