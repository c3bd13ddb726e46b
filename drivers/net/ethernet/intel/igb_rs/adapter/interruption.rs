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
        interface.detach(&rtnl);
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
    /// On error nobody may access the device, as before.
    pub(crate) fn attach(&self, interface: &Interface<'bound, Igb>) -> Result {
        let rtnl = Rtnl::lock();
        let mut config = self.config.lock();
        self.hw.readmit()?;
        self.bring_back(interface, &mut config, &rtnl)
            .inspect_err(|_| {
                self.stop_queues(interface, &mut config, &rtnl);
                // As good as nothing would be done about an error here.
                let _ = self.hw.reset();
                self.hw.block();
            })?;
        drop(config);
        interface.attach(&rtnl);
        Ok(())
    }
}
