// SPDX-License-Identifier: GPL-2.0

//! The network device of the virtual function.

use igb_common::frame::{
    MAX_MTU,
    MIN_MTU, //
};
use igb_queue::{
    RxOptions,
    TxQueueState, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};
use nic::{
    net::{
        features,
        AddressList,
        Builder,
        Features,
        Interface,
        MacAddress,
        Operations,
        Poll,
        Progress,
        Rtnl,
        RxMode,
        SkBuff,
        TxOutcome,
        TxQueue, //
    },
    pci::Registered, //
};

use crate::{
    adapter::{
        queue::PollState,
        Adapter,
        QUEUE_CAUSE, //
    },
    driver::Igbvf,
    hw::Tail, //
};

/// What the user may turn on and off. VLAN filtering, stripping and insertion are always on: the PF
/// decides about the first two, with the first VLAN that is added.
const OFFLOADS: Features = features::SG
    .with(features::FRAGLIST)
    .with(features::HW_CSUM)
    .with(features::SCTP_CRC)
    .with(features::TSO)
    .with(features::TSO6)
    .with(features::RXCSUM);

const VLAN: Features = features::VLAN_TX
    .with(features::VLAN_RX)
    .with(features::VLAN_FILTER);

/// Makes and registers the network device.
pub(crate) fn register<'bound>(
    adapter: &Arc<Adapter<'bound>>,
) -> Result<Registered<'bound, Interface<'bound, Igbvf>>> {
    let (mac, mac_is_random) = adapter.mac();
    let mut builder = Builder::new(adapter.dev(), mac);
    builder.mac_is_random = mac_is_random;
    builder.mtu = (MIN_MTU, MAX_MTU);
    builder.user_features = OFFLOADS;
    builder.features = OFFLOADS | VLAN | features::HIGHDMA;
    builder.vlan_features = OFFLOADS | features::HIGHDMA;
    builder.unicast_filter = true;
    builder.register::<Igbvf>(adapter.scope(), Arc::clone(adapter))
}

#[vtable]
impl Operations for Igbvf {
    type Data<'bound> = Arc<Adapter<'bound>>;
    type Tx<'bound> = TxQueueState<'bound, Tail<'bound>>;
    type Poll<'bound> = PollState<'bound>;
    type Vector = ();

    const MAX_L2_HEADER: u32 = 127;
    const MAX_L3_HEADER: u32 = 511;

    fn open<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) -> Result {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        adapter.confirm_session(&mut config);
        // Without a session the watchdog starts the queues when there is one.
        if config.session.is_open() {
            adapter.start_queues(interface, &mut config, rtnl)?;
        }
        adapter.update_link(interface, &mut config);
        Ok(())
    }

    fn stop<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        adapter.stop_queues(interface, &mut config, rtnl);
        adapter.update_link(interface, &mut config);
    }

    #[inline]
    fn start_xmit<'bound>(
        _interface: &Interface<'bound, Self>,
        tx: &mut Self::Tx<'bound>,
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
        state: &mut Self::Poll<'bound>,
        poll: &mut Poll<'_>,
    ) -> Progress {
        let options = RxOptions {
            copybreak: interface.data().copybreak().get(),
            checksum: interface.features().contains(features::RXCSUM),
            hash: false,
            vlans: Some(interface.data().tags()),
        };
        state.queues.poll(poll, options)
    }

    #[inline]
    fn polled<'bound>(interface: &Interface<'bound, Self>, state: &mut Self::Poll<'bound>) {
        if let Some(stats) = interface.queue_stats(0) {
            state.sampler.sample(stats);
        }
    }

    #[inline]
    fn rearm<'bound>(interface: &Interface<'bound, Self>, _vector: ()) {
        interface.data().hw().enable_vectors(QUEUE_CAUSE);
    }

    fn set_rx_mode<'bound>(
        interface: &Interface<'bound, Self>,
        mode: RxMode,
        unicast: &AddressList<'_>,
        multicast: &AddressList<'_>,
        _rtnl: &Rtnl,
    ) -> Result {
        interface.data().set_rx_mode(mode, unicast, multicast);
        Ok(())
    }

    fn set_mac<'bound>(
        interface: &Interface<'bound, Self>,
        mac: MacAddress,
        _rtnl: &Rtnl,
    ) -> Result {
        interface.data().set_mac(mac)
    }

    fn change_mtu<'bound>(interface: &Interface<'bound, Self>, mtu: u32, _rtnl: &Rtnl) -> Result {
        interface.data().set_mtu(mtu)
    }

    fn vlan_add<'bound>(interface: &Interface<'bound, Self>, vid: u16, _rtnl: &Rtnl) -> Result {
        interface.data().add_vlan(vid)
    }

    fn vlan_kill<'bound>(interface: &Interface<'bound, Self>, vid: u16, _rtnl: &Rtnl) -> Result {
        interface.data().remove_vlan(vid);
        Ok(())
    }

    fn tx_timeout<'bound>(interface: &Interface<'bound, Self>, queue: u32) {
        let adapter = interface.data();
        dev_err!(adapter.dev(), "transmit queue {queue} hangs\n");
        adapter.want_reset();
    }
}
