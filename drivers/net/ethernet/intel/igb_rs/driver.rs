// SPDX-License-Identifier: GPL-2.0

//! Binding to the device: what is set up at probe, in which order it goes away.

use kernel::{
    device::Bound,
    pci,
    prelude::*,
    str::CString,
    sync::Arc, //
};

use igb_common::layout::MAX_VFS;
use nic::{
    debugfs::Directory,
    devlink::Devlink,
    dma::Backing,
    irq::Irq,
    net::Interface,
    pci::{
        Driver,
        Interruption,
        Registered,
        Resource,
        Scope,
        SriovDisable,
        SriovEnable,
        SriovEnabled, //
    },
    work::Service, //
};

use crate::{
    adapter::Adapter,
    debugfs,
    devlink::{
        self,
        Port, //
    },
    irq::OtherVector,
    module_parameters,
    netdev,
    service::{
        Events,
        Watchdog, //
    },
    sriov, //
};

/// The driver.
pub(crate) struct Igb;

kernel::pci_device_table!(
    PCI_TABLE,
    <Igb as Driver>::IdInfo,
    [
        (pci::DeviceId::from_id(pci::Vendor::INTEL, 0x10c9), ()),
        (pci::DeviceId::from_id(pci::Vendor::INTEL, 0x150a), ()),
        (pci::DeviceId::from_id(pci::Vendor::INTEL, 0x10e8), ()),
        (pci::DeviceId::from_id(pci::Vendor::INTEL, 0x1526), ()),
    ]
);

/// A bound device. Field order is drop order: first nothing looks at the device any more, then the
/// network device goes, then its interrupts, then the device is left alone.
pub(crate) struct Data<'bound> {
    _debugfs: Registered<'bound, Directory<'bound>>,
    _devlink: Registered<'bound, Devlink<Port<'bound>>>,
    _other: Registered<'bound, Irq<'bound, OtherVector<'bound>>>,
    events: Registered<'bound, Service<Events<'bound>>>,
    watchdog: Registered<'bound, Service<Watchdog<'bound>>>,
    interface: Registered<'bound, Interface<'bound, Igb>>,
    adapter: Arc<Adapter<'bound>>,
}

#[vtable]
impl Driver for Igb {
    type IdInfo = ();
    type Data<'bound> = Data<'bound>;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;
    const DMA_BITS: u32 = 64;
    const MAX_VFS: u16 = MAX_VFS as u16;
    const LONG_COMPLETION_TIMEOUT: bool = true;

    fn probe<'bound>(
        dev: &'bound pci::Device<Bound>,
        scope: Scope<'bound>,
        _info: Option<&'bound ()>,
    ) -> impl PinInit<Data<'bound>, Error> + 'bound {
        probe(dev, scope)
    }

    fn unbind(this: Pin<&Data<'_>>) {
        // The watchdog would restart what is stopped here.
        this.watchdog.unregister();
        if !this.adapter.hw().check_alive() {
            // It cannot be told to stop, and would fire vectors that are about to be freed.
            this.adapter.arena().stop_requests();
        }
        this.interface.unregister();
        this.adapter.stop_device();
    }

    fn sriov_enable<'cb>(
        this: Pin<&'cb Data<'_>>,
        enable: SriovEnable<'cb>,
    ) -> Result<SriovEnabled<'cb>> {
        sriov::enable(&this.interface, enable)
    }

    fn sriov_disable<'cb>(this: Pin<&'cb Data<'_>>, disable: SriovDisable<'cb>) {
        sriov::disable(&this.interface, disable);
    }

    fn interrupt(this: Pin<&Data<'_>>, interruption: Interruption) {
        // Before RTNL is taken, which the watchdog takes as well.
        this.watchdog.pause();
        this.events.pause();
        this.adapter
            .detach(&this.interface, interruption.is_accessible());
    }

    fn resume(this: Pin<&Data<'_>>) -> Result {
        // Before the first interrupt comes, which is not repeated.
        this.events.resume();
        this.adapter
            .attach(&this.interface)
            .inspect_err(|_| this.events.pause())?;
        this.watchdog.resume();
        this.watchdog.schedule(0);
        Ok(())
    }
}

fn probe<'bound>(dev: &'bound pci::Device<Bound>, scope: Scope<'bound>) -> Result<Data<'bound>> {
    let backing = Backing::from_parameter(dev, module_parameters::dma.value())?;

    let adapter = Adapter::new(dev, scope, backing)?;
    bring_up(dev, scope, &adapter).inspect_err(|_| adapter.stop_device())
}

fn bring_up<'bound>(
    dev: &'bound pci::Device<Bound>,
    scope: Scope<'bound>,
    adapter: &Arc<Adapter<'bound>>,
) -> Result<Data<'bound>> {
    adapter.start_device()?;
    let interface = netdev::register(adapter)?;
    let watchdog = Service::new(scope, Watchdog::new(&interface))?;
    let name = CString::try_from_fmt(fmt!("igb_rs-{}", dev.as_ref().name()))?;
    let devlink = devlink::create(scope, &interface)?;
    let events = Events::new(&interface, watchdog.shared(), devlink.shared());
    let events = Service::new(scope, events)?;
    let handler = OtherVector::new(events.shared());
    let other = adapter.vectors().request(scope, 0, name, handler)?;
    adapter.start_events()?;
    watchdog.schedule(0);
    let debugfs = debugfs::create(scope, &interface, &other)?;
    adapter.announce();

    Ok(Data {
        _debugfs: debugfs,
        _devlink: devlink,
        _other: other,
        events,
        watchdog,
        interface,
        adapter: Arc::clone(adapter),
    })
}
