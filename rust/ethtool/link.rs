// SPDX-License-Identifier: GPL-2.0

//! Speed, duplex and negotiation of a link.
//!
//! C header: [`include/uapi/linux/ethtool.h`](srctree/include/uapi/linux/ethtool.h)

use core::ops::{
    BitAnd,
    BitOr, //
};

use kernel::prelude::*;

use crate::raw;

/// A set of link modes: speeds, ports and abilities.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LinkModes(usize);

impl LinkModes {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// 10BASE-T, half duplex.
    pub const TEN_HALF: Self =
        Self::bit(raw::ethtool_link_mode_bit_indices_ETHTOOL_LINK_MODE_10baseT_Half_BIT);
    /// 10BASE-T, full duplex.
    pub const TEN_FULL: Self =
        Self::bit(raw::ethtool_link_mode_bit_indices_ETHTOOL_LINK_MODE_10baseT_Full_BIT);
    /// 100BASE-TX, half duplex.
    pub const HUNDRED_HALF: Self =
        Self::bit(raw::ethtool_link_mode_bit_indices_ETHTOOL_LINK_MODE_100baseT_Half_BIT);
    /// 100BASE-TX, full duplex.
    pub const HUNDRED_FULL: Self =
        Self::bit(raw::ethtool_link_mode_bit_indices_ETHTOOL_LINK_MODE_100baseT_Full_BIT);
    /// 1000BASE-T, half duplex.
    pub const GIGABIT_HALF: Self =
        Self::bit(raw::ethtool_link_mode_bit_indices_ETHTOOL_LINK_MODE_1000baseT_Half_BIT);
    /// 1000BASE-T, full duplex.
    pub const GIGABIT_FULL: Self =
        Self::bit(raw::ethtool_link_mode_bit_indices_ETHTOOL_LINK_MODE_1000baseT_Full_BIT);
    /// Negotiation.
    pub const AUTONEG: Self =
        Self::bit(raw::ethtool_link_mode_bit_indices_ETHTOOL_LINK_MODE_Autoneg_BIT);
    /// A twisted-pair port.
    pub const TP: Self = Self::bit(raw::ethtool_link_mode_bit_indices_ETHTOOL_LINK_MODE_TP_BIT);
    /// Flow control in both directions.
    pub const PAUSE: Self =
        Self::bit(raw::ethtool_link_mode_bit_indices_ETHTOOL_LINK_MODE_Pause_BIT);
    /// Flow control in one direction.
    pub const ASYM_PAUSE: Self =
        Self::bit(raw::ethtool_link_mode_bit_indices_ETHTOOL_LINK_MODE_Asym_Pause_BIT);

    const fn bit(n: raw::ethtool_link_mode_bit_indices) -> Self {
        Self(1 << n)
    }

    /// The union, usable in constants.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// `self` without `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` is in `self`.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// `self` if `condition`, else nothing.
    pub const fn when(self, condition: bool) -> Self {
        if condition {
            self
        } else {
            Self::NONE
        }
    }

    /// From a C bitmap, whose later words hold modes that this type cannot: nobody supports them.
    fn from_bitmap(words: &[usize]) -> Self {
        Self(words.first().copied().unwrap_or(0))
    }

    fn fill_bitmap(self, words: &mut [usize]) {
        if let Some(first) = words.first_mut() {
            *first = self.0;
        }
    }
}

impl BitOr for LinkModes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

impl BitAnd for LinkModes {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// Directions at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Duplex {
    /// One.
    Half,
    /// Both.
    Full,
}

/// What is plugged in.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Port {
    /// Twisted pair.
    #[default]
    TwistedPair,
    /// Optical fibre.
    Fibre,
    /// Nothing one could plug in, as with a virtual function.
    None,
    /// Something else.
    Other,
}

/// Which pair of a twisted-pair port sends.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Crossover {
    /// Not known, or the port has no such thing.
    #[default]
    Unknown,
    /// Straight.
    Mdi,
    /// Crossed.
    MdiX,
    /// The PHY finds out; a setting only, never a status.
    Auto,
}

impl Crossover {
    // CAST (here and below): small constants of the C header in fields of their own width.
    fn to_raw(self) -> u8 {
        (match self {
            Self::Unknown => raw::ETH_TP_MDI_INVALID,
            Self::Mdi => raw::ETH_TP_MDI,
            Self::MdiX => raw::ETH_TP_MDI_X,
            Self::Auto => raw::ETH_TP_MDI_AUTO,
        }) as u8
    }

