// SPDX-License-Identifier: GPL-2.0

//! What the administrator sets for a VF (`ip link set PF vf N ...`).

use super::{
    Effects,
    Filters,
    VfSlot,
    VfState,
    Wishes, //
};
use crate::{
    mac::MacAddr,
    mbx::{
        MulticastHashes,
        Reply, //
    },
    rar::RarError,
    vlan::VlanError, //
};

/// The administrator's settings. They survive every reset of VF or PF.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Admin {
    /// The VF's address; without one it has a default one and may choose another.
    pub mac: Option<MacAddr>,
    /// The tag of all its frames; without one it uses VLANs as it likes.
    pub vlan: Option<PortVlan>,
    /// Most Mbit/s it sends; 0 is no limit.
    pub max_tx_rate: u32,
    /// Whether frames with a source address or VLAN that is not the VF's are dropped.
    pub spoof_check: bool,
    /// Whether it may override the address and receive all multicast.
    pub trusted: bool,
    /// Its link.
    pub link: LinkPolicy,
}

impl Admin {
    /// What a VF starts with.
    pub const DEFAULT: Self = Self {
        mac: None,
        vlan: None,
        max_tx_rate: 0,
        spoof_check: true,
        trusted: false,
        link: LinkPolicy::Auto,
    };

    /// The VLAN the VF is in when it uses none itself.
    #[inline]
    pub(super) const fn port_vid(&self) -> u16 {
        match self.vlan {
            Some(vlan) => vlan.vid,
            None => 0,
        }
    }

    #[inline]
    pub(super) const fn may_choose_mac(&self) -> bool {
        self.mac.is_none() || self.trusted
    }
}

/// A tag all frames of a VF get.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PortVlan {
    vid: u16,
    qos: u8,
}

impl PortVlan {
    /// VLAN `vid` with priority `qos`; `None` in the inner option if both are 0, which means no tag.
    ///
    /// # Errors
    ///
    /// [`AdminError::Vlan`] above 4095, [`AdminError::Qos`] above 7.
    pub const fn new(vid: u16, qos: u8) -> Result<Option<Self>, AdminError> {
        match (vid, qos) {
            (4096.., _) => Err(AdminError::Vlan),
            (_, 8..) => Err(AdminError::Qos),
            (0, 0) => Ok(None),
            _ => Ok(Some(Self { vid, qos })),
        }
    }

    /// The VLAN identifier.
    #[inline]
    pub const fn vid(self) -> u16 {
        self.vid
    }

    /// The priority.
    #[inline]
    pub const fn qos(self) -> u8 {
        self.qos
    }

    /// The tag: priority and identifier.
    #[inline]
    pub const fn tag(self) -> u16 {
        // CAST: widening.
        self.vid | ((self.qos as u16) << 13)
    }
}

/// The link a VF sees. There is no third policy, up without the port's link: STATUS.LU is the port's
/// for every function, and without it the device receives nothing, from other VFs neither.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkPolicy {
    /// The PF's.
    Auto,
    /// None: its queues are off.
    Disable,
}

/// Why a setting was refused. Nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AdminError {
    /// There is no such VF.
    NoVf,
    /// A group address.
    Address,
    /// The PF has the address, or another VF by the administrator's order.
    AddressInUse,
    /// A VLAN above 4095.
    Vlan,
    /// A priority above 7.
    Qos,
    /// No VLAN filter is free.
    NoVlanSpace,
    /// A rate above the device's 1000 Mbit/s.
    Rate,
}

/// What follows from an order: bring the hardware into the state `effects` names, then send
/// `notice` to the VF.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// Which hardware state changed.
    pub effects: Effects,
    /// What to tell the VF.
    pub notice: Option<Reply>,
}

impl Change {
    /// Nothing changed.
    pub const NONE: Self = Self {
        effects: Effects::NONE,
        notice: None,
    };

    const fn effects(effects: Effects) -> Self {
        Self {
            effects,
            notice: None,
        }
    }
}

/// Fastest rate that can be a limit, in Mbit/s.
const MAX_RATE: u32 = 1000;

impl VfSlot {
    /// Sets the VF's address, or with `None` lets it choose.
    ///
    /// A VF that runs with another address is made to start anew, which makes it use this one. Its
    /// further addresses go unless it is trusted. When the setting is cleared it goes on with the
    /// address it has.
    ///
    /// # Errors
    ///
    /// [`AdminError::Address`] if it is not a station address, [`AdminError::AddressInUse`].
    /// (Another VF that chose it by itself has to be evicted before, see
    /// [`VfSlot::evict`].)
    pub fn set_admin_mac(
        &mut self,
        mac: Option<MacAddr>,
        ctx: &mut Filters,
    ) -> Result<Change, AdminError> {
        self.check_active()?;
        let current = ctx.rar.vf_mac(self.vf);
        let Some(mac) = mac else {
            self.admin.mac = None;
            ctx.rar.reserve(self.vf, None);
            if self.state == VfState::Ready {
                return Ok(Change::NONE);
            }
            ctx.rar.clear_vf_mac(self.vf);
            self.restore_mac(ctx);
            return Ok(Change::effects(Effects::RAR));
        };
        match ctx.rar.set_vf_mac(self.vf, mac) {
            Ok(()) => {}
            Err(RarError::InUse(_)) => return Err(AdminError::AddressInUse),
            Err(RarError::Invalid | RarError::Full) => return Err(AdminError::Address),
        }
        self.admin.mac = Some(mac);
        ctx.rar.reserve(self.vf, Some(mac));
        if !self.admin.trusted {
            ctx.rar.clear_vf_filters(self.vf);
        }
        if current == Some(mac) {
            return Ok(Change::effects(Effects::RAR));
        }
        Ok(Change {
            effects: Effects::RAR.and(Effects::QUEUES),
            notice: self.revoke(),
        })
    }

