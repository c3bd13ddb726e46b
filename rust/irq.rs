// SPDX-License-Identifier: GPL-2.0

//! MSI-X vectors, their handlers, names and processors.
//!
//! C headers: [`include/linux/pci.h`](srctree/include/linux/pci.h),
//! [`include/linux/interrupt.h`](srctree/include/linux/interrupt.h)

use core::fmt;

use kernel::{
    device::Bound,
    error::to_result,
    new_mutex,
    pci,
    prelude::*,
    str::CString,
    sync::{
        Arc,
        Mutex, //
    }, //
};

use crate::{
    net::Counter,
    pci::{
        Registered,
        Resource,
        Scope, //
    },
    raw,
    sys, //
};

/// What a hard interrupt handler found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The interrupt was the device's and is dealt with.
    Handled,
    /// The rest is for [`Handler::thread`]. Another message of the vector meanwhile makes that run
    /// once more; the vector is not masked, as MSI-X messages are edges.
    WakeThread,
}

/// An interrupt handler.
pub trait Handler: Send + Sync {
    /// Whether [`Self::thread`] is to be used; makes the kernel create a thread for the vector.
    const THREADED: bool = false;

    /// Runs in hard interrupt context with interrupts off: must not sleep.
    fn handle(&self) -> Outcome;

    /// Runs in a kernel thread after [`Outcome::WakeThread`]; may sleep.
    fn thread(&self) {}
}

/// The MSI-X vectors of a function, until their registration ends and with it the last [`Irq`] on them.
///
/// # Invariants
///
/// `dev` has an allocation of `len` MSI-X vectors, freed by nobody else, unless `state` says that they are
/// free. `state.users` registered [`Irq`]s are on them.
///
/// # Examples
///
/// ```
/// use kernel::{device::Bound, pci, prelude::*, str::CString};
/// use nic::{irq::{Handler, Irq, Outcome, Vectors}, pci::{Registered, Scope}};
///
/// struct Link;
///
/// impl Handler for Link {
///     const THREADED: bool = true;
///
///     fn handle(&self) -> Outcome {
///         Outcome::WakeThread
///     }
///
///     fn thread(&self) {
///         pr_info!("the link has changed\n");
///     }
/// }
///
/// fn listen<'bound>(
///     dev: &'bound pci::Device<Bound>,
///     scope: Scope<'bound>,
/// ) -> Result<Registered<'bound, Irq<'bound, Link>>> {
///     let vectors = Vectors::alloc(dev, scope, 1, 1)?;
///     let name = CString::try_from_fmt(fmt!("link"))?;
///     vectors.shared().request(scope, 0, name, Link)
/// }
/// ```
#[pin_data]
pub struct Vectors<'bound> {
    dev: &'bound pci::Device<Bound>,
    len: u32,
    #[pin]
    state: Mutex<State>,
}

/// What vectors are needed for.
struct State {
    /// Interrupts that are registered.
    users: u32,
    /// No others will be.
    ended: bool,
    /// Vectors that were placed on a processor; one bit each, as far as there are bits.
    placed: u64,
}

/// How many processors there are that can serve interrupts, at the moment. Any context.
///
/// # Examples
///
/// ```
/// // A vector for each, and one more.
/// assert!(nic::irq::online_cpus() + 1 > 1);
/// ```
pub fn online_cpus() -> u32 {
    // SAFETY: reads a number; takes no argument.
    unsafe { raw::nic_num_online_cpus() }
}

impl State {
    fn is_free(&self) -> bool {
        self.ended && self.users == 0
    }
}

