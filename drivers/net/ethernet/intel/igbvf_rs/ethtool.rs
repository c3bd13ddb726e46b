// SPDX-License-Identifier: GPL-2.0

//! What ethtool(8) asks of the virtual function. The link is the physical function's to set.

use igb_common::ring::RingSize;
use igb_hw::{
    intr,
    vf_stats::VfStats, //
};
use kernel::prelude::*;
use nic::{
    ethtool::{
        Channels,
        Coalesce,
        CoalesceParams,
        Duplex,
        LinkSettings,
        Messages,
        Operations,
        Port,
        RingLimits,
        Rings, //
    },
    net::{
        ExtAck,
        Interface,
        Rtnl, //
    }, //
};

use crate::{
    driver::Igbvf,
    hw::{
        DUMP_VERSION,
        DUMP_WORDS, //
    }, //
};

#[vtable]
impl Operations for Igbvf {
    const STATS: &'static [&'static str] = VfStats::NAMES;
    const RING_LIMITS: RingLimits = RingLimits {
        rx: RingSize::MIN.get() as u32..=RingSize::MAX.get() as u32,
        tx: RingSize::MIN.get() as u32..=RingSize::MAX.get() as u32,
        step: 8,
    };
    const COALESCE: CoalesceParams = CoalesceParams::RX_USECS.with(CoalesceParams::ADAPTIVE_RX);
    const REGISTERS: usize = DUMP_WORDS;
    const REGISTERS_VERSION: u32 = DUMP_VERSION;
    // The name is that of the C drivers.
    const TESTS: &'static [&'static str] = &["Link test   (on/offline)"];

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
        let link = interface.data().config().lock().link_now;
        Ok(LinkSettings {
            speed: link.map(|link| link.speed.mbps()),
            duplex: link.map(|link| {
                if link.full_duplex {
                    Duplex::Full
                } else {
                    Duplex::Half
                }
            }),
            port: Port::None,
            ..LinkSettings::default()
        })
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
        let sizes = (ring_size(rings.rx)?, ring_size(rings.tx)?);
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        adapter
            .resize(interface, &mut config, sizes, rtnl)
            .inspect_err(|e| {
                if *e == ENOMEM {
                    ack.set(c"not enough memory for rings of this size");
                }
            })
    }

    fn channels<'bound>(_interface: &Interface<'bound, Self>, _rtnl: &Rtnl) -> Channels {
        Channels {
            combined: 1,
            max_combined: 1,
            // The mailbox.
            other: 1,
        }
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

    fn hw_stats<'bound>(interface: &Interface<'bound, Self>, values: &mut [u64], _rtnl: &Rtnl) {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        adapter.update_stats(&mut config);
        for (value, count) in values.iter_mut().zip(config.stats.values()) {
            *value = count;
        }
    }

    fn self_test<'bound>(
        interface: &Interface<'bound, Self>,
        _offline: bool,
        results: &mut [u64],
        _rtnl: &Rtnl,
    ) -> bool {
        let link = interface.data().config().lock().link_now.is_some();
        for result in results {
            *result = (!link).into();
        }
        link
    }
}

/// `EINVAL` for a size outside [`Operations::RING_LIMITS`].
fn ring_size(count: u32) -> Result<RingSize> {
    RingSize::new(u16::try_from(count)?).ok_or(EINVAL)
}
