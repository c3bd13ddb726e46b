// SPDX-License-Identifier: GPL-2.0

//! Which packets the PF receives.
//!
//! Without VFs the port's own modes decide, with VFs also those of the PF's pool; the filters are shared
//! with the VFs and kept by the bank.

use igb_common::{
    frame::MAX_FRAME,
    mac::MacAddr,
    multicast,
    vf_bank::Write, //
};
use kernel::prelude::*;
use nic::net::{
    AddressList,
    MacAddress,
    RxMode, //
};

use crate::hw;

use super::{
    Adapter,
    Config, //
};

impl<'bound> Adapter<'bound> {
    /// Writes what changed in the bank to the device, and sends the VFs what it has for them. A VF that
    /// keeps its mailbox misses that, and fails nothing: it finds out with its next message.
    pub(crate) fn flush(&self, config: &mut Config<'bound>) -> Result {
        let mbps = config.link_mbps();
        let unread = config.unread;
        let mut result = Ok(());
        config.shut_out |= config.bank.flush(mbps, |write| {
            // One write that fails must not keep the others from their registers. What a VF prevents is no
            // failure: it is told when it asks next, and its queues stay off.
            match self.hw.apply(&write, unread) {
                Ok(()) => true,
                Err(EBUSY) if matches!(write, Write::Notice { .. }) => false,
                Err(ETIMEDOUT) if matches!(write, Write::Scrub { .. }) => false,
                Err(e) => {
                    result = Err(e);
                    false
                }
            }
        });
        result
    }

    /// As [`Self::flush`], after an order that the bank has taken: a device that is gone is given it when it
    /// comes back, so that is no error.
    pub(crate) fn carry_out(&self, config: &mut Config<'bound>) -> Result {
        match self.flush(config) {
            Err(e) if e == ENODEV => Ok(()),
            other => other,
        }
    }

    /// Writes reception modes and filters to the device.
    pub(crate) fn apply_receive(&self, config: &mut Config<'bound>) -> Result {
        let layout = config.bank.layout();
        let promiscuous = config.rx_mode.promiscuous;
        let all_unicast = promiscuous || config.unicast_overflow;
        let all_multicast = promiscuous || config.rx_mode.all_multicast;
        config.bank.set_pf_all_vlans(promiscuous);

        self.hw.set_rx_mode(hw::RxMode {
            unicast_promisc: all_unicast,
            multicast_promisc: all_multicast,
            vlan_filter: true,
        })?;
        self.hw.set_vlan_strip(config.strip_vlan)?;
        let max_frame = if layout.has_vfs() {
            self.hw.write_uta(all_unicast)?;
            MAX_FRAME
        } else {
            config.mtu.max_frame()
        };
        self.hw.set_max_frame(max_frame)?;
        // Without VFs the device should not look at pools; the C driver writes the PF's all the same.
        self.hw.set_pf_pool(
            layout,
            &hw::PoolConfig {
                max_frame: config.mtu.max_frame(),
                rss: config.pairs(self) > 1,
                untagged: true,
                broadcast: true,
                multicast_hash: true,
                unicast_hash: all_unicast,
                multicast_promisc: all_multicast,
                strip_vlan: config.strip_vlan,
            },
        )?;
        self.flush(config)
    }

    /// The stack's wishes changed.
    pub(crate) fn set_rx_mode(
        &self,
        mode: RxMode,
        unicast: &AddressList<'_>,
        multicast: &AddressList<'_>,
    ) -> Result {
        let mut config = self.config.lock();
        let mut list = KVec::with_capacity(unicast.len(), GFP_KERNEL)?;
        for mac in unicast.iter() {
            list.push(MacAddr::new(mac.0), GFP_KERNEL)?;
        }
        config.unicast = list;
        config.enter_unicast();
        config.bank.set_pf_multicast(
            multicast
                .iter()
                .map(|mac| multicast::hash(MacAddr::new(mac.0))),
        );
        config.rx_mode = mode;
        self.apply_receive(&mut config)
    }

    /// Changes the PF's own address. Errors: `EADDRINUSE` if the administrator gave it to a VF.
    pub(crate) fn set_mac(&self, mac: MacAddress) -> Result {
        let mut config = self.config.lock();
        config
            .bank
            .set_pf_mac(MacAddr::new(mac.0))
            .map_err(|_| EADDRINUSE)?;
        self.carry_out(&mut config)
    }

    /// The PF receives VLAN `vid`, or no longer.
    pub(crate) fn set_vlan(&self, vid: u16, receive: bool) -> Result {
        let mut config = self.config.lock();
        config.bank.set_pf_vlan(vid, receive);
        self.carry_out(&mut config)
    }
}

impl Config<'_> {
    /// Enters the PF's further unicast addresses into the filters, after they or the division have
    /// changed. A list too long for the filters is no failure: everything is received instead.
    pub(crate) fn enter_unicast(&mut self) {
        let list = self.unicast.iter().copied();
        self.unicast_overflow = self.bank.set_pf_unicast(list).is_err();
    }
}
