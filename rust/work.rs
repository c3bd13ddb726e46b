// SPDX-License-Identifier: GPL-2.0

//! Delayed work that borrows from the bound device and can be cancelled.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    types::Opaque, //
};

use crate::{
    pci::{
        Registered,
        Resource,
        Scope, //
    },
    raw, //
};

/// What a [`Service`] does.
pub trait Handler: Send + Sync + Sized {
    /// One run, in process context; may sleep. Runs of one service never overlap. To run again,
    /// call [`Service::schedule`].
    fn run(&self, service: &Service<Self>);
}

/// Whether a [`Service`] may be scheduled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Enabled,
    Paused,
    Ended,
}

/// Work on the unbound system queue, from `msecs` after it is scheduled.
///
/// # Invariants
///
/// - `work` is an initialised `struct delayed_work` inside an `Arc`; its function is
///   `run_callback::<H>`.
/// - `work` is disabled, once, exactly while `state` is not `Enabled`.
///
/// # Examples
///
/// ```
/// use kernel::{prelude::*, sync::atomic::{Atomic, Relaxed}};
/// use nic::{pci::{Registered, Scope}, work::{Handler, Service}};
///
/// struct Watchdog {
///     rounds: Atomic<u64>,
/// }
///
/// impl Handler for Watchdog {
///     fn run(&self, service: &Service<Self>) {
///         self.rounds.add(1, Relaxed);
///         service.schedule(2000);
///     }
/// }
///
/// fn watch<'bound>(scope: Scope<'bound>) -> Result<Registered<'bound, Service<Watchdog>>> {
///     let service = Service::new(scope, Watchdog { rounds: Atomic::new(0) })?;
///     service.schedule(0);
///     Ok(service)
/// }
/// ```
#[pin_data]
pub struct Service<H: Handler> {
    #[pin]
    work: Opaque<raw::delayed_work>,
    #[pin]
    state: Mutex<State>,
    handler: H,
}

// SAFETY: the workqueue functions used may be called from any thread; `H` is `Send`.
unsafe impl<H: Handler> Send for Service<H> {}

// SAFETY: as for `Send`, and `H` is `Sync`.
unsafe impl<H: Handler> Sync for Service<H> {}

impl<H: Handler> Service<H> {
    /// Makes an idle service. Allocates.
    pub fn new<'bound>(scope: Scope<'bound>, handler: H) -> Result<Registered<'bound, Self>>
    where
        H: 'bound,
    {
        let this = Arc::pin_init(
            // INVARIANT: `work` is initialised here and never moves.
            pin_init!(Self {
                work <- Opaque::ffi_init(|work| {
                    // SAFETY: `work` is valid memory for a `struct delayed_work`.
                    unsafe { raw::nic_init_delayed_work(work, Some(run_callback::<H>)) }
                }),
                state <- new_mutex!(State::Enabled),
                handler,
            }),
            GFP_KERNEL,
        )?;
        scope.adopt(this)
    }

    /// Runs the handler `msecs` from now, unless a run is already pending or the service is paused or
    /// has ended. Any context.
    pub fn schedule(&self, msecs: u32) {
        // SAFETY: the work is initialised (invariant). After `pause` or `unregister` it is disabled
        // and this does nothing.
        unsafe {
            raw::nic_schedule_delayed_work(self.work.get(), raw::__msecs_to_jiffies(msecs));
        }
    }

    /// Runs the handler as soon as possible, even if a run is pending for later, unless the service is
    /// paused or has ended. Any context.
    pub fn expedite(&self) {
        // SAFETY: as in `schedule`.
        unsafe { raw::nic_expedite_delayed_work(self.work.get()) };
    }

    /// Cancels what is scheduled, waits for a run in progress, and refuses scheduling until
    /// [`Self::resume`]. Sleeps; never from the handler, and with no lock held that it takes.
    pub fn pause(&self) {
        self.disable(State::Paused);
    }

    /// Ends a pause. Nothing is scheduled then. Sleeps while a pause begins.
    pub fn resume(&self) {
        let mut state = self.state.lock();
        if *state == State::Paused {
            // INVARIANT: it was disabled once.
            // SAFETY: the work is initialised (invariant).
            unsafe { raw::enable_delayed_work(self.work.get()) };
            *state = State::Enabled;
        }
    }

    /// The lock is held while waiting, so that a second caller returns only when the first one's work
    /// is done.
    fn disable(&self, to: State) {
        let mut state = self.state.lock();
        if *state == State::Enabled {
            // INVARIANT: disabled once.
            // SAFETY: the work is initialised (invariant). Disabling cancels, waits for a run in
            // progress and refuses later scheduling.
            unsafe { raw::disable_delayed_work_sync(self.work.get()) };
        }
        if *state != State::Ended {
            *state = to;
        }
    }

    /// The handler.
    pub fn handler(&self) -> &H {
        &self.handler
    }
}

// SAFETY: disabling the work waits for a run in progress and refuses later ones; the lock is held
// meanwhile, so a second caller waits too.
unsafe impl<H: Handler> Resource for Service<H> {
    fn unregister(&self) {
        self.disable(State::Ended);
    }
}

unsafe extern "C" fn run_callback<H: Handler>(work: *mut raw::work_struct) {
    // SAFETY: `work` is the first field of the `delayed_work` inside a `Service<H>` (invariant),
    // which its scope keeps alive until `unregister` has returned.
    let this = unsafe {
        let delayed = kernel::container_of!(work, raw::delayed_work, work);
        let opaque = delayed.cast::<Opaque<raw::delayed_work>>();
        &*kernel::container_of!(opaque, Service<H>, work)
    };
    this.handler.run(this);
}
