// SPDX-License-Identifier: GPL-2.0

//! The function as a whole: what it is set to, and the only code that resets it.
//!
//! Most of what a virtual function is set to is in the hands of the physical function's driver (the
//! PF for short) and asked for by mailbox. [`Config`] keeps what is wanted, whether or not the PF is
//! there to give it; [`session`] brings the PF up to date when it comes (back). So a VF can be bound,
//! set up and taken up while the PF is in reset, and goes on by itself after each of its resets.
//!
//! # Locking
//!
//! [`Config`]'s mutex serialises the use of the mailbox and all changes of registers. RTNL, where held,
//! is taken before it. A PF on the same machine serves mailboxes without RTNL, so waiting for it with
//! RTNL held is only a matter of time, which is bounded.

use igb_common::{
    frame::Mtu,
    itr::Coalescing,
    mac::MacAddr,
    ring::RingSize, //
};
use igb_hw::{
    link::Link,
    vf_stats::VfStats, //
};
use igb_queue::{
    Copybreak,
    VlanSet, //
};
use kernel::{
    device::Bound,
    new_mutex,
    pci,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    }, //
};
use nic::{
    dma::{
        Arena,
        Backing, //
    },
    ethtool::Messages,
    irq::Vectors,
    net::MacAddress,
    pci::{
        Registered,
        Scope, //
    },
    text::Plain, //
};

use crate::{
    hw::{
        Hw,
        Mailbox, //
    },
    regs::BAR_SIZE, //
};

mod care;
mod filters;
mod interruption;
pub(crate) mod queue;
mod session;

use queue::Running;

use self::{
    filters::{
        InForce,
        Reception, //
    },
    session::Session, //
};

/// The vector of the queue pair.
pub(crate) const QUEUE_VECTOR: u8 = 0;
/// Its bit in EIMS.
pub(crate) const QUEUE_CAUSE: u32 = 1 << QUEUE_VECTOR;
/// The vector of the mailbox.
const MAILBOX_VECTOR: u8 = 2;
/// The vectors whose interrupts are the mailbox's: QEMU (11.1) takes the number it was given for a set
/// of bits and raises vector 1.
pub(crate) const MAILBOX_VECTORS: [u8; 2] = [1, MAILBOX_VECTOR];
/// Their bits in EIMS.
pub(crate) const MAILBOX_CAUSES: u32 = 0b110;
/// Vectors in use: all that the device has.
const VECTORS: u32 = 3;

/// What the function is set to, and what it is known to be doing.
pub(crate) struct Config<'bound> {
    /// What the mailbox register said.
    mailbox: Mailbox,
    /// How we stand with the PF.
    pub(crate) session: Session,
    /// The address in use.
    mac: MacAddr,
    /// The address the PF gave last.
    given: Option<MacAddr>,
    /// Reception, as the stack wants it.
    wanted: Reception,
    /// Reception, as the PF has it.
    in_force: InForce,
    /// VLANs, as the stack wants them.
    vlans: VlanSet,
    /// One was removed since the last look.
    vlan_removed: bool,
    /// Longest packet.
    mtu: Mtu,
    /// Descriptors of the receive ring.
    pub(crate) rx_size: RingSize,
    /// Descriptors of the transmit ring.
    pub(crate) tx_size: RingSize,
    /// Moderation of the queue interrupt.
    pub(crate) coalescing: Coalescing,
    /// The queue pair while it runs.
    pub(crate) running: Option<Running<'bound>>,
    /// Kinds of messages that are logged.
    pub(crate) messages: Messages,
    /// How the link is, as far as it is ours.
    pub(crate) link_now: Option<Link>,
    /// The link is back, with packets in the ring from before: the watchdog is to start the queues anew.
    pub(crate) stale_queue: bool,
    /// It has run without a link.
    ran_without_link: bool,
    /// What the device counted.
    pub(crate) stats: VfStats,
}

/// A bound virtual function.
#[pin_data]
pub(crate) struct Adapter<'bound> {
    dev: &'bound pci::Device<Bound>,
    hw: Arc<Hw<'bound>>,
    scope: Scope<'bound>,
    vectors: Registered<'bound, Vectors<'bound>>,
    arena: Arc<Arena<'bound>>,
    /// The queue hangs: the watchdog is to reset the function.
    reset_wanted: Atomic<bool>,
    copybreak: Copybreak,
    /// VLANs whose tags are passed on; changed with `config` locked. Those that the stack wants, and
    /// those it wanted of which packets may still come.
    tags: VlanSet,
    #[pin]
    config: Mutex<Config<'bound>>,
}

