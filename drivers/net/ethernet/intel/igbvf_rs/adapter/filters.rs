// SPDX-License-Identifier: GPL-2.0

//! Which packets the function receives: its address, further addresses, groups, VLANs, their length.
//!
//! The stack's wishes are kept and asked of the PF at once, or at the beginning of the next session if
//! there is none now.

use igb_common::{
    frame::Mtu,
    mac::MacAddr,
    mbx::{
        MulticastHashes,
        VfRequest, //
    },
    multicast,
    vlan::VLVF_ENTRIES, //
};
use kernel::prelude::*;
use nic::net::{
    AddressList,
    MacAddress,
    RxMode, //
};

use super::{
    Adapter,
    Config, //
};

/// Addresses beside the own one. The PFs allow three to each VF.
const MAX_ADDRESSES: usize = 3;

/// VLANs beside VLAN 0: the device's filters for all VFs together.
// CAST: 31.
const MAX_VLANS: u32 = VLVF_ENTRIES as u32 - 1;

/// Further addresses.
type Addresses = [Option<MacAddr>; MAX_ADDRESSES];

/// Promiscuous modes.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Promiscuous {
    unicast: bool,
    multicast: bool,
}

impl Promiscuous {
    fn request(self) -> VfRequest {
        VfRequest::SetPromisc {
            unicast: self.unicast,
            multicast: self.multicast,
        }
    }
}

/// Reception beyond the own address and VLANs, as the stack wants it.
pub(super) struct Reception {
    promiscuous: Promiscuous,
    groups: MulticastHashes,
    addresses: Addresses,
}

impl Default for Reception {
    fn default() -> Self {
        Self {
            promiscuous: Promiscuous::default(),
            groups: MulticastHashes::EMPTY,
            addresses: [None; MAX_ADDRESSES],
        }
    }
}

/// What the PF was last asked for; `None` if that is not known.
#[derive(Default)]
pub(super) struct InForce {
    promiscuous: Promiscuous,
    groups: Option<MulticastHashes>,
    addresses: Option<Addresses>,
    /// What the log has been told that the PF refuses.
    refused: Refused,
}

/// Refusals, each logged once in a session.
#[derive(Default)]
struct Refused {
    promiscuous: bool,
    groups: bool,
    addresses: bool,
}

impl InForce {
    /// After RESET. A C PF keeps the further addresses of a VF over its resets, so they have to be
    /// cleared; not where the administrator has `given` the VF its address, because then it could
    /// not have others, and the attempt would be logged.
    pub(super) fn at_start(given: bool) -> Self {
        Self {
            groups: Some(MulticastHashes::EMPTY),
            addresses: given.then_some([None; MAX_ADDRESSES]),
            ..Self::default()
        }
    }
}

impl<'bound> Adapter<'bound> {
    /// The stack's wishes changed. What the PF refuses is logged and lived with.
    pub(crate) fn set_rx_mode(
        &self,
        mode: RxMode,
        unicast: &AddressList<'_>,
        multicast: &AddressList<'_>,
    ) {
        let mut config = self.config.lock();
        let mut addresses = [None; MAX_ADDRESSES];
        for (slot, mac) in addresses.iter_mut().zip(unicast.iter()) {
            *slot = Some(MacAddr::new(mac.0));
        }
        config.wanted = Reception {
            promiscuous: Promiscuous {
                unicast: mode.promiscuous,
                multicast: mode.promiscuous || mode.all_multicast,
            },
            groups: MulticastHashes::collect(
                multicast
                    .iter()
                    .map(|mac| multicast::hash(MacAddr::new(mac.0))),
            ),
            addresses,
        };
        if unicast.len() > MAX_ADDRESSES
            && !core::mem::replace(&mut config.in_force.refused.addresses, true)
        {
            dev_warn!(
                self.dev,
                "{} further addresses: only {} are received\n",
                unicast.len(),
                MAX_ADDRESSES
            );
        }
        if config.session.is_open() {
            // A session that ends meanwhile is begun anew, with this.
            let _ = self.sync_reception(&mut config);
        }
    }

    /// Asks the PF for what is wanted and not in force. Errors: as [`Self::ask`].
    pub(super) fn sync_reception(&self, config: &mut Config<'bound>) -> Result {
        self.sync_promiscuous(config)?;
        self.sync_groups(config)?;
        self.sync_addresses(config)
    }

    fn sync_promiscuous(&self, config: &mut Config<'bound>) -> Result {
        let wanted = config.wanted.promiscuous;
        if wanted == config.in_force.promiscuous {
            return Ok(());
        }
        let mut granted = self.ask(config, wanted.request())?;
        if !granted && wanted.unicast {
            // At least every group.
            let _ = self.ask(
                config,
                Promiscuous {
                    unicast: false,
                    ..wanted
                }
                .request(),
            )?;
        } else if !granted && !wanted.multicast {
            // Back to normal is what a PF that has refused everything has anyway.
            granted = true;
        }
        config.in_force.promiscuous = wanted;
        if !granted && !core::mem::replace(&mut config.in_force.refused.promiscuous, true) {
            dev_warn!(
                self.dev,
                "the PF does not let this VF receive {}\n",
                if wanted.unicast {
                    "every packet"
                } else {
                    "every multicast packet"
                }
            );
        }
        Ok(())
    }

