// SPDX-License-Identifier: GPL-2.0

//! What ethtool(8) asks of the physical function.

use core::fmt::{
    self,
    Write, //
};

use igb_common::{
    ring::RingSize,
    rss::{
        self,
        Reta,
        KEY_LEN,
        RETA_ENTRIES, //
    }, //
};
use igb_hw::intr;
use kernel::prelude::*;
use nic::{
    ethtool::{
        Channels,
        Coalesce,
        CoalesceParams,
        Flow,
        HashFields,
        Identify,
        LinkRequest,
        LinkSettings,
        MacStats,
        Messages,
        Operations,
        Pause,
        PauseStats,
        RingLimits,
        Rings,
        RmonLengths,
        RmonStats,
        RssRequest,
        RMON_RANGES_MAX, //
    },
    net::{
        ExtAck,
        Interface,
        Rtnl, //
    },
    text::Text, //
};

use crate::{
    driver::Igb,
    hw::{
        FlowControl,
        HwStats,
        LinkMode,
        DUMP_VERSION,
        DUMP_WORDS, //
    }, //
};

mod link;

/// Vectors that are not for queues: link and mailbox.
const OTHER_VECTORS: u32 = 1;

#[vtable]
impl Operations for Igb {
    const STATS: &'static [&'static str] = HwStats::NAMES;
    const RX_QUEUE_STATS: &'static [&'static str] = &["drops"];
    const RING_LIMITS: RingLimits = RingLimits {
        rx: RingSize::MIN.get() as u32..=RingSize::MAX.get() as u32,
        tx: RingSize::MIN.get() as u32..=RingSize::MAX.get() as u32,
        step: 8,
    };
    const COALESCE: CoalesceParams = CoalesceParams::RX_USECS.with(CoalesceParams::ADAPTIVE_RX);
    const REGISTERS: usize = DUMP_WORDS;
    const REGISTERS_VERSION: u32 = DUMP_VERSION;
    const EEPROM_MAGIC: u32 = 0x10c9_8086;
    const RSS_TABLE: usize = RETA_ENTRIES;
    const RSS_KEY: usize = KEY_LEN;
    const EMPTY_RULES: bool = true;
    // The names are those of the C driver.
    const TESTS: &'static [&'static str] = &[
        "Register test  (offline)",
        "Eeprom test    (offline)",
        "Interrupt test (offline)",
        "Link test   (on/offline)",
    ];
    const RMON_RANGES: &'static [(u16, u16)] = &[
        (64, 64),
        (65, 127),
        (128, 255),
        (256, 511),
        (512, 1023),
        (1024, igb_common::frame::MAX_FRAME),
    ];

    fn firmware_version<'bound>(
        interface: &Interface<'bound, Self>,
        out: &mut Text<'_>,
        _rtnl: &Rtnl,
    ) -> fmt::Result {
        out.write_fmt(fmt!("{}", interface.data().nvm_version()))
    }

    fn messages<'bound>(interface: &Interface<'bound, Self>, _rtnl: &Rtnl) -> Messages {
        interface.data().config().lock().messages
    }

    fn set_messages<'bound>(interface: &Interface<'bound, Self>, messages: Messages, _rtnl: &Rtnl) {
        interface.data().config().lock().messages = messages;
    }

    fn link_settings<'bound>(
        interface: &Interface<'bound, Self>,
        _rtnl: &Rtnl,
    ) -> Result<LinkSettings> {
        Ok(link::settings(&interface.data().config().lock()))
    }

    fn set_link_settings<'bound>(
        interface: &Interface<'bound, Self>,
        request: &LinkRequest,
        _rtnl: &Rtnl,
    ) -> Result {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        let wanted = link::requested(&config.link, request)?;
        if wanted == config.link {
            return Ok(());
        }
        adapter.set_link(&mut config, wanted)
    }

    fn restart_autoneg<'bound>(interface: &Interface<'bound, Self>, _rtnl: &Rtnl) -> Result {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        let same = config.link;
        if !matches!(same.mode, LinkMode::Negotiate(_)) {
            return Err(EINVAL);
        }
        adapter.set_link(&mut config, same)
    }

    fn rings<'bound>(interface: &Interface<'bound, Self>, _rtnl: &Rtnl) -> Rings {
        let config = interface.data().config().lock();
        Rings {
            rx: config.rx_size.get().into(),
            tx: config.tx_size.get().into(),
        }
    }

    fn set_rings<'bound>(
        interface: &Interface<'bound, Self>,
        rings: Rings,
        ack: &mut ExtAck<'_>,
        rtnl: &Rtnl,
    ) -> Result {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        let mut shape = config.shape();
        shape.rx_size = ring_size(rings.rx)?;
        shape.tx_size = ring_size(rings.tx)?;
        adapter
            .reshape(interface, &mut config, shape, rtnl)
            .inspect_err(|e| explain(*e, ack))
    }

    fn channels<'bound>(interface: &Interface<'bound, Self>, _rtnl: &Rtnl) -> Channels {
        let adapter = interface.data();
        let config = adapter.config().lock();
        Channels {
            combined: config.pairs(adapter).into(),
            max_combined: adapter.pairs_for(config.bank.layout()).into(),
            other: OTHER_VECTORS,
        }
    }

    fn set_channels<'bound>(
        interface: &Interface<'bound, Self>,
        combined: u32,
        rtnl: &Rtnl,
    ) -> Result {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        let mut shape = config.shape();
        shape.pairs = u8::try_from(combined)?;
        adapter.reshape(interface, &mut config, shape, rtnl)
    }

    fn coalesce<'bound>(interface: &Interface<'bound, Self>, _rtnl: &Rtnl) -> Result<Coalesce> {
        Ok(intr::coalesce(interface.data().config().lock().coalescing))
    }

    fn set_coalesce<'bound>(
        interface: &Interface<'bound, Self>,
        coalesce: Coalesce,
        ack: &mut ExtAck<'_>,
        _rtnl: &Rtnl,
    ) -> Result {
        let coalescing = intr::coalescing(&coalesce, ack)?;
        let adapter = interface.data();
        adapter.set_coalescing(&mut adapter.config().lock(), coalescing);
        Ok(())
    }

    fn pause<'bound>(interface: &Interface<'bound, Self>, _rtnl: &Rtnl) -> Pause {
        let link = interface.data().config().lock().link;
        let negotiates = matches!(link.mode, LinkMode::Negotiate(_));
        // On a link that negotiates nothing nothing is agreed on; what was wished for comes back with negotiation.
        let asked = negotiates || !link.negotiate_pause;
        Pause {
            autoneg: negotiates && link.negotiate_pause,
            rx: asked && link.pause.rx,
            tx: asked && link.pause.tx,
        }
    }

    fn set_pause<'bound>(
        interface: &Interface<'bound, Self>,
        pause: Pause,
        _rtnl: &Rtnl,
    ) -> Result {
        let adapter = interface.data();
        let wanted = FlowControl {
            rx: pause.rx,
            tx: pause.tx,
        };
        adapter.set_pause(&mut adapter.config().lock(), pause.autoneg, wanted)
    }

    fn rx_copybreak<'bound>(interface: &Interface<'bound, Self>, _rtnl: &Rtnl) -> u32 {
        interface.data().copybreak().get()
    }

    fn set_rx_copybreak<'bound>(
        interface: &Interface<'bound, Self>,
        len: u32,
        _rtnl: &Rtnl,
    ) -> Result {
        interface.data().copybreak().set(len);
        Ok(())
    }

    fn read_registers<'bound>(interface: &Interface<'bound, Self>, out: &mut [u32], _rtnl: &Rtnl) {
        let adapter = interface.data();
        let _config = adapter.config().lock();
        if let Ok(out) = out.try_into() {
            // Of a device that does not answer, the dump shows what was read before.
            let _ = adapter.hw().dump(out);
        }
    }

    fn eeprom_len<'bound>(interface: &Interface<'bound, Self>, _rtnl: &Rtnl) -> usize {
        let words = interface.data().hw().nvm_word_count().unwrap_or(0);
        usize::from(words) * 2
    }

    fn read_eeprom<'bound>(
        interface: &Interface<'bound, Self>,
        offset: usize,
        out: &mut [u8],
        _rtnl: &Rtnl,
    ) -> Result {
        let first = offset / 2;
        let skip = offset % 2;
        let mut words = KVec::from_elem(0u16, (skip + out.len()).div_ceil(2), GFP_KERNEL)?;
        let adapter = interface.data();
        let _config = adapter.config().lock();
        adapter.hw().nvm_read(u16::try_from(first)?, &mut words)?;
        let bytes = words.iter().flat_map(|word| word.to_le_bytes());
        for (to, byte) in out.iter_mut().zip(bytes.skip(skip)) {
            *to = byte;
        }
        Ok(())
    }

    fn hw_stats<'bound>(interface: &Interface<'bound, Self>, values: &mut [u64], _rtnl: &Rtnl) {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        let totals = adapter.stats(&mut config).values();
        for (value, total) in values.iter_mut().zip(totals) {
            *value = total;
        }
    }

    fn rx_queue_stats<'bound>(
        interface: &Interface<'bound, Self>,
        index: usize,
        values: &mut [u64],
        _rtnl: &Rtnl,
    ) {
        let config = interface.data().config().lock();
        for (value, drops) in values.iter_mut().zip(config.ring_drops.get(index)) {
            *value = *drops;
        }
    }

    fn mac_stats<'bound>(interface: &Interface<'bound, Self>, _rtnl: &Rtnl) -> MacStats {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        let stats = adapter.stats(&mut config);
        MacStats {
            frames_sent: Some(stats.tx_packets),
            single_collisions: Some(stats.single_collisions),
            multiple_collisions: Some(stats.multiple_collisions),
            frames_received: Some(stats.rx_packets),
            fcs_errors: Some(stats.crc_errors),
            alignment_errors: Some(stats.align_errors),
            deferred: Some(stats.deferred),
            late_collisions: Some(stats.late_collisions),
            carrier_sense_errors: Some(stats.carrier_errors),
            excessive_collisions: Some(stats.excessive_collisions),
            multicast_sent: Some(stats.tx_multicast),
            broadcast_sent: Some(stats.tx_broadcast),
            multicast_received: Some(stats.rx_multicast),
            broadcast_received: Some(stats.rx_broadcast),
            too_long: Some(stats.rx_oversize),
            ..MacStats::default()
        }
    }

    fn rmon_stats<'bound>(interface: &Interface<'bound, Self>, _rtnl: &Rtnl) -> RmonStats {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        let stats = adapter.stats(&mut config);
        RmonStats {
            lengths: RmonLengths {
                undersize: Some(stats.rx_undersize),
                oversize: Some(stats.rx_oversize),
                fragments: Some(stats.rx_fragments),
                jabbers: Some(stats.rx_jabber),
            },
            received: ranges([
                stats.rx_size_64,
                stats.rx_size_127,
                stats.rx_size_255,
                stats.rx_size_511,
                stats.rx_size_1023,
                stats.rx_size_max,
            ]),
            sent: ranges([
                stats.tx_size_64,
                stats.tx_size_127,
                stats.tx_size_255,
                stats.tx_size_511,
                stats.tx_size_1023,
                stats.tx_size_max,
            ]),
        }
    }

    fn pause_stats<'bound>(interface: &Interface<'bound, Self>, _rtnl: &Rtnl) -> PauseStats {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        let stats = adapter.stats(&mut config);
        PauseStats {
            sent: Some(stats.tx_xon + stats.tx_xoff),
            received: Some(stats.rx_xon + stats.rx_xoff),
        }
    }

    fn rx_rings<'bound>(interface: &Interface<'bound, Self>, _rtnl: &Rtnl) -> u32 {
        let adapter = interface.data();
        let pairs = adapter.config().lock().pairs(adapter);
        pairs.into()
    }

    fn rss<'bound>(
        interface: &Interface<'bound, Self>,
        table: &mut [u32],
        key: &mut [u8],
        _rtnl: &Rtnl,
    ) {
        let adapter = interface.data();
        let config = adapter.config().lock();
        for (to, pair) in table.iter_mut().zip(config.spread(adapter).entries()) {
            *to = (*pair).into();
        }
        for (to, byte) in key.iter_mut().zip(config.rss_key) {
            *to = byte;
        }
    }

    fn set_rss<'bound>(
        interface: &Interface<'bound, Self>,
        request: &RssRequest<'_>,
        ack: &mut ExtAck<'_>,
        _rtnl: &Rtnl,
    ) -> Result {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        let pairs = config.pairs(adapter);
        let table = match request.table {
            Some(entries) => {
                let entries = entries.try_into().map_err(|_| EINVAL)?;
                let table = Reta::from_entries(entries, pairs)
                    .ok_or(EINVAL)
                    .inspect_err(|_| {
                        ack.format(format_args!("there are only {pairs} receive queues"));
                    })?;
                Some(table)
            }
            None => None,
        };
        let key = match request.key {
            Some(key) => Some(key.try_into().map_err(|_| EINVAL)?),
            None => None,
        };
        adapter.set_rss(&mut config, table, key)
    }

    fn hash_fields<'bound>(
        interface: &Interface<'bound, Self>,
        flow: Flow,
        _rtnl: &Rtnl,
    ) -> HashFields {
        let fields = interface.data().config().lock().rss_fields;
        let ports = match flow {
            Flow::Tcp4 | Flow::Tcp6 => true,
            Flow::Udp4 => fields.udp4,
            Flow::Udp6 => fields.udp6,
            Flow::Ip4 | Flow::Ip6 => false,
        };
        if ports {
            HashFields::FOUR_TUPLE
        } else {
            HashFields::ADDRESSES
        }
    }

    fn set_hash_fields<'bound>(
        interface: &Interface<'bound, Self>,
        flow: Flow,
        fields: HashFields,
        ack: &mut ExtAck<'_>,
        _rtnl: &Rtnl,
    ) -> Result {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        let ports = match fields {
            HashFields::FOUR_TUPLE => true,
            HashFields::ADDRESSES => false,
            _ => {
                ack.set(c"only addresses, with or without both ports, can be hashed");
                return Err(EOPNOTSUPP);
            }
        };
        let mut wanted: rss::HashFields = config.rss_fields;
        match flow {
            Flow::Udp4 => wanted.udp4 = ports,
            Flow::Udp6 => wanted.udp6 = ports,
            Flow::Tcp4 | Flow::Tcp6 | Flow::Ip4 | Flow::Ip6 => {
                ack.set(c"hashing of ports can only be chosen for UDP");
                return Err(EOPNOTSUPP);
            }
        }
        adapter.set_hash_fields(&mut config, wanted)
    }

    fn self_test<'bound>(
        interface: &Interface<'bound, Self>,
        offline: bool,
        results: &mut [u64],
        rtnl: &Rtnl,
    ) -> bool {
        let found = interface.data().self_test(interface, offline, rtnl);
        let found = [found.registers, found.nvm, found.interrupts, found.link];
        for (result, bad) in results.iter_mut().zip(found) {
            *result = bad.into();
        }
        !found.contains(&true)
    }

    fn identify<'bound>(
        interface: &Interface<'bound, Self>,
        state: Identify,
        _rtnl: &Rtnl,
    ) -> Result<u32> {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        match state {
            Identify::Start => config.lights = Some(adapter.hw().blink_lights()?),
            Identify::Stop => {
                if let Some(lights) = config.lights.take() {
                    adapter.hw().restore_lights(lights)?;
                }
            }
            // The device blinks by itself.
            Identify::On | Identify::Off => {}
        }
        Ok(0)
    }
}

/// `EINVAL` for a size outside [`Operations::RING_LIMITS`].
fn ring_size(count: u32) -> Result<RingSize> {
    RingSize::new(u16::try_from(count)?).ok_or(EINVAL)
}

fn explain(e: Error, ack: &mut ExtAck<'_>) {
    if e == ENOMEM {
        ack.set(c"not enough memory for rings of this size");
    }
}

/// Counters by length, of which the device has six, for a structure with more room.
fn ranges(counters: [u64; 6]) -> [u64; RMON_RANGES_MAX] {
    let mut all = [0; RMON_RANGES_MAX];
    for (to, counter) in all.iter_mut().zip(counters) {
        *to = counter;
    }
    all
}
