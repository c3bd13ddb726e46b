// SPDX-License-Identifier: GPL-2.0

//! The network device of the physical function.

use igb_common::frame::{
    Mtu,
    MAX_MTU,
    MIN_MTU, //
};
use igb_queue::RxOptions;
use kernel::{
    prelude::*,
    sync::Arc, //
};
use nic::net::{
    features,
    AddressList,
    Builder,
    Features,
    Interface,
    LinkStats,
    MacAddress,
    Operations,
    Poll,
    Progress,
    Rtnl,
    RxMode,
    SkBuff,
    TxOutcome,
    TxQueue, //
};
use nic::pci::Registered;

use crate::{
    adapter::{
        queues::{
            PollState,
            Tx, //
        },
        Adapter, //
    },
    driver::Igb, //
};

/// What the device can do for the stack. VLAN filtering is always on: it is what keeps one function's
/// VLANs from another.
const OFFLOADS: Features = features::SG
    .with(features::FRAGLIST)
    .with(features::HW_CSUM)
    .with(features::SCTP_CRC)
    .with(features::TSO)
    .with(features::TSO6)
    .with(features::RXCSUM);
const USER: Features = OFFLOADS
    .with(features::RXHASH)
    .with(features::VLAN_TX)
    .with(features::VLAN_RX);

/// Makes and registers the network device.
pub(crate) fn register<'bound>(
    adapter: &Arc<Adapter<'bound>>,
) -> Result<Registered<'bound, Interface<'bound, Igb>>> {
    let mut builder = Builder::new(adapter.dev(), adapter.permanent_mac());
    builder.pairs = adapter.max_pairs().into();
    builder.mtu = (MIN_MTU, MAX_MTU);
    builder.user_features = USER;
    builder.features = USER | features::VLAN_FILTER | features::HIGHDMA;
    builder.vlan_features = OFFLOADS | features::HIGHDMA;
    builder.unicast_filter = true;
    builder.register_with_vfs::<Igb>(adapter.scope(), Arc::clone(adapter))
}

#[vtable]
impl Operations for Igb {
    type Data<'bound> = Arc<Adapter<'bound>>;
    type Tx<'bound> = Tx<'bound>;
    type Poll<'bound> = PollState<'bound>;
    /// The vector's bit in EIMS.
    type Vector = u32;

    const MAX_L2_HEADER: u32 = 127;
    const MAX_L3_HEADER: u32 = 511;

    fn open<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) -> Result {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        let result = if config.retry_ms().is_some() {
            adapter.bring_back(interface, &mut config, rtnl)
        } else {
            adapter
                .start_queues(interface, &mut config, rtnl)
                .and_then(|()| adapter.update_link(interface, &mut config))
        };
        // The core does not stop what did not open.
        result.inspect_err(|_| adapter.stop_queues(interface, &mut config, rtnl))
    }

    fn stop<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        interface.carrier_off();
        adapter.stop_queues(interface, &mut config, rtnl);
    }

    #[inline]
    fn start_xmit<'bound>(
        _interface: &Interface<'bound, Self>,
        tx: &mut Tx<'bound>,
        queue: &TxQueue<'_>,
        skb: SkBuff,
    ) -> TxOutcome {
        tx.send(queue, skb)
    }

    fn flush_xmit<'bound>(
        _interface: &Interface<'bound, Self>,
        tx: &mut Self::Tx<'bound>,
        queue: &TxQueue<'_>,
    ) {
        tx.flush(queue);
    }

    #[inline]
    fn poll<'bound>(
        interface: &Interface<'bound, Self>,
        state: &mut PollState<'bound>,
        poll: &mut Poll<'_>,
    ) -> Progress {
        let features = interface.features();
        let options = RxOptions {
            copybreak: interface.data().copybreak().get(),
            checksum: features.contains(features::RXCSUM),
            hash: state.hashed && features.contains(features::RXHASH),
            vlans: None,
        };
        state.queues.poll(poll, options)
    }

    #[inline]
    fn polled<'bound>(
        interface: &Interface<'bound, Self>,
        state: &mut PollState<'bound>,
    ) -> Self::Vector {
        if let Some(stats) = interface.queue_stats(state.index.into()) {
            state.sampler.sample(stats);
        }
        state.cause
    }

    #[inline]
    fn rearm<'bound>(interface: &Interface<'bound, Self>, cause: Self::Vector) {
        interface.data().hw().enable_vectors(cause);
    }

    fn stats<'bound>(interface: &Interface<'bound, Self>, stats: &mut LinkStats) {
        interface.data().add_port_errors(stats);
    }

    fn set_rx_mode<'bound>(
        interface: &Interface<'bound, Self>,
        mode: RxMode,
        unicast: &AddressList<'_>,
        multicast: &AddressList<'_>,
        _rtnl: &Rtnl,
    ) -> Result {
        interface.data().set_rx_mode(mode, unicast, multicast)
    }

    fn set_mac<'bound>(
        interface: &Interface<'bound, Self>,
        mac: MacAddress,
        _rtnl: &Rtnl,
    ) -> Result {
        interface.data().set_mac(mac)
    }

    fn change_mtu<'bound>(interface: &Interface<'bound, Self>, mtu: u32, _rtnl: &Rtnl) -> Result {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        let wanted = Mtu::new(mtu).ok_or(EINVAL)?;
        let old = core::mem::replace(&mut config.mtu, wanted);
        adapter
            .apply_receive(&mut config)
            .inspect_err(|_| config.mtu = old)?;
        adapter.settle_flow_control(&mut config);
        Ok(())
    }

    fn fix_features<'bound>(
        _interface: &Interface<'bound, Self>,
        wanted: Features,
        _rtnl: &Rtnl,
    ) -> Features {
        // A tag that is stripped but not inserted would get lost when packets are bridged.
        if wanted.contains(features::VLAN_RX) {
            wanted | features::VLAN_TX
        } else {
            wanted.without(features::VLAN_TX)
        }
    }

    fn set_features<'bound>(
        interface: &Interface<'bound, Self>,
        wanted: Features,
        changed: Features,
        _rtnl: &Rtnl,
    ) -> Result {
        // The poll function looks at the others itself.
        if changed & features::VLAN_RX == Features::NONE {
            return Ok(());
        }
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        let strip = wanted.contains(features::VLAN_RX);
        let old = core::mem::replace(&mut config.strip_vlan, strip);
        adapter
            .apply_receive(&mut config)
            .inspect_err(|_| config.strip_vlan = old)
    }

    fn vlan_add<'bound>(interface: &Interface<'bound, Self>, vid: u16, _rtnl: &Rtnl) -> Result {
        interface.data().set_vlan(vid, true)
    }

    fn vlan_kill<'bound>(interface: &Interface<'bound, Self>, vid: u16, _rtnl: &Rtnl) -> Result {
        interface.data().set_vlan(vid, false)
    }

    fn tx_timeout<'bound>(interface: &Interface<'bound, Self>, queue: u32) {
        let adapter = interface.data();
        dev_err!(adapter.dev(), "transmit queue {queue} hangs\n");
        adapter.want_reset();
    }
}
