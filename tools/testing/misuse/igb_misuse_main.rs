// SPDX-License-Identifier: GPL-2.0

//! A driver that asks of the library, from safe code, for things that must not happen.
//!
//! It binds to every port without a driver, registers an interface for it, and never touches the
//! device. Each case logs a line that ends in `holds` or `FAILS`.

#![forbid(unsafe_code)]

use kernel::{
    device::Bound,
    new_mutex,
    pci,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};
use nic::{
    dma::{
        Arena,
        Backing, //
    },
    ethtool,
    net::{
        AddressList,
        Builder,
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
    pci::{
        Driver,
        Registered,
        Resource,
        Scope, //
    }, //
};

/// The interface is used after it was unregistered.
const UNREGISTERED: u32 = 1;
/// An interface that could not be registered is told of a carrier.
const REFUSED: u32 = 2;
/// `stop` leaves the pair running.
const LEFT_RUNNING: u32 = 3;
/// The memory goes, and other memory is asked for.
const MEMORY: u32 = 4;

nic::module_nic_driver! {
    type: Misuse,
    name: "igb_misuse",
    authors: ["The igb_rs authors"],
    description: "Misuses the library of igb_rs from safe code",
    license: "GPL v2",
    params: {
        case: u32 {
            default: 0,
            description: "The misuse: see the source",
        },
    },
}

kernel::pci_device_table!(
    TABLE,
    (),
    [(pci::DeviceId::from_id(pci::Vendor::INTEL, 0x10c9), ())]
);

struct Misuse;

/// What the interface's callbacks find.
#[pin_data]
struct State<'bound> {
    case: u32,
    /// References that outlive the registration, as callbacks take them.
    #[pin]
    kept: Mutex<Option<Arc<Interface<'bound, Misuse>>>>,
}

/// A bound port. Field order is drop order.
struct Data<'bound> {
    interface: Option<Registered<'bound, Interface<'bound, Misuse>>>,
    state: Arc<State<'bound>>,
    dev: &'bound pci::Device<Bound>,
}

fn verdict(dev: &pci::Device<Bound>, what: &str, holds: bool) {
    if holds {
        dev_info!(dev, "{what}: holds\n");
    } else {
        dev_err!(dev, "{what}: FAILS\n");
    }
}

#[vtable]
impl Driver for Misuse {
    type IdInfo = ();
    type Data<'bound> = Data<'bound>;

    const ID_TABLE: pci::IdTable<()> = &TABLE;
    const DMA_BITS: u32 = 64;

    fn probe<'bound>(
        dev: &'bound pci::Device<Bound>,
        scope: Scope<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Data<'bound>, Error> + 'bound {
        probe(dev, scope)
    }

    fn unbind(this: Pin<&Data<'_>>) {
        if let Some(interface) = &this.interface {
            interface.unregister();
        }
        this.state.kept.lock().take();
    }
}

fn probe<'bound>(dev: &'bound pci::Device<Bound>, scope: Scope<'bound>) -> Result<Data<'bound>> {
    let case = module_parameters::case.value();
    let state = Arc::pin_init(
        pin_init!(State {
            case,
            kept <- new_mutex!(None),
        }),
        GFP_KERNEL,
    )?;
    let mut data = Data {
        interface: None,
        state: state.clone(),
        dev,
    };
    if case == MEMORY {
        memory(dev, scope)?;
        return Ok(data);
    }
    let builder = Builder::new(dev, MacAddress::random());
    let interface = match builder.register::<Misuse>(scope, state.clone()) {
        Err(e) if case == REFUSED => {
            refused(&data, e);
            return Ok(data);
        }
        interface => interface?,
    };
    if case == UNREGISTERED {
        unregistered(dev, &interface);
    }
    data.interface = Some(interface);
    Ok(data)
}

fn memory<'bound>(dev: &'bound pci::Device<Bound>, scope: Scope<'bound>) -> Result {
    drop(Arena::new(dev, scope, Backing::Auto)?);
    let second = Arena::new(dev, scope, Backing::DmaApi);
    verdict(dev, "no second memory", second.is_err_and(|e| e == EBUSY));
    Ok(())
}

