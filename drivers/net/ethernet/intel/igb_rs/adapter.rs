// SPDX-License-Identifier: GPL-2.0

//! The device as a whole: what it is set to, and the only code that resets it.
//!
//! A reset happens at probe, after a hang, when one of the PF's queues does not start, and when the device was
//! in other hands (sleep, bus errors, resets from outside; [`interruption`]). Everything else (MTU, ring sizes, features, number of
//! VFs) changes with at most the PF's own queues stopped, so VFs do not notice.
//!
//! # Locking
//!
//! [`Config`] is what the device is set to; its mutex serialises all changes of registers. RTNL, where
//! held, is taken before it. Nothing waits for user space while holding it, and for a
//! VF's mailbox 10 ms at most, when the PF has something to say by itself.

use igb_common::{
    itr::Interval,
    layout::Layout,
    mac::MacAddr,
    vf_bank::VfBank, //
};
use igb_queue::Copybreak;
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
    },
    time::{
        Instant,
        Monotonic, //
    }, //
};
use nic::{
    dma::{
        Arena,
        Backing, //
    },
    irq::Vectors,
    net::{
        self,
        MacAddress, //
    },
    pci::{
        Registered,
        Scope, //
    }, //
};

use crate::{
    hw::{
        BoardId,
        Hw,
        LinkConfig,
        NvmVersion, //
    },
    regs::BAR_SIZE, //
};

mod config;
mod interruption;
mod link;
pub(crate) mod queues;
mod receive;
mod selftest;
mod settings;
mod stats;

pub(crate) use config::Config;
use stats::PortErrors;

/// Milliseconds until the first try to set up the device after one that failed; doubled with each
/// further failure.
const FIRST_RETRY_MS: u32 = 500;
/// Longest wait: the firmware may keep the PHY for good, and each try takes a second then.
const MAX_RETRY_MS: u32 = 60_000;

/// A bound physical function.
#[pin_data]
pub(crate) struct Adapter<'bound> {
    dev: &'bound pci::Device<Bound>,
    hw: Arc<Hw<'bound>>,
    scope: Scope<'bound>,
    vectors: Registered<'bound, Vectors<'bound>>,
    arena: Arc<Arena<'bound>>,
    mac: MacAddress,
    nvm_version: NvmVersion,
    board_id: Option<BoardId>,
    bound_at: Instant<Monotonic>,
    port_errors: PortErrors,
    /// Interrupts for link and mailbox so far.
    events_seen: Atomic<u64>,
    /// A queue hangs: the watchdog is to reset the device.
    reset_wanted: Atomic<bool>,
    copybreak: Copybreak,
    #[pin]
    config: Mutex<Config<'bound>>,
}

