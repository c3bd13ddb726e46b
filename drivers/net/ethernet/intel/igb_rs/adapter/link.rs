// SPDX-License-Identifier: GPL-2.0

//! The link: up from probe on, whether or not the PF's interface is, because VFs use it too.

use kernel::prelude::*;
use nic::net::Interface;

use crate::{
    driver::Igb,
    hw::LinkConfig, //
};

use super::{
    Adapter,
    Config, //
};

impl<'bound> Adapter<'bound> {
    /// Looks at the link and tells everyone if it changed: the stack, the log, the VFs. Sleeps.
    pub(crate) fn update_link(
        &self,
        interface: &Interface<'bound, Igb>,
        config: &mut Config<'bound>,
    ) -> Result {
        let link = self.hw.link_state()?;
        if link != config.link_now {
            config.link_now = link;
            match link {
                Some(link) => {
                    self.update_flow_control(config)?;
                    dev_info!(
                        self.dev,
                        "link up, {} Mb/s, {} duplex, flow control {}\n",
                        link.speed.mbps(),
                        if link.full_duplex { "full" } else { "half" },
                        match (config.flow.rx, config.flow.tx) {
                            (true, true) => "rx/tx",
                            (true, false) => "rx",
                            (false, true) => "tx",
                            (false, false) => "off",
                        },
                    );
                }
                None => dev_info!(self.dev, "link down\n"),
            }
            config.bank.link_changed();
            self.flush(config)?;
        }
        if link.is_some() && !config.running.is_empty() {
            interface.carrier_on();
        } else {
            interface.carrier_off();
        }
        Ok(())
    }

    /// The device says that the link changed. It may have gone and come back before anybody looked, the
    /// same but for what was negotiated about flow control. Sleeps.
    pub(crate) fn link_changed(
        &self,
        interface: &Interface<'bound, Igb>,
        config: &mut Config<'bound>,
    ) -> Result {
        let before = config.link_now;
        self.update_link(interface, config)?;
        if config.link_now == before {
            self.update_flow_control(config)?;
        }
        Ok(())
    }

    /// Puts into force what was negotiated, or set, about flow control; its thresholds depend on the
    /// MTU. Without a link that waits.
    pub(crate) fn update_flow_control(&self, config: &mut Config<'bound>) -> Result {
        if let Some(link) = config.link_now {
            config.flow =
                self.hw
                    .resolve_flow_control(&config.link, link, config.mtu.max_frame())?;
        }
        Ok(())
    }

    /// Makes the link what `wanted` says. It goes down and comes up again.
    ///
    /// Errors: `EINVAL` for what the device cannot do; then the old link stays.
    pub(crate) fn set_link(&self, config: &mut Config<'bound>, wanted: LinkConfig) -> Result {
        self.hw.configure_link(&wanted)?;
        config.link = wanted;
        Ok(())
    }
}
