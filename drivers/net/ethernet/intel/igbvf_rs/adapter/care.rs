// SPDX-License-Identifier: GPL-2.0

//! The regular look at the function, recovery, the link.

use igb_common::mbx::VfRequest;
use kernel::{
    prelude::*,
    sync::atomic::Relaxed, //
};
use nic::{
    ethtool::Messages,
    net::{
        Interface,
        MacAddress,
        Rtnl, //
    }, //
};

use crate::driver::Igbvf;

use super::{
    Adapter,
    Config, //
};

/// Milliseconds between two looks. Short enough for no 32-bit counter to overflow between two.
const PERIOD_MS: u32 = 2000;

impl<'bound> Adapter<'bound> {
    /// Looks at everything, and begins a new session if there is none. Returns the milliseconds after
    /// which to come again. Sleeps.
    pub(crate) fn look_after(&self, interface: &Interface<'bound, Igbvf>) -> u32 {
        let mut config = self.config.lock();
        if !self.hw.check_alive() {
            // It was removed, which ends this service; or the physical function is being reset, and
            // this one has no registers for so long.
            if self.hw.readmit().is_err() {
                interface.carrier_off();
                return config.session.not_yet();
            }
            dev_info!(self.dev, "the function answers again\n");
            config.session.close();
        }
        self.serve_mailbox(&mut config);
        if config.session.is_open() && self.is_reset_unasked(&config) {
            // By the administrator, through sysfs, for one.
            dev_warn!(self.dev, "the function was reset behind our back\n");
            config.session.close();
        }
        self.update_stats(&mut config);
        if self.reset_wanted.xchg(false, Relaxed) && config.session.is_open() {
            // Tells a hang of the device (head behind tail) from one of the driver.
            let (head, tail) = self.hw.tx_position().unwrap_or_default();
            dev_warn!(
                self.dev,
                "transmit head {head}, tail {tail}: resetting the function\n"
            );
            config.session.close();
        }
        if config.session.is_open() && !config.session.is_clear_to_send() {
            // Has the PF forgotten us, or taken our link away? It tells with the answer to anything;
            // an answer that ends the session is dealt with below.
            let frame = config.mtu.max_frame();
            let _ = self.ask(&mut config, VfRequest::SetLpe(frame));
        }
        if !core::mem::take(&mut config.vlan_removed) {
            self.forget_tags(&config);
        }
        self.update_link(interface, &mut config);
        let is_open = config.session.is_open();
        let renew = config.stale_queue || config.running.is_none();
        drop(config);
        if !is_open {
            return self.recover(interface);
        }
        if renew && interface.is_running() {
            self.renew_queues(interface, &Rtnl::lock());
        }
        PERIOD_MS
    }

    /// Adds what the device has counted. Without a session it cannot be told from what was counted before
    /// a reset, which the beginning of a session takes note of.
    pub(crate) fn update_stats(&self, config: &mut Config<'bound>) {
        if !config.session.is_open() {
            return;
        }
        let mut stats = config.stats;
        // A device that is gone shows at the next sign of life.
        if self.hw.update_stats(&mut stats).is_err() {
            return;
        }
        // A reset sets the counters to zero, at any time, before we can know: what was read counts if
        // there was none until now.
        let events = self.hw.mailbox_events(&mut config.mailbox);
        if events.is_ok_and(|events| !events.pf_reset) && !self.is_reset_unasked(config) {
            config.stats = stats;
        }
    }

    /// Whether somebody else has reset the function, as far as a queue that runs tells.
    fn is_reset_unasked(&self, config: &Config<'bound>) -> bool {
        config.running.is_some() && matches!(self.hw.rx_queue_enabled(), Ok(false))
    }

    /// Starts the queues if they should run and do not, for want of memory so far, or if packets from
    /// before a loss of the link are still in the ring.
    fn renew_queues(&self, interface: &Interface<'bound, Igbvf>, rtnl: &Rtnl) {
        let mut config = self.config.lock();
        let is_stale = core::mem::take(&mut config.stale_queue);
        let wanted = config.session.is_open() && interface.is_running();
        if wanted && (is_stale || config.running.is_none()) {
            self.stop_queues(interface, &mut config, rtnl);
            // On failure, which is logged, the next look tries again.
            let _ = self.start_queues(interface, &mut config, rtnl);
        }
        self.update_link(interface, &mut config);
    }

    /// Begins a new session and starts the queues if they should run. Returns the milliseconds after
    /// which to come again.
    ///
    /// RTNL is not held while waiting for the PF.
    fn recover(&self, interface: &Interface<'bound, Igbvf>) -> u32 {
        let rtnl = Rtnl::lock();
        self.stop_queues(interface, &mut self.config.lock(), &rtnl);
        drop(rtnl);

        let mut config = self.config.lock();
        if self.connect(&mut config).is_err() {
            return config.session.wait_ms();
        }
        drop(config);

        let rtnl = Rtnl::lock();
        let mac = MacAddress(self.config.lock().mac.bytes());
        let is_given = interface.mac(&rtnl) != mac;
        if is_given {
            dev_info!(self.dev, "the PF has given address {mac}\n");
            if let Some(registered) = interface.registered(&rtnl) {
                registered.adopt_mac(mac);
            }
        }
        self.renew_queues(interface, &rtnl);
        if is_given {
            if let Some(registered) = interface.registered(&rtnl) {
                registered.announce();
            }
        }
        PERIOD_MS
    }

    /// Looks at the link, tells the log if it changed and the stack what it may use: the port's link,
    /// while the PF lets us use it and the queues run. Sleeps.
    pub(crate) fn update_link(
        &self,
        interface: &Interface<'bound, Igbvf>,
        config: &mut Config<'bound>,
    ) {
        let link = if config.session.is_clear_to_send() {
            // A device that is gone has no link.
            self.hw.link_state().unwrap_or(None)
        } else {
            None
        };
        if link != config.link_now {
            config.link_now = link;
            match link {
                _ if !config.messages.contains(Messages::LINK) => {}
                Some(link) => dev_info!(
                    self.dev,
                    "link up, {} Mb/s, {} duplex\n",
                    link.speed.mbps(),
                    if link.full_duplex { "full" } else { "half" },
                ),
                None => dev_info!(self.dev, "link down\n"),
            }
        }
        let runs = config.running.is_some();
        let usable = link.is_some() && runs;
        config.ran_without_link |= link.is_none() && runs;
        // What the device could not send while the link was away, it looks at with the next doorbell
        // only; the stack's queue may be stopped, so that none comes.
        config.stale_queue = usable && config.ran_without_link && self.has_unsent();
        if usable && !config.stale_queue {
            config.ran_without_link = false;
            interface.carrier_on();
        } else {
            interface.carrier_off();
        }
    }

    /// Whether the transmit ring has packets that the device has not looked at.
    fn has_unsent(&self) -> bool {
        matches!(self.hw.tx_position(), Ok((head, tail)) if head != tail)
    }
}