impl<'bound> Vectors<'bound> {
    /// Allocates between `min` and `max` MSI-X vectors. Sleeps.
    ///
    /// Errors: `ENOSPC` when the device or the platform has fewer than `min`; `EINVAL`; `ENOMEM`.
    pub fn alloc(
        dev: &'bound pci::Device<Bound>,
        scope: Scope<'bound>,
        min: u32,
        max: u32,
    ) -> Result<Registered<'bound, Self>> {
        let this = Arc::pin_init(
            try_pin_init!(Self {
                dev,
                // INVARIANT: allocated here. Making the lock, which follows, does not fail.
                len: {
                    // SAFETY: the device is bound, so valid; the function checks its other arguments.
                    let ret = unsafe { raw::nic_alloc_msix(sys::pci_dev(dev), min, max) };
                    to_result(ret)?;
                    ret.unsigned_abs()
                },
                state <- new_mutex!(State {
                    users: 0,
                    ended: false,
                    placed: 0,
                }),
            }? Error),
            GFP_KERNEL,
        )?;
        // Unregisters on failure.
        scope.adopt(this)
    }

    /// Number of vectors.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// The Linux interrupt number of vector `index`; `EINVAL` past the end.
    fn irq(&self, index: u32) -> Result<u32> {
        // SAFETY: the device is valid; the index is checked inside.
        let irq = unsafe { raw::pci_irq_vector(sys::pci_dev(self.dev), index) };
        to_result(irq)?;
        Ok(u32::try_from(irq)?)
    }

    /// Installs `handler` on vector `index` under `name` (as in `/proc/interrupts`), placed on the
    /// `index`-th processor near the device the first time, later where the user wants it. Sleeps.
    ///
    /// The handler may run before this returns. Errors: `EINVAL` past the end, `EBUSY` when the
    /// vector has a handler, `ENODEV` when the vectors are no longer registered, `ENOMEM`.
    pub fn request<H: Handler + 'bound>(
        self: &Arc<Self>,
        scope: Scope<'bound>,
        index: u32,
        name: CString,
        handler: H,
    ) -> Result<Registered<'bound, Irq<'bound, H>>> {
        let irq = self.irq(index)?;
        let this = Arc::pin_init(
            pin_init!(Irq {
                index,
                irq,
                name,
                handler,
                vectors: Arc::clone(self),
                fired: Counter::default(),
                registered <- new_mutex!(false),
            }),
            GFP_KERNEL,
        )?;

        let thread: raw::irq_handler_t = if H::THREADED {
            Some(thread_callback::<H>)
        } else {
            None
        };
        // CAST: `IRQF_*` are `int` constants; the parameter is `unsigned long`.
        let flags = if H::THREADED {
            raw::IRQF_ONESHOT as usize
        } else {
            0
        };

        let mut registered = this.registered.lock();
        let mut state = self.state.lock();
        if state.ended {
            return Err(ENODEV);
        }
        // SAFETY: the vectors are not freed while `state` is held; the cookie is the pinned `Irq`, which the scope keeps until `unregister` has freed
        // the interrupt; the name lives in it too.
        to_result(unsafe {
            raw::request_threaded_irq(
                irq,
                Some(hard_callback::<H>),
                thread,
                flags,
                this.name.as_char_ptr(),
                Arc::as_ptr(&this).cast_mut().cast(),
            )
        })?;
        *registered = true;
        // INVARIANT: as the kernel has it.
        state.users += 1;
        // Only once, and then where the user wants it: the kernel remembers that.
        let bit = 1_u64.checked_shl(index).unwrap_or(0);
        let place_it = state.placed & bit == 0;
        state.placed |= bit;
        drop(state);
        drop(registered);

        // VFs have few vectors each, and every second number on the bus: count functions, too.
        let place = index.wrapping_add(u32::from(self.dev.dev_id() / 2));
        // SAFETY: the interrupt is ours until freed; the mask is a static of the kernel's. Failing
        // to place it leaves it where the kernel put it, which works too.
        unsafe { raw::nic_irq_spread(irq, place, sys::device(self.dev.as_ref()), place_it) };

        // Unregisters on failure.
        scope.adopt(this)
    }
}

impl Vectors<'_> {
    /// Changes what the vectors are needed for; frees them when it is nothing any more.
    fn change(&self, how: impl FnOnce(&mut State)) {
        let mut state = self.state.lock();
        let was_free = state.is_free();
        how(&mut state);
        if state.is_free() && !was_free {
            // SAFETY: the allocation is ours, not freed, and nobody uses it (invariant).
            unsafe { raw::pci_free_irq_vectors(sys::pci_dev(self.dev)) };
        }
    }
}

