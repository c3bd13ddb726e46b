// SPDX-License-Identifier: GPL-2.0

//! The link: up from probe on, whether or not the PF's interface is, because VFs use it too.

use kernel::prelude::*;
use nic::{
    ethtool::Messages,
    net::Interface, //
};

use crate::{
    driver::Igb,
    hw::{
        LinkConfig,
        PhyLink, //
    }, //
};

use super::{
    Adapter,
    Config, //
};

impl<'bound> Adapter<'bound> {
    /// Looks at the link and tells everyone if it changed: the stack, the log, the VFs. Sleeps. Errors:
    /// `ENODEV` if the device is gone.
    pub(crate) fn update_link(
        &self,
        interface: &Interface<'bound, Igb>,
        config: &mut Config<'bound>,
    ) -> Result {
        let link = self.hw.link_state()?;
        let changed = link != config.link_now;
        let told = config.messages.contains(Messages::LINK);
        if changed {
            config.link_now = link;
            config.flow_due = link.is_some();
            config.phy_link = PhyLink::default();
            match link {
                _ if !told => {}
                Some(link) => dev_info!(
                    self.dev,
                    "link up, {} Mb/s, {} duplex\n",
                    link.speed.mbps(),
                    if link.full_duplex { "full" } else { "half" },
                ),
                None => dev_info!(self.dev, "link down\n"),
            }
        }
        // The firmware may keep the PHY. The link works all the same; the next look tries again.
        if config.flow_due {
            let before = config.flow;
            self.settle_flow_control(config);
            if told && !config.flow_due && (changed || config.flow != before) {
                dev_info!(self.dev, "flow control {}\n", config.flow.name());
            }
        }
        if changed {
            config.bank.link_changed();
            if let Err(e) = self.flush(config) {
                dev_err!(self.dev, "telling the VFs of the link failed: {e:?}\n");
            }
        }
        let runs = !config.running.is_empty();
        let usable = link.is_some() && runs;
        config.ran_without_link |= link.is_none() && runs;
        // The device does not send without a link, and what it could not send it looks at with the next
        // doorbell only; a queue of the stack may be stopped, so that none comes. (QEMU sends all the same.)
        if usable && config.ran_without_link && self.has_unsent(config) {
            config.stale_queues = true;
        }
        if usable && !config.stale_queues {
            config.ran_without_link = false;
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
        config.flow_due = config.link_now.is_some();
        self.update_link(interface, config)
    }

    /// Puts into force what was negotiated, or set, about flow control; its thresholds depend on the
    /// MTU. Without a link that waits. What fails is logged, and the regular look tries again.
    pub(crate) fn settle_flow_control(&self, config: &mut Config<'bound>) {
        if let Err(e) = self.update_flow_control(config) {
            dev_err!(self.dev, "flow control not yet set: {e:?}\n");
        }
    }

    fn update_flow_control(&self, config: &mut Config<'bound>) -> Result {
        if let Some(link) = config.link_now {
            if config.flow_due {
                // What the partner offered is not known yet.
                config.phy_link = self.hw.phy_link()?;
            }
            config.flow_due = true;
            config.flow = self.hw.resolve_flow_control(
                &config.link,
                link,
                &config.phy_link.partner,
                config.mtu.max_frame(),
            )?;
            let drop = config.drops(self);
            for pair in config.running.iter() {
                self.hw.set_rx_drop(pair.queue, drop)?;
            }
            config.flow_due = false;
        }
        Ok(())
    }

    /// Resets the PHY and makes the link what the configuration says, unless the management controller needs it as
    /// it is.
    pub(super) fn restore_link(&self, config: &Config<'bound>) -> Result {
        if self.hw.phy_in_use()? {
            dev_info!(
                self.dev,
                "PHY left as it is: the management controller redirects a console or disk over it\n"
            );
            return self.hw.follow_phy();
        }
        self.hw.phy_init()?;
        self.hw.configure_link(&config.link)
    }

    /// Makes the link what `wanted` says. It goes down and comes up again.
    ///
    /// Errors: `EINVAL` for what the device cannot do, `EBUSY` if the management controller needs the link: then
    /// the old link stays. If the firmware takes the PHY half way, a part of `wanted` is in it until the next
    /// reset.
    pub(crate) fn set_link(&self, config: &mut Config<'bound>, wanted: LinkConfig) -> Result {
        if self.hw.phy_in_use()? {
            dev_err!(
                self.dev,
                "the link cannot be changed: the management controller redirects a console or disk over it\n"
            );
            return Err(EBUSY);
        }
        self.hw.configure_link(&wanted)?;
        config.link = wanted;
        Ok(())
    }
}
