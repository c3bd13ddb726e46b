// SPDX-License-Identifier: GPL-2.0

//! Interrupt moderation: a fixed interval, or one that follows the load by the kernel's DIM library.
//!
//! C header: [`include/linux/dim.h`](srctree/include/linux/dim.h)

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
    atomic::{
        AtomicBool,
        Ordering, //
    },
    net::QueueStats,
    pci::{
        Registered,
        Resource,
        Scope, //
    },
    raw, //
};

/// How long the interrupts of a vector are held back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moderation {
    /// Always this many microseconds.
    Fixed(u32),
    /// As the load demands: long for many packets, short for few.
    Adaptive,
}

/// The device's timer of a vector.
pub trait Timer: Send + Sync {
    /// Sets the least time between two interrupts. Process context; must not take a lock under which
    /// a [`Moderator`] is unregistered.
    fn set_usecs(&self, usecs: u32);
}

/// Sets a vector's timer, by itself when [`Moderation::Adaptive`].
///
/// # Invariants
///
/// `dim` is an initialised `struct dim` inside an `Arc`, whose work function is `apply_callback::<T>`.
/// Only the one [`Sampler`] made with it passes it to `net_dim`.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use nic::{moderation::{Moderation, Moderator, Sampler, Timer}, pci::{Registered, Scope}};
///
/// fn moderate<'bound, T: Timer + 'bound>(
///     scope: Scope<'bound>,
///     timer: T,
/// ) -> Result<(Registered<'bound, Moderator<T>>, Sampler<T>)> {
///     let (moderator, sampler) = Moderator::new(scope, timer, Moderation::Fixed(50))?;
///     moderator.set(Moderation::Adaptive);
///     Ok((moderator, sampler))
/// }
/// ```
#[pin_data]
pub struct Moderator<T: Timer> {
    #[pin]
    dim: Opaque<raw::dim>,
    timer: T,
    /// A copy of what is in `setting`, for the poll function.
    adaptive: AtomicBool,
    /// Held while the timer is set, so that what was asked for last is what is in force.
    #[pin]
    setting: Mutex<Moderation>,
}

// SAFETY: the functions of the DIM library and the workqueue used may be called from any thread under
// the rules in the invariants; `T` is `Send`.
unsafe impl<T: Timer> Send for Moderator<T> {}

// SAFETY: as for `Send`, and `T` is `Sync`.
unsafe impl<T: Timer> Sync for Moderator<T> {}

impl<T: Timer> Moderator<T> {
    /// Sets `timer` as `setting` says. The second value is for the poll function of the vector.
    /// Sleeps. Errors: `ENOMEM`.
    pub fn new<'bound>(
        scope: Scope<'bound>,
        timer: T,
        setting: Moderation,
    ) -> Result<(Registered<'bound, Self>, Sampler<T>)>
    where
        T: 'bound,
    {
        let this = Arc::pin_init(
            // INVARIANT: `dim` is initialised here and never moves.
            pin_init!(Self {
                dim <- Opaque::ffi_init(|dim| {
                    // SAFETY: `dim` is valid memory for a `struct dim`.
                    unsafe { raw::nic_dim_init(dim, Some(apply_callback::<T>)) }
                }),
                timer,
                adaptive: AtomicBool::new(false),
                setting <- new_mutex!(setting),
            }),
            GFP_KERNEL,
        )?;
        this.set(setting);
        let moderator = scope.adopt(this)?;
        let sampler = Sampler {
            moderator: moderator.shared(),
            events: 0,
        };
        Ok((moderator, sampler))
    }

    /// Puts `setting` into force. Sleeps.
    pub fn set(&self, setting: Moderation) {
        let mut current = self.setting.lock();
        *current = setting;
        self.adaptive
            .store(setting == Moderation::Adaptive, Ordering::Relaxed);
        self.timer.set_usecs(match setting {
            Moderation::Fixed(usecs) => usecs,
            // SAFETY: the structure is initialised (invariant); the field is read in one go.
            Moderation::Adaptive => unsafe { raw::nic_dim_usecs(self.dim.get()) },
        });
    }
}

// SAFETY: every call disables the work and waits for a run in progress.
unsafe impl<T: Timer> Resource for Moderator<T> {
    fn unregister(&self) {
        // SAFETY: the work is initialised (invariant). Disabling cancels, waits for a run in progress
        // and refuses later scheduling; nested calls only count up.
        unsafe { raw::disable_work_sync(&raw mut (*self.dim.get()).work) };
    }
}

/// Tells a [`Moderator`] of the load; part of the state of the vector's poll function.
pub struct Sampler<T: Timer> {
    moderator: Arc<Moderator<T>>,
    events: u16,
}

impl<T: Timer> Sampler<T> {
    /// To be called when an interrupt has been served, with the counters of the vector's queue pair.
    /// Soft interrupt context.
    #[inline]
    pub fn sample(&mut self, stats: &QueueStats) {
        if !self.moderator.adaptive.load(Ordering::Relaxed) {
            return;
        }
        let (packets, bytes) = stats.total();
        self.events = self.events.wrapping_add(1);
        // SAFETY: the structure is initialised, and nobody else is in the library with it, as there is
        // one sampler (invariants) and it is borrowed mutably. The work function only reads the
        // profile and writes the state, both in one go.
        unsafe { raw::nic_dim_sample(self.moderator.dim.get(), self.events, packets, bytes) };
    }
}

unsafe extern "C" fn apply_callback<T: Timer>(work: *mut raw::work_struct) {
    // SAFETY: `work` is part of the `dim` inside a `Moderator<T>` (invariant), which its scope keeps
    // alive until `unregister` has returned.
    let this = unsafe {
        let dim = kernel::container_of!(work, raw::dim, work);
        let opaque = dim.cast::<Opaque<raw::dim>>();
        &*kernel::container_of!(opaque, Moderator<T>, dim)
    };
    let setting = this.setting.lock();
    if *setting == Moderation::Adaptive {
        // SAFETY: the structure is initialised (invariant); the field is read in one go.
        let usecs = unsafe { raw::nic_dim_usecs(this.dim.get()) };
        this.timer.set_usecs(usecs);
    }
    drop(setting);
    // SAFETY: the structure is initialised (invariant); the field is written in one go.
    unsafe { raw::nic_dim_applied(this.dim.get()) };
}