    fn sync_groups(&self, config: &mut Config<'bound>) -> Result {
        let wanted = config.wanted.groups;
        if config.in_force.groups == Some(wanted) {
            return Ok(());
        }
        let granted = self.ask(config, VfRequest::SetMulticast(wanted))?;
        if !granted {
            if wanted.overflowed() {
                // The mailbox has room for so many, and only a trusted VF may have all.
                let some = MulticastHashes::collect(wanted.as_slice().iter().copied());
                let _ = self.ask(config, VfRequest::SetMulticast(some))?;
            }
            if !core::mem::replace(&mut config.in_force.refused.groups, true) {
                dev_warn!(
                    self.dev,
                    "the PF does not let this VF receive all its multicast groups\n"
                );
            }
        }
        config.in_force.groups = Some(wanted);
        Ok(())
    }

    fn sync_addresses(&self, config: &mut Config<'bound>) -> Result {
        let wanted = config.wanted.addresses;
        if config.in_force.addresses == Some(wanted) {
            return Ok(());
        }
        // A C PF refuses an address that is none, though it means nothing here.
        let own = config.mac;
        let mut granted = self.ask(config, VfRequest::ClearMacFilters(own))?;
        for mac in wanted.into_iter().flatten() {
            granted &= self.ask(config, VfRequest::AddMacFilter(mac))?;
        }
        config.in_force.addresses = Some(wanted);
        if !granted && !core::mem::replace(&mut config.in_force.refused.addresses, true) {
            dev_warn!(
                self.dev,
                "the PF does not let this VF have further addresses\n"
            );
        }
        Ok(())
    }

    /// Changes the function's own address.
    ///
    /// Errors: `EADDRNOTAVAIL` if the PF refuses it; the old one stays.
    pub(crate) fn set_mac(&self, mac: MacAddress) -> Result {
        let mut config = self.config.lock();
        let mac = MacAddr::new(mac.0);
        if let Ok(false) = self.ask(&mut config, VfRequest::SetMac(mac)) {
            return Err(EADDRNOTAVAIL);
        }
        config.mac = mac;
        Ok(())
    }

    /// Receives packets of up to `mtu`.
    ///
    /// Errors: `EINVAL` beyond what the device can do, `EPERM` if the PF refuses it; the old one stays.
    pub(crate) fn set_mtu(&self, mtu: u32) -> Result {
        let mut config = self.config.lock();
        let mtu = Mtu::new(mtu).ok_or(EINVAL)?;
        if let Ok(false) = self.ask(&mut config, VfRequest::SetLpe(mtu.max_frame())) {
            dev_err!(self.dev, "the PF refuses MTU {}\n", mtu.get());
            return Err(EPERM);
        }
        config.mtu = mtu;
        Ok(())
    }

    /// Receives VLAN `vid`, too. VLAN 0, which the stack adds to every interface, is every VF's anyway.
    ///
    /// Errors: `EPERM` if the PF refuses it, `ENOSPC` beyond what any PF can give.
    pub(crate) fn add_vlan(&self, vid: u16) -> Result {
        if vid == 0 {
            return Ok(());
        }
        let mut config = self.config.lock();
        // Without a session nobody refuses, and the PF would be asked for all of them when there is one.
        if !config.vlans.contains(vid) && config.vlans.count() >= MAX_VLANS {
            dev_err!(
                self.dev(),
                "VLAN {vid}: the device has no more than {MAX_VLANS}\n"
            );
            return Err(ENOSPC);
        }
        // Packets of it may come before the answer does: the tag of a VLAN that is not known is taken
        // for the administrator's and forgotten.
        self.want_vlan(&config, vid, true);
        if let Ok(false) = self.ask(&mut config, VfRequest::SetVlan { vid, add: true }) {
            self.want_vlan(&config, vid, false);
            dev_err!(self.dev, "the PF refuses VLAN {vid}\n");
            return Err(EPERM);
        }
        Ok(())
    }

    fn want_vlan(&self, config: &Config<'bound>, vid: u16, wanted: bool) {
        config.vlans.set(vid, wanted);
        self.tags.set(vid, wanted);
    }

    /// No longer receives VLAN `vid`. Its tag is still passed on for a while, see [`Self::forget_tags`].
    pub(crate) fn remove_vlan(&self, vid: u16) {
        if vid == 0 {
            return;
        }
        let mut config = self.config.lock();
        config.vlans.set(vid, false);
        config.vlan_removed = true;
        // A PF that refuses does not have it, and one that is away gets the rest with the next session.
        let _ = self.ask(&mut config, VfRequest::SetVlan { vid, add: false });
    }

    /// Passes on the tags of no VLANs but those that are wanted. Not right after one was removed: its
    /// packets that are in the ring would lose their tags, too, and be taken for untagged ones.
    pub(super) fn forget_tags(&self, config: &Config<'bound>) {
        self.tags.copy_from(&config.vlans);
    }
}
