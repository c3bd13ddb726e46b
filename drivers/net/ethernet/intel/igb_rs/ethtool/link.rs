// SPDX-License-Identifier: GPL-2.0

//! From ethtool's view of the link to the hardware's and back.

use igb_hw::link::Speed;
use kernel::prelude::*;
use nic::ethtool::{
    Crossover,
    Duplex,
    LinkModes,
    LinkRequest,
    LinkSettings,
    Port, //
};

use crate::{
    adapter::Config,
    hw::{
        self,
        FlowControl,
        LinkConfig,
        LinkMode,
        Modes, //
    }, //
};

/// Address of the internal PHY.
const PHY_ADDRESS: u8 = 1;

/// Modes that are speeds, each with its place in [`Modes`].
fn speeds(modes: Modes) -> LinkModes {
    LinkModes::TEN_HALF.when(modes.half_10)
        | LinkModes::TEN_FULL.when(modes.full_10)
        | LinkModes::HUNDRED_HALF.when(modes.half_100)
        | LinkModes::HUNDRED_FULL.when(modes.full_100)
        | LinkModes::GIGABIT_HALF.when(modes.half_1000)
        | LinkModes::GIGABIT_FULL.when(modes.full_1000)
}

fn modes(speeds: LinkModes) -> Modes {
    Modes {
        half_10: speeds.contains(LinkModes::TEN_HALF),
        full_10: speeds.contains(LinkModes::TEN_FULL),
        half_100: speeds.contains(LinkModes::HUNDRED_HALF),
        full_100: speeds.contains(LinkModes::HUNDRED_FULL),
        half_1000: speeds.contains(LinkModes::GIGABIT_HALF),
        full_1000: speeds.contains(LinkModes::GIGABIT_FULL),
    }
}

/// Everything a port can do.
fn supported() -> LinkModes {
    speeds(Modes::SUPPORTED)
        | LinkModes::AUTONEG
        | LinkModes::TP
        | LinkModes::PAUSE
        | LinkModes::ASYM_PAUSE
}

/// How a wish for flow control is offered (IEEE 802.3 annex 28B).
fn offered(pause: FlowControl) -> LinkModes {
    let (pause, asm_pause) = pause.offer();
    LinkModes::PAUSE.when(pause) | LinkModes::ASYM_PAUSE.when(asm_pause)
}

/// The state of the link. Anybody may ask, with RTNL held: the device is not.
pub(super) fn settings(config: &Config<'_>) -> LinkSettings {
    let wanted = config.link;
    let link = config.link_now;
    let (autoneg, advertised) = match wanted.mode {
        LinkMode::Negotiate(modes) => (
            true,
            speeds(modes) | offered(wanted.pause) | LinkModes::AUTONEG | LinkModes::TP,
        ),
        LinkMode::Forced { .. } => (false, LinkModes::TP),
    };
    let partner = if autoneg && link.is_some() {
        let ability = config.phy_link.partner;
        speeds(ability.modes)
            | LinkModes::PAUSE.when(ability.pause)
            | LinkModes::ASYM_PAUSE.when(ability.asm_pause)
            | LinkModes::AUTONEG
    } else {
        LinkModes::NONE
    };
    LinkSettings {
        speed: link.map(|link| link.speed.mbps()),
        duplex: link.map(|link| {
            if link.full_duplex {
                Duplex::Full
            } else {
                Duplex::Half
            }
        }),
        autoneg,
        port: Port::TwistedPair,
        phy_address: PHY_ADDRESS,
        supported: supported(),
        advertised,
        partner,
        crossover: match link {
            Some(_) if config.phy_link.crossed => Crossover::MdiX,
            Some(_) => Crossover::Mdi,
            None => Crossover::Unknown,
        },
        crossover_control: match wanted.crossover {
            hw::Crossover::Auto => Crossover::Auto,
            hw::Crossover::Straight => Crossover::Mdi,
            hw::Crossover::Crossed => Crossover::MdiX,
        },
    }
}

/// What `request` asks for, on top of `now`. Flow control is not part of it: `ethtool -A` sets that.
///
/// Of the modes to offer, those are taken that the port has, as the C driver does.
///
/// Errors: `EINVAL` for what the device cannot do; 1000 Mb/s cannot be forced, nor crossed pairs beside a
/// speed.
pub(super) fn requested(now: &LinkConfig, request: &LinkRequest) -> Result<LinkConfig> {
    if request.port != Port::TwistedPair {
        return Err(EINVAL);
    }
    let crossover = match request.crossover_control {
        Crossover::Unknown => now.crossover,
        Crossover::Auto => hw::Crossover::Auto,
        Crossover::Mdi => hw::Crossover::Straight,
        Crossover::MdiX if request.autoneg => hw::Crossover::Crossed,
        Crossover::MdiX => return Err(EINVAL),
    };
    let mode = if request.autoneg {
        let wanted = request.advertised & speeds(Modes::SUPPORTED);
        if wanted.is_empty() {
            return Err(EINVAL);
        }
        LinkMode::Negotiate(modes(wanted))
    } else {
        let speed = match request.speed {
            Some(10) => Speed::Mbps10,
            Some(100) => Speed::Mbps100,
            _ => return Err(EINVAL),
        };
        LinkMode::Forced {
            speed,
            full_duplex: request.duplex != Some(Duplex::Half),
        }
    };
    Ok(LinkConfig {
        mode,
        crossover,
        ..*now
    })
}
