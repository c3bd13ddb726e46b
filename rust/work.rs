// SPDX-License-Identifier: GPL-2.0

//! Delayed work that borrows from the bound device and can be cancelled.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use kernel::{
    prelude::*,
    sync::Arc,
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

/// Work on the unbound system queue, from `msecs` after it is scheduled.
///
/// # Invariants
///
/// `work` is an initialised `struct delayed_work` inside an `Arc`; its function is
/// `run_callback::<H>`.
#[pin_data]
pub struct Service<H: Handler> {
    #[pin]
    work: Opaque<raw::delayed_work>,
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
                handler,
            }),
            GFP_KERNEL,
        )?;
        scope.adopt(this)
    }

    /// Runs the handler `msecs` from now, unless a run is already pending or the service has ended.
    /// Any context.
    pub fn schedule(&self, msecs: u32) {
        // SAFETY: the work is initialised (invariant). After `unregister` it is disabled and this
        // does nothing.
        unsafe {
            raw::nic_schedule_delayed_work(self.work.get(), raw::__msecs_to_jiffies(msecs));
        }
    }

    /// Runs the handler as soon as possible, even if a run is pending for later, unless the service
    /// has ended. Any context.
    pub fn expedite(&self) {
        // SAFETY: as in `schedule`.
        unsafe { raw::nic_expedite_delayed_work(self.work.get()) };
    }

    /// The handler.
    pub fn handler(&self) -> &H {
        &self.handler
    }
}

impl<H: Handler> Resource for Service<H> {
    fn unregister(&self) {
        // SAFETY: the work is initialised (invariant). Disabling cancels, waits for a run in
        // progress and refuses later scheduling; nested calls only count up.
        unsafe { raw::disable_delayed_work_sync(self.work.get()) };
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