impl<'bound> Adapter<'bound> {
    /// Resets the device, checks its NVM and takes memory and vectors for it. Sleeps.
    pub(crate) fn new(
        dev: &'bound pci::Device<Bound>,
        scope: Scope<'bound>,
        backing: Backing,
    ) -> Result<Arc<Self>> {
        let bar = dev
            .iomap_region_sized::<BAR_SIZE>(0, c"igb_rs")
            .inspect_err(|e| dev_err!(dev, "mapping BAR 0 failed: {e:?}\n"))?;
        let hw = Arc::new(Hw::new(dev, bar)?, GFP_KERNEL)?;
        hw.reset()?;
        hw.nvm_validate()?;
        let mac = MacAddress(hw.permanent_mac()?);
        let nvm_version = hw.nvm_version()?;
        let board_id = hw.board_id()?;
        let link = LinkConfig {
            pause: hw.nvm_flow_control()?,
            ..LinkConfig::DEFAULT
        };

        let queues = kernel::cpu::nr_cpu_ids().min(u32::from(Layout::WITHOUT_VFS.pf_max_queues()));
        let most = (queues + 1).min(Layout::WITHOUT_VFS.pf_max_vectors().into());
        let vectors = Vectors::alloc(dev, scope, 2, most)
            .inspect_err(|e| dev_err!(dev, "no two MSI-X vectors to be had: {e:?}\n"))?;
        // Not before the reset: rings of an earlier kernel may have been left running.
        let arena = Arena::new(dev, scope, backing)?;

        // A constant goes from the module to the heap: no five kilobytes of stack for it.
        const NO_VFS: VfBank = VfBank::new();
        let mut bank = KBox::new(NO_VFS, GFP_KERNEL)?;
        bank.set_permanent_mac(MacAddr::new(mac.0));
        bank.set_pf_mac(MacAddr::new(mac.0))
            .map_err(|_| EADDRNOTAVAIL)?;

        Arc::pin_init(
            pin_init!(Self {
                dev,
                hw,
                scope,
                vectors,
                arena,
                mac,
                nvm_version,
                board_id,
                bound_at: Instant::now(),
                port_errors: PortErrors::new(),
                events_seen: Atomic::new(0),
                reset_wanted: Atomic::new(false),
                copybreak: Copybreak::new(),
                config <- new_mutex!(Config::new(bank, link)),
            }),
            GFP_KERNEL,
        )
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

    /// The address from the NVM.
    pub(crate) fn permanent_mac(&self) -> MacAddress {
        self.mac
    }

    /// Version of the NVM's image when the device was bound. The NVM does not change while it is.
    pub(crate) fn nvm_version(&self) -> NvmVersion {
        self.nvm_version
    }

    /// The board's number, if the NVM has one.
    pub(crate) fn board_id(&self) -> Option<BoardId> {
        self.board_id
    }

    /// The settings; see the module's documentation for the order of locks.
    pub(crate) fn config(&self) -> &Mutex<Config<'bound>> {
        &self.config
    }

    /// Milliseconds since the device was bound.
    pub(crate) fn uptime_ms(&self) -> u64 {
        u64::try_from(self.bound_at.elapsed().as_millis()).unwrap_or(0)
    }

    /// Queue pairs the device can have beside no VF at all.
    pub(crate) fn max_pairs(&self) -> u8 {
        self.pairs_for(Layout::WITHOUT_VFS)
    }

    /// Queue pairs under `layout`.
    pub(crate) fn pairs_for(&self, layout: Layout) -> u8 {
        let vectors = u8::try_from(self.vectors.len()).unwrap_or(u8::MAX);
        layout
            .pf_queue_pairs(kernel::cpu::nr_cpu_ids(), vectors)
            .unwrap_or(1)
    }

    /// Makes a device that was just reset what `config` says: link, filters, division among
    /// functions. Queues are started separately. Sleeps.
    pub(crate) fn start_device(&self) -> Result {
        let mut config = self.config.lock();
        self.restore(&mut config)
    }

    fn restore(&self, config: &mut Config<'bound>) -> Result {
        let hw = &self.hw;
        hw.set_driver_loaded(true)?;
        hw.setup_msix()?;
        hw.map_other(0)?;
        self.restore_link(config)?;
        hw.enable_tx()?;
        self.apply_layout(config)?;
        config.bank.device_reset();
        self.apply_receive(config)?;
        hw.enable_rx()
    }

    /// Lets link, mailbox and error interrupts come, and VFs talk.
    pub(crate) fn start_events(&self) -> Result {
        let config = self.config.lock();
        self.enable_events(&config)
    }

    fn enable_events(&self, config: &Config<'bound>) -> Result {
        self.hw.set_moderation(0, Interval::EVENTS)?;
        self.hw.enable_mailbox_interrupts(u8::MAX)?;
        self.hw.enable_vectors(config.bank.layout().pf_cause(0));
        self.hw.enable_causes(true)?;
        // Not before: a VF that talks at once must be heard.
        self.hw.signal_reset_done()
    }

