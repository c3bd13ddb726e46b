// SPDX-License-Identifier: GPL-2.0

//! Binding to the device: what is set up at probe, in which order it goes away.

use kernel::{
    device::Bound,
    pci,
    prelude::*,
    str::CString,
    sync::Arc, //
};

use nic::{
    debugfs::Directory,
    dma::Backing,
    irq::Irq,
    net::Interface,
    pci::{
        Driver,
        Interruption,
        Registered,
        Resource,
        Scope, //
    },
    work::Service, //
};

use crate::{
    adapter::{
        Adapter,
        MAILBOX_VECTORS, //
    },
    debugfs,
    irq::MailboxVector,
    module_parameters,
    netdev,
    service::Watchdog, //
};

/// The driver.
pub(crate) struct Igbvf;

kernel::pci_device_table!(
    PCI_TABLE,
    <Igbvf as Driver>::IdInfo,
    [(pci::DeviceId::from_id(pci::Vendor::INTEL, 0x10ca), ())]
);

/// A bound device. Field order is drop order: first nothing looks at the device any more, then the
/// network device goes, then its interrupts, then the device is left alone.
pub(crate) struct Data<'bound> {
    _debugfs: Registered<'bound, Directory<'bound>>,
    watchdog: Registered<'bound, Service<Watchdog<'bound>>>,
    _mailbox: [Registered<'bound, Irq<'bound, MailboxVector<'bound>>>; 2],
    interface: Registered<'bound, Interface<'bound, Igbvf>>,
    adapter: Arc<Adapter<'bound>>,
}

#[vtable]
impl Driver for Igbvf {
    type IdInfo = ();
    type Data<'bound> = Data<'bound>;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;
    const DMA_BITS: u32 = 64;

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

    fn interrupt(this: Pin<&Data<'_>>, interruption: Interruption) {
        // Before RTNL is taken, which the watchdog takes as well.
        this.watchdog.pause();
        this.adapter
            .detach(&this.interface, interruption.is_accessible());
    }

    fn resume(this: Pin<&Data<'_>>) -> Result {
        this.adapter.attach(&this.interface)?;
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
    let request = |vector: u8| {
        let name = CString::try_from_fmt(fmt!("igbvf_rs-{}-{vector}", dev.as_ref().name()))?;
        let handler = MailboxVector::new(interface.shared(), watchdog.shared());
        adapter
            .vectors()
            .request(scope, vector.into(), name, handler)
    };
    let [first, second] = MAILBOX_VECTORS;
    let mailbox = [request(first)?, request(second)?];
    let debugfs = debugfs::create(scope, &interface, &mailbox)?;
    adapter.announce();
    watchdog.schedule(0);

    Ok(Data {
        _debugfs: debugfs,
        watchdog,
        _mailbox: mailbox,
        interface,
        adapter: Arc::clone(adapter),
    })
}
