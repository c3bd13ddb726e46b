// SPDX-License-Identifier: GPL-2.0

//! What a network driver implements.

use kernel::{
    error::code::*,
    prelude::*, //
};

use super::{
    AddressList,
    Features,
    Interface,
    LinkStats,
    MacAddress,
    Poll,
    Rtnl,
    SkBuff,
    TxQueue, //
};

/// What became of a packet handed to [`Operations::start_xmit`].
#[must_use]
pub enum TxOutcome {
    /// The driver has it, or has dropped and counted it.
    Taken,
    /// No room; the stack will try again. The driver has stopped the queue. To be the packet that was
    /// handed over: another one is dropped.
    Busy(SkBuff),
}

/// What a poll function did.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Everything there was, `0` being received packets; interrupts may come again.
    Done(u32),
    /// The budget's worth; poll again.
    More,
}

/// Reception beyond the device's own address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RxMode {
    /// Everything on the wire.
    pub promiscuous: bool,
    /// Every group address.
    pub all_multicast: bool,
}

/// A network driver.
///
/// Per queue pair there are two pieces of state, installed by
/// [`RunningInterface::start_pair`](super::RunningInterface::start_pair): `Tx`, lent to
/// [`Self::start_xmit`] under the queue's transmit lock, and `Poll`, lent to [`Self::poll`] and
/// [`Self::polled`] while they run. The library sees to the exclusion, so both are plain `&mut`.
///
/// Locks, by the type of the arguments: callbacks given an [`Rtnl`] run in process context with the
/// RTNL lock held and may sleep; the others hold neither RTNL nor the device's instance lock and
/// say in which context they run. The library registers devices that are not "ops-locked", so the
/// kernel never calls with the instance lock instead of RTNL.
#[vtable]
pub trait Operations: Sized + 'static {
    /// The driver's data; dropped after the interface is unregistered.
    type Data<'bound>: Send + Sync + 'bound;
    /// Transmit state of a queue pair.
    type Tx<'bound>: Send + 'bound;
    /// Poll state of a queue pair.
    type Poll<'bound>: Send + 'bound;
    /// What [`Self::rearm`] has to know of a queue pair.
    type Vector: Copy + 'static;

    /// Longest link-layer header that offloads can handle, in bytes.
    const MAX_L2_HEADER: u32;
    /// Longest network-layer header that offloads can handle, in bytes.
    const MAX_L3_HEADER: u32;

    /// `ip link set up`. On success the queues run.
    fn open<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) -> Result;

    /// `ip link set down`, also before unregistration. Pairs that the driver leaves running are
    /// stopped afterwards.
    fn stop<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl);

    /// Sends a packet. The queue's transmit lock is held, soft interrupts are off; netpoll calls
    /// with hard interrupts off, too.
    fn start_xmit<'bound>(
        interface: &Interface<'bound, Self>,
        tx: &mut Self::Tx<'bound>,
        queue: &TxQueue<'_>,
        skb: SkBuff,
    ) -> TxOutcome;

    /// Rings the doorbell for packets that [`Self::start_xmit`] took without, because more were to
    /// come: they do not. Context as there.
    fn flush_xmit<'bound>(
        interface: &Interface<'bound, Self>,
        tx: &mut Self::Tx<'bound>,
        queue: &TxQueue<'_>,
    );

    /// Reaps transmissions, receives packets. Soft interrupt context, or for netpoll, which gives
    /// no budget, any.
    fn poll<'bound>(
        interface: &Interface<'bound, Self>,
        state: &mut Self::Poll<'bound>,
        poll: &mut Poll<'_>,
    ) -> Progress;

    /// The last that is done with `state` after [`Progress::Done`]. Soft interrupt context.
    /// Not called in a run without a budget.
    fn polled<'bound>(
        interface: &Interface<'bound, Self>,
        state: &mut Self::Poll<'bound>,
    ) -> Self::Vector;

    /// Lets the queue's interrupt fire again, after [`Self::polled`]. Soft interrupt context. The
    /// state is given up: the next poll may run on another processor already.
    fn rearm<'bound>(interface: &Interface<'bound, Self>, vector: Self::Vector);

    /// Adds what only the hardware counted to the sums of the queues. May run at any time, with any
    /// lock held or none: must not sleep.
    fn stats<'bound>(interface: &Interface<'bound, Self>, stats: &mut LinkStats) {
        let _ = (interface, stats);
    }

    /// The addresses or the mode of reception changed. The lists do not change during the call.
    /// On error the core tries again later.
    fn set_rx_mode<'bound>(
        interface: &Interface<'bound, Self>,
        mode: RxMode,
        unicast: &AddressList<'_>,
        multicast: &AddressList<'_>,
        rtnl: &Rtnl,
    ) -> Result;

    /// Changes the device's own address; `mac` is valid. On success the interface shows it.
    fn set_mac<'bound>(interface: &Interface<'bound, Self>, mac: MacAddress, rtnl: &Rtnl)
        -> Result;

    /// Changes the MTU; `mtu` is within the limits given to the builder. On success the interface
    /// shows it.
    fn change_mtu<'bound>(interface: &Interface<'bound, Self>, mtu: u32, rtnl: &Rtnl) -> Result;

    /// Forces features that depend on each other.
    fn fix_features<'bound>(
        interface: &Interface<'bound, Self>,
        wanted: Features,
        rtnl: &Rtnl,
    ) -> Features {
        let _ = (interface, rtnl);
        wanted
    }

    /// Puts `wanted` into force; `changed` is the difference to now.
    fn set_features<'bound>(
        interface: &Interface<'bound, Self>,
        wanted: Features,
        changed: Features,
        rtnl: &Rtnl,
    ) -> Result {
        let _ = (interface, wanted, changed, rtnl);
        Ok(())
    }

    /// Receives packets tagged `vid` (802.1Q), too.
    fn vlan_add<'bound>(interface: &Interface<'bound, Self>, vid: u16, rtnl: &Rtnl) -> Result {
        let _ = (interface, vid, rtnl);
        Err(EOPNOTSUPP)
    }

    /// No longer receives packets tagged `vid`.
    fn vlan_kill<'bound>(interface: &Interface<'bound, Self>, vid: u16, rtnl: &Rtnl) -> Result {
        let _ = (interface, vid, rtnl);
        Err(EOPNOTSUPP)
    }

    /// Queue `queue` has been stopped for longer than the watchdog allows. Soft interrupt context,
    /// with a spin lock of the core's held: must not sleep.
    fn tx_timeout<'bound>(interface: &Interface<'bound, Self>, queue: u32);
}
