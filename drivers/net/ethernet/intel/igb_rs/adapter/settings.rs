// SPDX-License-Identifier: GPL-2.0

//! What the user changes while the device works. Nothing here resets it: VFs do not notice.

use igb_common::{
    itr::Coalescing,
    ring::RingSize,
    rss::{
        HashFields,
        Key,
        Reta, //
    }, //
};
use igb_hw::intr::moderation;
use kernel::prelude::*;
use nic::net::{
    Interface,
    Rtnl, //
};

use crate::{
    driver::Igb,
    hw::{
        FlowControl,
        HwStats,
        LinkMode, //
    }, //
};

use super::{
    Adapter,
    Config, //
};

/// Number and size of the PF's queues.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// As [`Config::pairs_wanted`].
    pub(crate) pairs: u8,
    /// As [`Config::rx_size`].
    pub(crate) rx_size: RingSize,
    /// As [`Config::tx_size`].
    pub(crate) tx_size: RingSize,
}

impl Config<'_> {
    /// Number and size of the queues.
    pub(crate) fn shape(&self) -> Shape {
        Shape {
            pairs: self.pairs_wanted,
            rx_size: self.rx_size,
            tx_size: self.tx_size,
        }
    }

    /// Before the number of pairs changes: the even spread, which the user may have gone back to, adapts to it, a table
    /// of his does not.
    pub(crate) fn forget_default_table(&mut self, interface: &Interface<'_, Igb>, rtnl: &Rtnl) {
        if !interface.has_rss_table(rtnl) {
            self.rss_table = None;
        }
    }

    /// Whether the queues are to run: also if they could not be started the last time.
    pub(super) fn may_run(&self, interface: &Interface<'_, Igb>) -> bool {
        interface.is_running() && self.retry_ms == 0
    }

    fn set_shape(&mut self, shape: Shape) {
        self.pairs_wanted = shape.pairs;
        self.rx_size = shape.rx_size;
        self.tx_size = shape.tx_size;
    }
}

impl<'bound> Adapter<'bound> {
    /// Gives the queues another shape; those that run stop for it. On error the old shape is in force,
    /// and unless memory was short the queues run again.
    pub(crate) fn reshape(
        &self,
        interface: &Interface<'bound, Igb>,
        config: &mut Config<'bound>,
        wanted: Shape,
        rtnl: &Rtnl,
    ) -> Result {
        let old = config.shape();
        let running = config.may_run(interface);
        let memory = if running {
            let pairs = self
                .pairs_for(config.bank.layout())
                .min(wanted.pairs)
                .max(1);
            Some(self.allocate_pairs(pairs, wanted.rx_size, wanted.tx_size)?)
        } else {
            None
        };

        self.stop_queues(interface, config, rtnl);
        config.forget_default_table(interface, rtnl);
        config.set_shape(wanted);
        let result = self.apply_pairs(config).and_then(|()| match memory {
            Some(memory) => self.launch(interface, config, memory, rtnl),
            None => Ok(()),
        });
        if result.is_err() {
            config.set_shape(old);
            self.apply_pairs(config)?;
            if running {
                self.start_queues(interface, config, rtnl)?;
            }
        }
        result
    }

    /// Writes what depends on the number of queue pairs to the device.
    fn apply_pairs(&self, config: &mut Config<'bound>) -> Result {
        self.apply_rss(config)?;
        self.apply_receive(config)
    }

    /// Changes which packets go to which queue pair; what is `None` stays.
    pub(crate) fn set_rss(
        &self,
        config: &mut Config<'bound>,
        table: Option<Reta>,
        key: Option<Key>,
    ) -> Result {
        let old = (config.rss_table, config.rss_key);
        if let Some(table) = table {
            config.rss_table = Some(table);
        }
        if let Some(key) = key {
            config.rss_key = key;
        }
        self.apply_rss(config)
            .inspect_err(|_| (config.rss_table, config.rss_key) = old)
    }

    /// Changes which headers are hashed.
    pub(crate) fn set_hash_fields(
        &self,
        config: &mut Config<'bound>,
        fields: HashFields,
    ) -> Result {
        let old = core::mem::replace(&mut config.rss_fields, fields);
        self.apply_rss(config)
            .inspect_err(|_| config.rss_fields = old)
    }

    /// Changes the moderation of queue interrupts.
    pub(crate) fn set_coalescing(&self, config: &mut Config<'bound>, coalescing: Coalescing) {
        config.coalescing = coalescing;
        for pair in config.running.iter() {
            pair.moderator.set(moderation(coalescing));
        }
    }

    /// Changes flow control. Where that, or the offer to the partner, is negotiated, the link goes down and
    /// comes up again.
    ///
    /// Errors: `EINVAL` for negotiation on a link that negotiates nothing; as [`Self::set_link`].
    pub(crate) fn set_pause(
        &self,
        config: &mut Config<'bound>,
        negotiate: bool,
        pause: FlowControl,
    ) -> Result {
        let mut wanted = config.link;
        if negotiate && !matches!(wanted.mode, LinkMode::Negotiate(_)) {
            return Err(EINVAL);
        }
        wanted.negotiate_pause = negotiate;
        wanted.pause = pause;
        let told = negotiate || wanted.pause.offer() != config.link.pause.offer();
        if told && matches!(wanted.mode, LinkMode::Negotiate(_)) {
            return self.set_link(config, wanted);
        }
        config.link = wanted;
        self.settle_flow_control(config);
        Ok(())
    }

    /// Brings the port's totals up to date and returns them.
    pub(crate) fn stats<'a>(&self, config: &'a mut Config<'bound>) -> &'a HwStats {
        // A device that is gone has counted nothing since.
        let _ = self.update_stats(config);
        &config.stats
    }
}