// SAFETY: nothing calls back: handlers belong to each `Irq`.
unsafe impl Resource for Vectors<'_> {
    fn unregister(&self) {
        self.change(|state| state.ended = true);
    }
}

/// A handler on a vector.
#[pin_data]
pub struct Irq<'bound, H> {
    index: u32,
    irq: u32,
    name: CString,
    handler: H,
    vectors: Arc<Vectors<'bound>>,
    /// Interrupts so far; written by the hard handler only.
    fired: Counter,
    /// Whether the kernel calls us. The lock makes a second `unregister` wait for the first.
    #[pin]
    registered: Mutex<bool>,
}

impl<H: Handler> Irq<'_, H> {
    /// The handler.
    pub fn handler(&self) -> &H {
        &self.handler
    }

    /// How many interrupts there were. Any context.
    pub fn fired(&self) -> u64 {
        self.fired.get()
    }

    /// The Linux interrupt number.
    pub fn number(&self) -> u32 {
        self.irq
    }

    /// Writes a line of a status file, `index irq name chip remapped cpu`: the entry of the function's MSI-X
    /// table, the Linux interrupt number, the name as in `/proc/interrupts`, the innermost interrupt
    /// controller, `remapped` if a remapping controller stands between the function and the processors and
    /// `direct` if not, the processor it goes to. Nothing once the registration has ended. Sleeps.
    pub fn show(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let registered = self.registered.lock();
        if !*registered {
            return Ok(());
        }
        // SAFETY: the interrupt is registered and stays it while the lock is held, so its descriptor and
        // what that refers to are there.
        let (chip, remapped, cpu) = unsafe {
            (
                raw::nic_irq_chip_name(self.irq),
                raw::nic_irq_isolated(self.irq),
                raw::nic_irq_effective_cpu(self.irq),
            )
        };
        let chip = if chip.is_null() {
            c"none"
        } else {
            // SAFETY: chip names are strings that live as long as the interrupt's domain, which goes with
            // the vectors, and these not before the registration.
            unsafe { CStr::from_char_ptr(chip) }
        };
        writeln!(
            out,
            "{} {} {} {} {} {cpu}",
            self.index,
            self.irq,
            kernel::fmt::Adapter(&*self.name),
            kernel::fmt::Adapter(chip),
            if remapped { "remapped" } else { "direct" },
        )
    }
}

// SAFETY: `free_irq` waits for both handlers; the lock is held meanwhile, so a second caller waits
// too.
unsafe impl<H: Handler> Resource for Irq<'_, H> {
    fn unregister(&self) {
        let mut registered = self.registered.lock();
        if *registered {
            // SAFETY: requested by us with this cookie and not yet freed. The hint is taken back
            // first, as `free_irq` demands.
            unsafe {
                raw::nic_irq_clear_hint(self.irq);
                raw::free_irq(self.irq, core::ptr::from_ref(self).cast_mut().cast());
            }
            *registered = false;
            // INVARIANT: as the kernel has it.
            self.vectors.change(|state| state.users -= 1);
        }
    }
}

unsafe extern "C" fn hard_callback<H: Handler>(
    _irq: c_int,
    cookie: *mut c_void,
) -> raw::irqreturn_t {
    // SAFETY: the cookie is the `Irq` that requested the interrupt, alive until it is freed.
    let this = unsafe { &*cookie.cast_const().cast::<Irq<'_, H>>() };
    this.fired.advance(1);
    match this.handler.handle() {
        Outcome::Handled => raw::irqreturn::IRQ_HANDLED,
        Outcome::WakeThread => raw::irqreturn::IRQ_WAKE_THREAD,
    }
}

unsafe extern "C" fn thread_callback<H: Handler>(
    _irq: c_int,
    cookie: *mut c_void,
) -> raw::irqreturn_t {
    // SAFETY: as in `hard_callback`.
    let this = unsafe { &*cookie.cast_const().cast::<Irq<'_, H>>() };
    this.handler.thread();
    raw::irqreturn::IRQ_HANDLED
}