    /// Leaves the device quiet, for another driver or the firmware. Sleeps.
    pub(crate) fn stop_device(&self) {
        let _config = self.config.lock();
        if self.hw.reset().is_ok() {
            // A device that is gone needs no word to its firmware.
            let _ = self.hw.set_driver_loaded(false);
        }
    }

    /// The interrupt for link and mailbox came. From its handler.
    pub(crate) fn event_seen(&self) {
        self.events_seen.add(1, Relaxed);
    }

    /// Asks the watchdog to reset the device. Any context.
    pub(crate) fn want_reset(&self) {
        self.reset_wanted.store(true, Relaxed);
    }

    /// Whether a reset was asked for; the question withdraws it.
    pub(crate) fn take_reset_wish(&self) -> bool {
        self.reset_wanted.xchg(false, Relaxed)
    }

    /// Recovers from a hang, or from a reset that failed: resets the device and makes it what it was.
    /// RTNL must be held: the queues stop and start again. Errors: as [`Self::bring_back`].
    pub(crate) fn reset(
        &self,
        interface: &net::Interface<'bound, crate::driver::Igb>,
        rtnl: &net::Rtnl,
    ) -> Result {
        dev_warn!(self.dev, "resetting the device\n");
        let mut config = self.config.lock();
        self.log_queues(&config);
        self.stop_queues(interface, &mut config, rtnl);
        self.bring_back(interface, &mut config, rtnl)
    }

    /// Resets the device, whose queues do not run, and makes it what it was.
    ///
    /// What fails is logged, and tried again by the watchdog: all of it if there is [`Config::retry_ms`]
    /// then, with the VFs mostly waiting for the end of the reset, else the start of the queues.
    pub(crate) fn bring_back(
        &self,
        interface: &net::Interface<'bound, crate::driver::Igb>,
        config: &mut Config<'bound>,
        rtnl: &net::Rtnl,
    ) -> Result {
        config.retry_ms = (config.retry_ms * 2).clamp(FIRST_RETRY_MS, MAX_RETRY_MS);
        self.reset_device(config)
            .and_then(|()| self.restore(config))
            .and_then(|()| self.enable_events(config))
            .inspect_err(|e| {
                interface.carrier_off();
                dev_err!(self.dev, "setting up the device failed: {e:?}\n");
            })?;
        let started = if interface.is_running() {
            self.start_queues(interface, config, rtnl)
        } else {
            Ok(())
        };
        if started == Err(ETIMEDOUT) {
            // The reset has not helped: the next one in a while.
            self.take_reset_wish();
            return started;
        }
        config.retry_ms = 0;
        started?;
        self.update_link(interface, config)
    }

    /// Divides the device among the functions as the bank says, and spreads the PF's packets.
    ///
    /// There are no VFs, or they have not been told yet that the reset of the device is over.
    pub(crate) fn apply_layout(&self, config: &mut Config<'bound>) -> Result {
        let layout = config.bank.layout();
        // On silicon these registers are the VFs' as well, which set their bits when they start.
        self.hw.auto_clear_vectors(layout.pf_causes())?;
        if layout.has_vfs() {
            self.hw.enable_virtualization(layout)?;
        } else {
            self.hw.disable_virtualization()?;
        }
        self.apply_rss(config)
    }

    /// Spreads the PF's packets over its queue pairs.
    pub(crate) fn apply_rss(&self, config: &Config<'bound>) -> Result {
        let layout = config.bank.layout();
        self.hw.set_rss_key(&config.rss_key)?;
        self.hw.set_rss_table(&config.spread(self), layout)?;
        self.hw
            .set_multiqueue(layout, config.pairs(self), config.rss_fields)
    }

    /// One line on what the device got, in the log.
    pub(crate) fn announce(&self) {
        dev_info!(
            self.dev,
            "MAC {}, NVM {}, {} vectors, {}\n",
            self.mac,
            self.nvm_version,
            self.vectors.len(),
            self.arena.protection(),
        );
    }
}