/// The interface that was not registered is still there, and somebody has found a link.
fn refused(data: &Data<'_>, e: Error) {
    // RTNL, which is taken below, is held when the callback takes this lock.
    let kept = data.state.kept.lock().clone();
    dev_info!(data.dev, "registration: {e:?}\n");
    if let Some(interface) = kept {
        interface.carrier_on();
        let rtnl = Rtnl::lock();
        verdict(
            data.dev,
            "not registered",
            interface.registered(&rtnl).is_none(),
        );
    }
}

fn unregistered<'bound>(
    dev: &'bound pci::Device<Bound>,
    interface: &Registered<'bound, Interface<'bound, Misuse>>,
) {
    let kept = interface.shared();
    let started = |what| {
        let rtnl = Rtnl::lock();
        let running = kept.running(&rtnl);
        let started = running.is_some_and(|up| up.start_pair(0, (), (), 0).is_ok());
        verdict(dev, what, !started);
    };
    started("no pair starts while down");
    interface.unregister();
    let rtnl = Rtnl::lock();
    verdict(dev, "no proof once gone", kept.registered(&rtnl).is_none());
    verdict(dev, "nothing to stop", kept.stop_pair(0, &rtnl).is_none());
    drop(rtnl);
    started("no pair starts once gone");
    kept.carrier_on();
    kept.schedule_poll(0);
    kept.add_tx_dropped(0, 1);
}

#[vtable]
impl ethtool::Operations for Misuse {}

#[vtable]
impl Operations for Misuse {
    type Data<'bound> = Arc<State<'bound>>;
    type Tx<'bound> = ();
    type Poll<'bound> = ();
    type Vector = ();

    const MAX_L2_HEADER: u32 = 127;
    const MAX_L3_HEADER: u32 = 511;

    fn open<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) -> Result {
        let running = interface.running(rtnl).ok_or(ENETDOWN)?;
        running.set_active_pairs(1)?;
        running.start_pair(0, (), (), 0)?;
        interface.carrier_on();
        Ok(())
    }

    fn stop<'bound>(interface: &Interface<'bound, Self>, rtnl: &Rtnl) {
        interface.carrier_off();
        if interface.data().case != LEFT_RUNNING {
            interface.stop_pair(0, rtnl);
        }
    }

    fn fix_features<'bound>(
        interface: &Interface<'bound, Self>,
        wanted: nic::net::Features,
        _rtnl: &Rtnl,
    ) -> nic::net::Features {
        let state = interface.data();
        if state.case == REFUSED {
            *state.kept.lock() = Some(interface.shared());
        }
        wanted
    }

    fn start_xmit<'bound>(
        _interface: &Interface<'bound, Self>,
        _tx: &mut (),
        _queue: &TxQueue<'_>,
        _skb: SkBuff,
    ) -> TxOutcome {
        TxOutcome::Taken
    }

    fn flush_xmit<'bound>(
        _interface: &Interface<'bound, Self>,
        _tx: &mut (),
        _queue: &TxQueue<'_>,
    ) {
    }

    fn poll<'bound>(
        _interface: &Interface<'bound, Self>,
        _state: &mut (),
        _poll: &mut Poll<'_>,
    ) -> Progress {
        Progress::Done(0)
    }

    fn polled<'bound>(_interface: &Interface<'bound, Self>, _state: &mut ()) {}

    fn rearm<'bound>(_interface: &Interface<'bound, Self>, _vector: ()) {}

    fn set_rx_mode<'bound>(
        _interface: &Interface<'bound, Self>,
        _mode: RxMode,
        _unicast: &AddressList<'_>,
        _multicast: &AddressList<'_>,
        _rtnl: &Rtnl,
    ) -> Result {
        Ok(())
    }

    fn set_mac<'bound>(
        _interface: &Interface<'bound, Self>,
        _mac: MacAddress,
        _rtnl: &Rtnl,
    ) -> Result {
        Ok(())
    }

    fn change_mtu<'bound>(_interface: &Interface<'bound, Self>, _mtu: u32, _rtnl: &Rtnl) -> Result {
        Ok(())
    }

    fn tx_timeout<'bound>(_interface: &Interface<'bound, Self>, _queue: u32) {}
}
