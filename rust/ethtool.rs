// SPDX-License-Identifier: GPL-2.0

//! What ethtool(8) asks of a driver.
//!
//! C header: [`include/linux/ethtool.h`](srctree/include/linux/ethtool.h)

use core::fmt;

use kernel::{
    error::code::*,
    prelude::*, //
};

use crate::{
    net::{
        self,
        ExtAck,
        Interface,
        Rtnl, //
    },
    raw,
    text::Text, //
};

mod callbacks;
mod link;
mod messages;
mod rss;
mod settings;
mod stats;

pub use self::{
    link::{
        Crossover,
        Duplex,
        LinkModes,
        LinkRequest,
        LinkSettings,
        Port, //
    },
    messages::Messages,
    rss::{
        Flow,
        HashFields,
        RssRequest, //
    },
    settings::{
        Channels,
        Coalesce,
        CoalesceParams,
        Identify,
        Pause,
        RingLimits,
        Rings, //
    },
    stats::{
        MacStats,
        PauseStats,
        RmonLengths,
        RmonStats,
        RMON_RANGES_MAX, //
    }, //
};

/// A driver's ethtool operations.
///
/// Everything is optional: what a driver leaves out is `EOPNOTSUPP` to user space. Driver name, bus
/// address, link (the carrier), software time stamps, the counters of the queues and that nothing
/// wakes the machine need nothing from the driver.
///
/// All functions run in process context with the RTNL lock held and may sleep; the interface may be
/// up or down. A setter that fails must leave everything as it was. Requests that do not change
/// anything do not reach the setters.
///
/// # Examples
///
/// ```ignore
/// #[vtable]
/// impl ethtool::Operations for Igb {
///     const RING_LIMITS: RingLimits = RingLimits { rx: 64..=4096, tx: 64..=4096, step: 8 };
///
///     fn rings<'bound>(interface: &Interface<'bound, Self>, _rtnl: &Rtnl) -> Rings {
///         interface.data().rings()
///     }
///
///     fn set_rings<'bound>(
///         interface: &Interface<'bound, Self>,
///         rings: Rings,
///         _ack: &mut ExtAck<'_>,
///         rtnl: &Rtnl,
///     ) -> Result {
///         interface.data().resize(rings, rtnl)
///     }
/// }
/// ```
#[vtable]
pub trait Operations: net::Operations {
    /// Names of the driver's counters, at most 31 bytes each.
    const STATS: &'static [&'static str] = &[];
    /// Names of what the device counts for each receive queue, at most 18 bytes each; `ethtool -S` puts
    /// `rx_queue_N_` before them.
    const RX_QUEUE_STATS: &'static [&'static str] = &[];
    /// What [`Self::set_rings`] accepts.
    const RING_LIMITS: RingLimits = RingLimits::NONE;
    /// What [`Self::coalesce`] and [`Self::set_coalesce`] know.
    const COALESCE: CoalesceParams = CoalesceParams::NONE;
    /// Registers in a dump.
    const REGISTERS: usize = 0;
    /// Format of a dump, by which user space decodes it.
    const REGISTERS_VERSION: u32 = 0;
    /// What user space must give to prove that it knows which device's EEPROM it writes.
    const EEPROM_MAGIC: u32 = 0;
    /// Entries of the RSS table.
    const RSS_TABLE: usize = 0;
    /// Bytes of the RSS key.
    const RSS_KEY: usize = 0;
    /// Whether `ethtool -n` shows a table of rules that steer packets to queues, an empty one.
    const EMPTY_RULES: bool = false;
    /// Names of the self tests, at most 31 bytes each.
    const TESTS: &'static [&'static str] = &[];
    /// Ranges of lengths, both ends included, that [`Self::rmon_stats`] tells apart; at most
    /// [`RMON_RANGES_MAX`].
    const RMON_RANGES: &'static [(u16, u16)] = &[];

    /// Writes the version of the device's firmware, up to 31 bytes (`ethtool -i`).
    fn firmware_version<'bound>(
        interface: &Interface<'bound, Self>,
        out: &mut Text<'_>,
        rtnl: &Rtnl,
    ) -> fmt::Result {
        let _ = (interface, out, rtnl);
        Ok(())
    }

    /// The kinds of messages that are logged.
    fn messages<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) -> Messages {
        let _ = (interface, rtnl);
        Messages::DEFAULT
    }

    /// Chooses the kinds of messages that are logged.
    fn set_messages<'bound>(interface: &Interface<'bound, Self>, messages: Messages, rtnl: &Rtnl) {
        let _ = (interface, messages, rtnl);
    }

    /// The state of the link.
    fn link_settings<'bound>(
        interface: &Interface<'bound, Self>,
        rtnl: &Rtnl,
    ) -> Result<LinkSettings> {
        let _ = (interface, rtnl);
        Err(EOPNOTSUPP)
    }

    /// Changes the settings of the link.
    fn set_link_settings<'bound>(
        interface: &Interface<'bound, Self>,
        request: &LinkRequest,
        rtnl: &Rtnl,
    ) -> Result {
        let _ = (interface, request, rtnl);
        Err(EOPNOTSUPP)
    }

    /// Negotiates again (`ethtool -r`).
    fn restart_autoneg<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) -> Result {
        let _ = (interface, rtnl);
        Err(EOPNOTSUPP)
    }

    /// The sizes of the rings, kept while the interface is down.
    fn rings<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) -> Rings {
        let _ = (interface, rtnl);
        Rings { rx: 0, tx: 0 }
    }

    /// Changes the sizes of the rings; `rings` is within [`Self::RING_LIMITS`] and differs.
    fn set_rings<'bound>(
        interface: &Interface<'bound, Self>,
        rings: Rings,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let _ = (interface, rings, ack, rtnl);
        Err(EOPNOTSUPP)
    }

    /// The number of queue pairs and other vectors.
    fn channels<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) -> Channels {
        let _ = (interface, rtnl);
        Channels {
            combined: 0,
            max_combined: 0,
            other: 0,
        }
    }

    /// Uses `combined` queue pairs, between 1 and [`Channels::max_combined`] and different from now.
    fn set_channels<'bound>(
        interface: &Interface<'bound, Self>,
        combined: u32,
        rtnl: &Rtnl,
    ) -> Result {
        let _ = (interface, combined, rtnl);
        Err(EOPNOTSUPP)
    }

    /// The moderation of interrupts.
    fn coalesce<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) -> Result<Coalesce> {
        let _ = (interface, rtnl);
        Err(EOPNOTSUPP)
    }

    /// Changes the moderation of interrupts; only what is in [`Self::COALESCE`] can differ.
    fn set_coalesce<'bound>(
        interface: &Interface<'bound, Self>,
        coalesce: Coalesce,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let _ = (interface, coalesce, ack, rtnl);
        Err(EOPNOTSUPP)
    }

    /// Length of the longest received packet that is always copied (`rx-copybreak`).
    fn rx_copybreak<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) -> u32 {
        let _ = (interface, rtnl);
        0
    }

    /// Copies received packets up to `len`; whether longer ones are is up to the driver.
    fn set_rx_copybreak<'bound>(
        interface: &Interface<'bound, Self>,
        len: u32,
        rtnl: &Rtnl,
    ) -> Result {
        let _ = (interface, len, rtnl);
        Err(EOPNOTSUPP)
    }

    /// The settings of flow control. With negotiation, `rx` and `tx` are what the user asked for, not
    /// what came of it.
    fn pause<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) -> Pause {
        let _ = (interface, rtnl);
        Pause::default()
    }

    /// Changes flow control.
    fn set_pause<'bound>(interface: &Interface<'bound, Self>, pause: Pause, rtnl: &Rtnl) -> Result {
        let _ = (interface, pause, rtnl);
        Err(EOPNOTSUPP)
    }

    /// Reads [`Self::REGISTERS`] registers into `out`, which is zero (`ethtool -d`).
    fn read_registers<'bound>(interface: &Interface<'bound, Self>, out: &mut [u32], rtnl: &Rtnl) {
        let _ = (interface, out, rtnl);
    }

    /// Size of the EEPROM in bytes; 0 when it cannot be told.
    fn eeprom_len<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) -> usize {
        let _ = (interface, rtnl);
        0
    }

    /// Reads the EEPROM from byte `offset` on, at most a page at a time; offset and length are within
    /// [`Self::eeprom_len`].
    fn read_eeprom<'bound>(
        interface: &Interface<'bound, Self>,
        offset: usize,
        out: &mut [u8],
        rtnl: &Rtnl,
    ) -> Result {
        let _ = (interface, offset, out, rtnl);
        Err(EOPNOTSUPP)
    }

    /// Fills in the counters of [`Self::STATS`], in that order.
    fn hw_stats<'bound>(interface: &Interface<'bound, Self>, values: &mut [u64], rtnl: &Rtnl) {
        let _ = (interface, values, rtnl);
    }

    /// Fills in the counters of [`Self::RX_QUEUE_STATS`] for pair `index`, in that order. Comes after
    /// [`Self::hw_stats`].
    fn rx_queue_stats<'bound>(
        interface: &Interface<'bound, Self>,
        index: usize,
        values: &mut [u64],
        rtnl: &Rtnl,
    ) {
        let _ = (interface, index, values, rtnl);
    }

    /// Standard counters of the MAC.
    fn mac_stats<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) -> MacStats {
        let _ = (interface, rtnl);
        MacStats::default()
    }

    /// Standard counters by length.
    fn rmon_stats<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) -> RmonStats {
        let _ = (interface, rtnl);
        RmonStats::default()
    }

    /// Standard counters of flow control.
    fn pause_stats<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) -> PauseStats {
        let _ = (interface, rtnl);
        PauseStats::default()
    }

    /// Receive queues that the RSS table may point to.
    fn rx_rings<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) -> u32 {
        let _ = (interface, rtnl);
        1
    }

    /// Fills in the RSS table and key; each slice has its constant's length or is empty.
    fn rss<'bound>(
        interface: &Interface<'bound, Self>,
        table: &mut [u32],
        key: &mut [u8],
        rtnl: &Rtnl,
    ) {
        let _ = (interface, table, key, rtnl);
    }

    /// Changes the RSS table, key or both.
    fn set_rss<'bound>(
        interface: &Interface<'bound, Self>,
        request: &RssRequest<'_>,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let _ = (interface, request, ack, rtnl);
        Err(EOPNOTSUPP)
    }

    /// What of packets of `flow` is hashed (`ethtool -n ethX rx-flow-hash`).
    fn hash_fields<'bound>(
        interface: &Interface<'bound, Self>,
        flow: Flow,
        rtnl: &Rtnl,
    ) -> HashFields {
        let _ = (interface, flow, rtnl);
        HashFields::NONE
    }

    /// Changes what of packets of `flow` is hashed.
    fn set_hash_fields<'bound>(
        interface: &Interface<'bound, Self>,
        flow: Flow,
        fields: HashFields,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let _ = (interface, flow, fields, ack, rtnl);
        Err(EOPNOTSUPP)
    }

    /// Runs the tests of [`Self::TESTS`], with `offline` also those that disturb traffic, and puts
    /// a code for each into `results` (0 for passed or not run). Returns whether all passed.
    fn self_test<'bound>(
        interface: &Interface<'bound, Self>,
        offline: bool,
        results: &mut [u64],
        rtnl: &Rtnl,
    ) -> bool {
        let _ = (interface, offline, results, rtnl);
        true
    }

    /// Makes the port's light blink. Answers to [`Identify::Start`] with how many times a second
    /// the core shall call with `On` and `Off`; 0 when the device blinks by itself.
    fn identify<'bound>(
        interface: &Interface<'bound, Self>,
        state: Identify,
        rtnl: &Rtnl,
    ) -> Result<u32> {
        let _ = (interface, state, rtnl);
        Err(EOPNOTSUPP)
    }
}

/// The table for a driver `T`.
pub(crate) fn table<T: Operations>() -> *const raw::ethtool_ops {
    &callbacks::Callbacks::<T>::OPS
}
