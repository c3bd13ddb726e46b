// SPDX-License-Identifier: GPL-2.0

//! Rings, channels, interrupt moderation, flow control.
//!
//! C header: [`include/uapi/linux/ethtool.h`](srctree/include/uapi/linux/ethtool.h)

use core::ops::{
    BitOr,
    RangeInclusive, //
};

use crate::raw;

/// Descriptors per ring (`ethtool -g`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rings {
    /// Of each receive queue.
    pub rx: u32,
    /// Of each transmit queue.
    pub tx: u32,
}

/// Sizes a ring can have; the library refuses others.
#[derive(Clone, Debug)]
pub struct RingLimits {
    /// Of receive rings.
    pub rx: RangeInclusive<u32>,
    /// Of transmit rings.
    pub tx: RangeInclusive<u32>,
    /// Sizes are multiples of this; not 0.
    pub step: u32,
}

impl RingLimits {
    /// Of a driver whose rings have one size.
    pub const NONE: Self = Self {
        rx: 0..=0,
        tx: 0..=0,
        step: 1,
    };
}

/// Queue pairs and other interrupt sources (`ethtool -l`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Channels {
    /// Queue pairs in use.
    pub combined: u32,
    /// How many there can be now.
    pub max_combined: u32,
    /// Vectors for other purposes.
    pub other: u32,
}

/// Moderation of interrupts (`ethtool -c`). What is not in [`CoalesceParams`] reads 0 or false.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Coalesce {
    /// Microseconds from a received packet to the interrupt, at most.
    pub rx_usecs: u32,
    /// The same for packets sent.
    pub tx_usecs: u32,
    /// The driver sets `rx_usecs` by the load.
    pub adaptive_rx: bool,
    /// The driver sets `tx_usecs` by the load.
    pub adaptive_tx: bool,
}

/// The parts of [`Coalesce`] that a driver has; the core refuses others.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CoalesceParams(pub(super) u32);

impl CoalesceParams {
    /// None.
    pub const NONE: Self = Self(0);
    /// [`Coalesce::rx_usecs`].
    pub const RX_USECS: Self = Self(1 << 0);
    /// [`Coalesce::adaptive_rx`].
    pub const ADAPTIVE_RX: Self = Self(1 << 9);

    /// The union, usable in constants.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOr for CoalesceParams {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

impl Coalesce {
    pub(super) fn fill(&self, to: &mut raw::ethtool_coalesce) {
        to.rx_coalesce_usecs = self.rx_usecs;
        to.tx_coalesce_usecs = self.tx_usecs;
        to.use_adaptive_rx_coalesce = self.adaptive_rx.into();
        to.use_adaptive_tx_coalesce = self.adaptive_tx.into();
    }

    pub(super) fn new(from: &raw::ethtool_coalesce) -> Self {
        Self {
            rx_usecs: from.rx_coalesce_usecs,
            tx_usecs: from.tx_coalesce_usecs,
            adaptive_rx: from.use_adaptive_rx_coalesce != 0,
            adaptive_tx: from.use_adaptive_tx_coalesce != 0,
        }
    }
}

/// Flow control (`ethtool -a`).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Pause {
    /// Whether it is negotiated.
    pub autoneg: bool,
    /// Stops sending when asked to.
    pub rx: bool,
    /// Asks the other side to stop.
    pub tx: bool,
}

impl Pause {
    pub(super) fn fill(&self, to: &mut raw::ethtool_pauseparam) {
        to.autoneg = self.autoneg.into();
        to.rx_pause = self.rx.into();
        to.tx_pause = self.tx.into();
    }

    pub(super) fn new(from: &raw::ethtool_pauseparam) -> Self {
        Self {
            autoneg: from.autoneg != 0,
            rx: from.rx_pause != 0,
            tx: from.tx_pause != 0,
        }
    }
}

/// A moment of identification by a blinking light (`ethtool -p`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Identify {
    /// Begins.
    Start,
    /// Light on, for drivers that blink by software.
    On,
    /// Light off, likewise.
    Off,
    /// Ends: the light shows the link again.
    Stop,
}