    fn from_raw(value: u8) -> Result<Self> {
        Ok(match u32::from(value) {
            raw::ETH_TP_MDI_INVALID => Self::Unknown,
            raw::ETH_TP_MDI => Self::Mdi,
            raw::ETH_TP_MDI_X => Self::MdiX,
            raw::ETH_TP_MDI_AUTO => Self::Auto,
            _ => return Err(EINVAL),
        })
    }
}

/// State and abilities of a link (`ethtool ethX`).
#[derive(Clone, Copy, Default)]
pub struct LinkSettings {
    /// Mbit/s; `None` without link.
    pub speed: Option<u32>,
    /// `None` without link.
    pub duplex: Option<Duplex>,
    /// Whether speed and duplex are negotiated.
    pub autoneg: bool,
    /// What is plugged in.
    pub port: Port,
    /// Address of the PHY on its bus.
    pub phy_address: u8,
    /// What the port can do.
    pub supported: LinkModes,
    /// What it offers in negotiation.
    pub advertised: LinkModes,
    /// What the other side offered.
    pub partner: LinkModes,
    /// Which pair sends now.
    pub crossover: Crossover,
    /// Which pair shall send; `Unknown` when that cannot be set.
    pub crossover_control: Crossover,
}

impl LinkSettings {
    pub(super) fn fill(&self, to: &mut raw::ethtool_link_ksettings) {
        let base = &mut to.base;
        // CAST: the C field holds -1 as an unsigned number.
        base.speed = self.speed.unwrap_or(raw::SPEED_UNKNOWN as u32);
        base.duplex = match self.duplex {
            Some(Duplex::Half) => raw::DUPLEX_HALF,
            Some(Duplex::Full) => raw::DUPLEX_FULL,
            None => raw::DUPLEX_UNKNOWN,
        } as u8;
        base.autoneg = self.autoneg.into();
        base.port = match self.port {
            Port::TwistedPair => raw::PORT_TP,
            Port::Fibre => raw::PORT_FIBRE,
            Port::None => raw::PORT_NONE,
            Port::Other => raw::PORT_OTHER,
        } as u8;
        base.phy_address = self.phy_address;
        base.eth_tp_mdix = self.crossover.to_raw();
        base.eth_tp_mdix_ctrl = self.crossover_control.to_raw();
        self.supported.fill_bitmap(&mut to.link_modes.supported);
        self.advertised.fill_bitmap(&mut to.link_modes.advertising);
        self.partner.fill_bitmap(&mut to.link_modes.lp_advertising);
    }
}

/// What the user wants of a link (`ethtool -s ethX`). Fields the user did not name hold what
/// [`super::Operations::link_settings`] says.
#[derive(Clone, Copy)]
pub struct LinkRequest {
    /// Whether to negotiate.
    pub autoneg: bool,
    /// Mbit/s to force, without negotiation.
    pub speed: Option<u32>,
    /// Duplex to force, without negotiation.
    pub duplex: Option<Duplex>,
    /// What to offer, with negotiation; may have modes that the port has not.
    pub advertised: LinkModes,
    /// What is plugged in.
    pub port: Port,
    /// Which pair shall send.
    pub crossover_control: Crossover,
}

impl LinkRequest {
    /// `EINVAL` for values that no [`LinkSettings`] has.
    pub(super) fn new(from: &raw::ethtool_link_ksettings) -> Result<Self> {
        let base = &from.base;
        // CAST: as in `LinkSettings::fill`.
        let speed = Some(base.speed).filter(|speed| *speed != raw::SPEED_UNKNOWN as u32);
        let duplex = match u32::from(base.duplex) {
            raw::DUPLEX_HALF => Some(Duplex::Half),
            raw::DUPLEX_FULL => Some(Duplex::Full),
            raw::DUPLEX_UNKNOWN => None,
            _ => return Err(EINVAL),
        };
        let port = match u32::from(base.port) {
            raw::PORT_TP => Port::TwistedPair,
            raw::PORT_FIBRE => Port::Fibre,
            raw::PORT_NONE => Port::None,
            _ => Port::Other,
        };
        Ok(Self {
            autoneg: base.autoneg != 0,
            speed,
            duplex,
            advertised: LinkModes::from_bitmap(&from.link_modes.advertising),
            port,
            crossover_control: Crossover::from_raw(base.eth_tp_mdix_ctrl)?,
        })
    }
}