impl<'bound> Adapter<'bound> {
    /// Takes registers, memory and vectors for the function. Sleeps.
    pub(crate) fn new(
        dev: &'bound pci::Device<Bound>,
        scope: Scope<'bound>,
        backing: Backing,
    ) -> Result<Arc<Self>> {
        let bar = dev
            .iomap_region_sized::<BAR_SIZE>(0, c"igbvf_rs")
            .inspect_err(|e| dev_err!(dev, "mapping BAR 0 failed: {e:?}\n"))?;
        let hw = Arc::new(Hw::new(dev, bar)?, GFP_KERNEL)?;
        let vectors = Vectors::alloc(dev, scope, VECTORS, VECTORS)
            .inspect_err(|e| dev_err!(dev, "no three MSI-X vectors to be had: {e:?}\n"))?;
        let arena = Arena::new(dev, scope, backing)?;

        Arc::pin_init(
            pin_init!(Self {
                dev,
                hw,
                scope,
                vectors,
                arena,
                reset_wanted: Atomic::new(false),
                copybreak: Copybreak::new(),
                tags: VlanSet::new(),
                config <- new_mutex!(Config {
                    mailbox: Mailbox::default(),
                    session: Session::new(),
                    // In force until the PF gives one, and for good if it never does.
                    mac: MacAddr::new(MacAddress::random().0),
                    given: None,
                    wanted: Reception::default(),
                    in_force: InForce::default(),
                    vlans: VlanSet::new(),
                    vlan_removed: false,
                    mtu: Mtu::DEFAULT,
                    rx_size: RingSize::DEFAULT,
                    tx_size: RingSize::DEFAULT,
                    coalescing: Coalescing::DEFAULT,
                    running: None,
                    messages: Messages::DEFAULT,
                    link_now: None,
                    stale_queue: false,
                    ran_without_link: false,
                    stats: VfStats::default(),
                }),
            }),
            GFP_KERNEL,
        )
    }

    /// VLANs whose tags are passed on.
    #[inline]
    pub(crate) fn tags(&self) -> &VlanSet {
        &self.tags
    }

    /// Length of the longest packet that is always copied.
    #[inline]
    pub(crate) fn copybreak(&self) -> &Copybreak {
        &self.copybreak
    }

    /// The device.
    pub(crate) fn dev(&self) -> &'bound pci::Device<Bound> {
        self.dev
    }

    /// The registers.
    pub(crate) fn hw(&self) -> &Arc<Hw<'bound>> {
        &self.hw
    }

    /// The scope of the binding.
    pub(crate) fn scope(&self) -> Scope<'bound> {
        self.scope
    }

    /// The function's vectors.
    pub(crate) fn vectors(&self) -> Arc<Vectors<'bound>> {
        self.vectors.shared()
    }

    /// The function's memory.
    pub(crate) fn arena(&self) -> &Arc<Arena<'bound>> {
        &self.arena
    }

    /// The settings; see the module's documentation for the order of locks.
    pub(crate) fn config(&self) -> &Mutex<Config<'bound>> {
        &self.config
    }

    /// The address in use, and whether it is a random one.
    pub(crate) fn mac(&self) -> (MacAddress, bool) {
        let config = self.config.lock();
        (MacAddress(config.mac.bytes()), config.given.is_none())
    }

    /// Resets the function and asks the PF to let it in. A PF that is not there is no error: the
    /// watchdog tries again. Sleeps.
    ///
    /// Errors: `ENODEV` if the device is gone.
    pub(crate) fn start_device(&self) -> Result {
        match self.connect(&mut self.config.lock()) {
            Err(e) if self.hw.is_gone() => Err(e),
            _ => Ok(()),
        }
    }

    /// Leaves the function quiet, for another driver. Sleeps.
    pub(crate) fn stop_device(&self) {
        let mut config = self.config.lock();
        config.session = Session::new();
        // A PF that is not there is told by its own reset; a device that is gone is quiet.
        let _ = self.hw.reset(&mut config.mailbox);
    }

    /// Asks the watchdog to reset the function. Any context.
    pub(crate) fn want_reset(&self) {
        self.reset_wanted.store(true, Relaxed);
        self.wake();
    }

    /// Whether a reset was asked for and not yet done.
    pub(crate) fn is_reset_wanted(&self) -> bool {
        self.reset_wanted.load(Relaxed)
    }

    /// Has the mailbox handler run, which has the watchdog run if there is something to do. Any
    /// context.
    fn wake(&self) {
        self.hw.trigger_vectors(1 << MAILBOX_VECTOR);
    }

    /// One line on what the function got, in the log.
    pub(crate) fn announce(&self) {
        let (mac, random) = self.mac();
        dev_info!(
            self.dev,
            "MAC {}{}, {} vectors, {}\n",
            mac,
            if random { " (random)" } else { "" },
            self.vectors.len(),
            Plain(self.arena.protection()),
        );
    }
}
