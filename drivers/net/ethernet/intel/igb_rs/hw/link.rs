// SPDX-License-Identifier: GPL-2.0

//! The link: what to offer, what came of it, flow control (82576 datasheet 3.5.4, 3.5.5, 3.7.5).

use igb_common::frame::flow_thresholds;
use igb_hw::link::{
    Link,
    Speed, //
};

use kernel::prelude::*;

use crate::regs::{
    ctrl::{
        CTRL,
        FCRTH,
        FCRTL,
        FCRTV, //
    },
    phy::{
        ANA,
        ANLPA,
        GCON,
        GSTATUS,
        PCTRL,
        PPCTRL,
        PPSTAT, //
    },
    rx::RXPBS,
};

use super::Hw;

/// Selector of IEEE 802.3 in ANA.
const SELECTOR_802_3: u8 = 1;

/// Speeds and duplex modes that a port offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Modes {
    /// 10 Mb/s half duplex.
    pub(crate) half_10: bool,
    /// 10 Mb/s full duplex.
    pub(crate) full_10: bool,
    /// 100 Mb/s half duplex.
    pub(crate) half_100: bool,
    /// 100 Mb/s full duplex.
    pub(crate) full_100: bool,
    /// 1000 Mb/s half duplex. The device cannot do it; a link partner may offer it.
    pub(crate) half_1000: bool,
    /// 1000 Mb/s full duplex.
    pub(crate) full_1000: bool,
}

impl Modes {
    /// Everything the device can do.
    pub(crate) const SUPPORTED: Self = Self {
        half_10: true,
        full_10: true,
        half_100: true,
        full_100: true,
        half_1000: false,
        full_1000: true,
    };
}

/// Use of PAUSE frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FlowControl {
    /// Obey those that arrive.
    pub(crate) rx: bool,
    /// Send them when the receive buffer fills up.
    pub(crate) tx: bool,
}

impl FlowControl {
    /// Returns the PAUSE and ASM_PAUSE bits that offer it. Obeying only has no code of its own: it is
    /// offered as both.
    pub(crate) fn offer(self) -> (bool, bool) {
        (self.rx, self.rx || self.tx)
    }

    /// What the log calls it.
    pub(crate) fn name(self) -> &'static str {
        match (self.rx, self.tx) {
            (true, true) => "rx/tx",
            (true, false) => "rx",
            (false, true) => "tx",
            (false, false) => "off",
        }
    }
}

/// How the link comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkMode {
    /// Negotiate, offering these modes.
    Negotiate(Modes),
    /// Set by hand, 10 or 100 Mb/s: 1000 Mb/s cannot do without negotiation.
    ///
    /// In QEMU such a link never comes up.
    Forced {
        /// Speed.
        speed: Speed,
        /// Full duplex.
        full_duplex: bool,
    },
}

/// Which pair sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crossover {
    /// The PHY finds out.
    Auto,
    /// Straight (MDI).
    Straight,
    /// Crossed (MDI-X).
    Crossed,
}

/// What the link should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkConfig {
    /// How the link comes about.
    pub(crate) mode: LinkMode,
    /// Which pair sends while the link is negotiated. Set by hand, it is straight: the PHY cannot find out
    /// then.
    pub(crate) crossover: Crossover,
    /// Whether the link partner has a say in flow control.
    pub(crate) negotiate_pause: bool,
    /// Wanted flow control.
    pub(crate) pause: FlowControl,
}

impl LinkConfig {
    /// Everything is negotiated; what is offered of flow control is for the board to say.
    pub(crate) const DEFAULT: Self = Self {
        mode: LinkMode::Negotiate(Modes::SUPPORTED),
        crossover: Crossover::Auto,
        negotiate_pause: true,
        pause: FlowControl { rx: true, tx: true },
    };
}

/// What the link partner offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartnerAbility {
    /// Modes.
    pub(crate) modes: Modes,
    /// PAUSE in both directions.
    pub(crate) pause: bool,
    /// PAUSE in one direction.
    pub(crate) asm_pause: bool,
}

/// What the PHY knows of a link that is up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PhyLink {
    /// What the link partner offers; nothing, if it does not negotiate.
    pub(crate) partner: PartnerAbility,
    /// Whether the pairs are crossed.
    pub(crate) crossed: bool,
}