    /// Takes away the address `mac`, because the PF or the administrator for another VF wants it. The
    /// VF has to start anew if it was its own, and then has its default one, if that is free.
    pub fn evict(&mut self, mac: MacAddr, ctx: &mut Filters) -> Change {
        let owner = ctx.rar.owner_of(mac);
        if self.admin.mac == Some(mac) || owner.and_then(|owner| owner.vf()) != Some(self.vf) {
            return Change::NONE;
        }
        let own = ctx.rar.vf_mac(self.vf) == Some(mac);
        ctx.rar.evict_vf(mac);
        Change {
            effects: Effects::RAR.and(Effects::QUEUES),
            notice: if own { self.revoke() } else { None },
        }
    }

    /// Sets the tag of all the VF's frames, or removes it. The VF's own VLANs go. If it believes in
    /// some it does not have when the tag is removed, it has to start anew.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoVlanSpace`].
    pub fn set_port_vlan(
        &mut self,
        vlan: Option<PortVlan>,
        ctx: &mut Filters,
    ) -> Result<Change, AdminError> {
        self.check_active()?;
        if self.admin.vlan == vlan {
            return Ok(Change::NONE);
        }
        let vid = vlan.map_or(0, PortVlan::vid);
        match ctx.vlan.add(self.vf, vid) {
            Ok(()) => {}
            Err(VlanError::Full | VlanError::Invalid) => return Err(AdminError::NoVlanSpace),
        }
        if self.admin.vlan.is_none() && ctx.vlan.of_vf(self.vf).any(|own| own != vid) {
            self.vlans_stale = true;
        }
        ctx.vlan.retain(self.vf, Some(vid));
        self.admin.vlan = vlan;
        let anew = vlan.is_none() && self.vlans_stale;
        Ok(Change {
            effects: Effects::VLAN
                .and(Effects::VMOLR)
                .and(Effects::VMVIR)
                .and(Effects::QUEUES),
            notice: if anew { self.revoke() } else { None },
        })
    }

    /// Sets the most Mbit/s the VF may send; 0 lifts the limit.
    ///
    /// # Errors
    ///
    /// [`AdminError::Rate`] above 1000.
    pub fn set_max_tx_rate(&mut self, mbps: u32) -> Result<Change, AdminError> {
        self.check_active()?;
        if mbps > MAX_RATE {
            return Err(AdminError::Rate);
        }
        self.admin.max_tx_rate = mbps;
        Ok(Change::effects(Effects::RATE))
    }

    /// Turns the check of source addresses and VLANs on or off.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoVf`].
    pub fn set_spoof_check(&mut self, on: bool) -> Result<Change, AdminError> {
        self.check_active()?;
        self.admin.spoof_check = on;
        Ok(Change::effects(Effects::SPOOF))
    }

    /// Trusts the VF or no longer. What it has by trust is taken back, and its address set to the
    /// administrator's. If there is something that it was refused, or lost, for want of trust, it has to start
    /// anew, which makes it ask again.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoVf`].
    pub fn set_trusted(&mut self, trusted: bool, ctx: &mut Filters) -> Result<Change, AdminError> {
        self.check_active()?;
        self.admin.trusted = trusted;
        if trusted {
            if core::mem::replace(&mut self.wishes, Wishes::NONE) == Wishes::NONE {
                return Ok(Change::NONE);
            }
            return Ok(Change {
                effects: Effects::QUEUES,
                notice: self.revoke(),
            });
        }
        self.wishes.multicast_promisc |= self.multicast_promisc;
        self.wishes.groups |= self.hashes.overflowed();
        self.wishes.addresses |= self.admin.mac.is_some() && ctx.rar.vf_filters(self.vf) > 0;
        let mut change = Change::effects(Effects::VMOLR);
        self.multicast_promisc = false;
        self.hashes = MulticastHashes::collect(self.hashes.as_slice().iter().copied());
        if let Some(mac) = self.admin.mac {
            ctx.rar.clear_vf_filters(self.vf);
            change.effects = change.effects.and(Effects::RAR).and(Effects::QUEUES);
            if ctx.rar.vf_mac(self.vf) != Some(mac) {
                ctx.rar.clear_vf_mac(self.vf);
                self.restore_mac(ctx);
                change.notice = self.revoke();
            }
        }
        Ok(change)
    }

    /// Sets the link the VF sees.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoVf`].
    pub fn set_link(&mut self, link: LinkPolicy) -> Result<Change, AdminError> {
        self.check_active()?;
        self.admin.link = link;
        Ok(Change {
            effects: Effects::QUEUES,
            notice: self.ping(),
        })
    }

    fn check_active(&self) -> Result<(), AdminError> {
        if self.state == VfState::Inactive {
            Err(AdminError::NoVf)
        } else {
            Ok(())
        }
    }
}