impl Hw<'_> {
    /// Makes the link what `config` says; if it was up it goes down and comes up again. Sleeps.
    ///
    /// `EINVAL` for a mode the device cannot do.
    pub(crate) fn configure_link(&self, config: &LinkConfig) -> Result {
        let (control, crossover) = match config.mode {
            LinkMode::Negotiate(modes) => {
                if modes == Modes::default() || modes.half_1000 {
                    return Err(EINVAL);
                }
                self.advertise(modes, config.pause)?;
                let control = PCTRL::zeroed()
                    .with_autoneg(true)
                    .with_restart_autoneg(true);
                (control, config.crossover)
            }
            LinkMode::Forced {
                speed: Speed::Mbps1000,
                ..
            } => return Err(EINVAL),
            LinkMode::Forced { speed, full_duplex } => {
                let control = PCTRL::zeroed()
                    .with_speed_lsb(speed == Speed::Mbps100)
                    .with_full_duplex(full_duplex);
                (control, Crossover::Straight)
            }
        };
        self.set_phy(
            self.phy::<PPCTRL>()?
                .with_auto_mdix(crossover == Crossover::Auto)
                .with_force_mdix(crossover == Crossover::Crossed),
        )?;

        self.follow_phy()?;
        self.set_phy(control)
    }

    /// Lets the MAC use the link that the PHY has.
    pub(crate) fn follow_phy(&self) -> Result {
        // 82576 datasheet 3.5.4.3: the MAC takes speed and duplex from the PHY.
        self.regs
            .update::<CTRL>(|r| r.with_frcdpx(false).with_frcspd(false).with_slu(true))
    }

    /// Sets what the PHY offers to its link partner.
    fn advertise(&self, modes: Modes, pause: FlowControl) -> Result {
        let (pause, asm_pause) = pause.offer();

        self.set_phy(
            ANA::zeroed()
                .with_asm_pause(asm_pause)
                .with_pause(pause)
                .with_full_100(modes.full_100)
                .with_half_100(modes.half_100)
                .with_full_10(modes.full_10)
                .with_half_10(modes.half_10)
                .try_with_selector(SELECTOR_802_3)?,
        )?;
        self.set_phy(
            self.phy::<GCON>()?
                .with_full_1000(modes.full_1000)
                .with_half_1000(false),
        )
    }

    /// Returns the link, `None` if it is down. Any context.
    pub(crate) fn link_state(&self) -> Result<Option<Link>> {
        self.regs.link_state()
    }

    /// Returns what the PHY knows of the link, which is up. Sleeps, and waits for the firmware if that has
    /// the PHY.
    pub(crate) fn phy_link(&self) -> Result<PhyLink> {
        let base = self.phy::<ANLPA>()?;
        let gigabit = self.phy::<GSTATUS>()?;
        let partner = PartnerAbility {
            modes: Modes {
                half_10: base.half_10(),
                full_10: base.full_10(),
                half_100: base.half_100(),
                full_100: base.full_100(),
                half_1000: gigabit.half_1000(),
                full_1000: gigabit.full_1000(),
            },
            pause: base.pause(),
            asm_pause: base.asm_pause(),
        };

        Ok(PhyLink {
            partner,
            crossed: self.phy::<PPSTAT>()?.mdix(),
        })
    }

    /// Finds out, for a link that is up, what flow control both sides agree on, turns it on and
    /// returns it. `max_frame` is the longest frame received.
    pub(crate) fn resolve_flow_control(
        &self,
        config: &LinkConfig,
        link: Link,
        partner: &PartnerAbility,
        max_frame: u16,
    ) -> Result<FlowControl> {
        let flow = match config.mode {
            _ if !link.full_duplex => FlowControl::default(),
            _ if !config.negotiate_pause => config.pause,
            LinkMode::Negotiate(_) => resolve(config.pause, partner),
            // Nobody has agreed to any.
            LinkMode::Forced { .. } => FlowControl::default(),
        };

        self.set_pause_thresholds(flow.tx, max_frame)?;
        self.regs
            .update::<CTRL>(|r| r.with_tfce(flow.tx).with_rfce(flow.rx))?;
        Ok(flow)
    }

    /// Sets when the device sends PAUSE frames.
    fn set_pause_thresholds(&self, send: bool, max_frame: u16) -> Result {
        let buffer: u32 = self.regs.read::<RXPBS>()?.size().into();
        // 82576 datasheet 3.7.5.3. A threshold of zero sends nothing.
        let (high, low) = flow_thresholds(buffer, max_frame)
            .filter(|_| send)
            .unwrap_or_default();
        self.regs
            .write(FCRTL::zeroed().with_xone(send).try_with_rtl(low)?)?;
        self.regs.write(FCRTH::zeroed().try_with_rth(high)?)?;
        self.regs.write(FCRTV::from(0x0000_7fff))
    }
}

/// Returns what flow control comes of our wish and the partner's offer (IEEE 802.3 table 28B-3).
fn resolve(wish: FlowControl, partner: &PartnerAbility) -> FlowControl {
    let (pause, asm_pause) = wish.offer();

    if pause && partner.pause {
        // Both sides can do both; a wish for one direction only is ours to keep.
        wish
    } else if !pause && asm_pause && partner.pause && partner.asm_pause {
        FlowControl {
            rx: false,
            tx: true,
        }
    } else if pause && asm_pause && !partner.pause && partner.asm_pause {
        FlowControl {
            rx: true,
            tx: false,
        }
    } else {
        FlowControl::default()
    }
}
