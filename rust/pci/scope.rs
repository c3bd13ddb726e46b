// SPDX-License-Identifier: GPL-2.0

//! Registrations that end with the binding of the device, whatever the driver does with them.
//!
//! A callback that borrows from the bound device (`'bound`) must be unregistered before `'bound`
//! ends. A guard that unregisters on drop is not enough: safe code may forget a guard. Here every
//! registration is shared between the driver, which holds a [`Registered`] handle, and the binding's
//! [`Scope`], which unregisters whatever is left after the driver's data is gone. Forgetting a handle
//! is harmless, so the constructors built on this need no `unsafe`.

use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref, //
};

use kernel::{
    device::DeviceContext,
    new_mutex,
    pci,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};

use crate::{
    raw,
    sys, //
};

/// Something registered with the kernel that can be called back until it is unregistered.
///
/// # Safety
///
/// When [`Self::unregister`] returns, to whichever caller, no callback runs and none will.
/// [`Scope`] relies on it: it erases the lifetime of what callbacks borrow.
pub unsafe trait Resource: Send + Sync {
    /// Ends the registration.
    ///
    /// Called at least once, possibly several times and from several threads: is idempotent, and a
    /// second caller waits for the first one's work to be done. May sleep.
    fn unregister(&self);
}

/// The list behind a [`Scope`]; owned by the PCI adapter, dropped after the driver's data.
#[pin_data(PinnedDrop)]
pub(super) struct Resources {
    /// Lifetime erased: see the invariants of [`Scope`].
    #[pin]
    list: Mutex<KVec<Arc<dyn Resource>>>,
    /// The memory that the device may access.
    #[pin]
    memory: Mutex<Memory>,
}

/// The memory that a device may access in its binding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Memory {
    /// None so far.
    Never,
    /// That of an arena which exists.
    Present,
    /// None any more. The device may remember addresses of it, so it gets no other.
    Gone,
}

impl Resources {
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            list <- new_mutex!(KVec::new()),
            memory <- new_mutex!(Memory::Never),
        })
    }

    /// Lets the device make requests if there is memory that it may access, and not if there is
    /// none.
    pub(super) fn settle_master<Ctx: DeviceContext>(&self, dev: &pci::Device<Ctx>) {
        let memory = self.memory.lock();
        // SAFETY: the device is valid.
        unsafe {
            match *memory {
                Memory::Present => raw::pci_set_master(sys::pci_dev(dev)),
                Memory::Never | Memory::Gone => raw::pci_clear_master(sys::pci_dev(dev)),
            }
        }
    }

    /// Unregisters everything, newest first.
    fn close(&self) {
        loop {
            // The lock is not held while unregistering: a callback that is being waited for may
            // itself drop a handle.
            let last = self.list.lock().pop();
            match last {
                Some(resource) => resource.unregister(),
                None => break,
            }
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Resources {
    fn drop(self: Pin<&mut Self>) {
        self.close();
    }
}

/// Permission to register callbacks that borrow for `'bound`, the time the device is bound to the
/// driver. Given to [`super::Driver::probe`]; copy it freely.
///
/// # Invariants
///
/// `resources` outlives every use of the token and is closed before `'bound` ends; `'bound` is the
/// lifetime the PCI adapter minted, neither shortened nor lengthened (the type is invariant in it:
/// with a shorter one, callbacks borrowing from a local variable could be registered).
#[derive(Clone, Copy)]
pub struct Scope<'bound> {
    resources: &'bound Resources,
    _invariant: PhantomData<fn(&'bound ()) -> &'bound ()>,
}

impl<'bound> Scope<'bound> {
    /// # Safety
    ///
    /// `resources` must be closed before `'bound` ends, and `'bound` must be a lifetime that the
    /// caller is generic over (so that no code can pick a shorter one).
    pub(super) unsafe fn new(resources: &'bound Resources) -> Self {
        // INVARIANT: by the safety requirements.
        Self {
            resources,
            _invariant: PhantomData,
        }
    }

    /// Claims the one time in the binding that there is memory which the device may access. Errors:
    /// `EBUSY` when it was claimed before.
    pub(crate) fn claim_memory(self) -> Result<MemoryClaim<'bound>> {
        let mut memory = self.resources.memory.lock();
        if *memory != Memory::Never {
            return Err(EBUSY);
        }
        // INVARIANT: set here, once.
        *memory = Memory::Present;
        Ok(MemoryClaim(self))
    }

    /// Puts `resource`, which is already registered with the kernel, under the scope's care.
    ///
    /// Allocates and may sleep. On failure the resource is unregistered.
    pub(crate) fn adopt<R: Resource + 'bound>(
        self,
        resource: Arc<R>,
    ) -> Result<Registered<'bound, R>> {
        // From here on an early return unregisters.
        let handle = Registered {
            resource: ManuallyDrop::new(resource),
            scope: self,
        };
        let resource: Arc<R> = Arc::clone(&handle.resource);
        let erased: Arc<dyn Resource + 'bound> = resource;
        // SAFETY: only the lifetime changes. The list is closed, and thereby the last call into the
        // resource made, before `'bound` ends (type invariant). The list's reference may be the last
        // one; then the resource is dropped there, still within `'bound`.
        let erased: Arc<dyn Resource> = unsafe {
            core::mem::transmute::<Arc<dyn Resource + 'bound>, Arc<dyn Resource>>(erased)
        };
        self.resources.list.lock().push(erased, GFP_KERNEL)?;
        Ok(handle)
    }

    fn release(self, resource: *const ()) {
        let mut list = self.resources.list.lock();
        let found = list
            .iter()
            .position(|r| core::ptr::from_ref::<dyn Resource>(&**r).cast::<()>() == resource);
        let removed = found.and_then(|i| list.remove(i).ok());
        drop(list);
        // Outside the lock: this may be the last reference, whose drop may release another handle.
        drop(removed);
    }
}

/// There is memory that the device may access, as long as this exists.
///
/// # Invariants
///
/// The binding's memory is [`Memory::Present`] until [`Self::end`], and this the only claim.
pub(crate) struct MemoryClaim<'bound>(Scope<'bound>);

impl MemoryClaim<'_> {
    /// Lets the device make requests.
    pub(crate) fn set_master<Ctx: DeviceContext>(&self, dev: &pci::Device<Ctx>) {
        self.0.resources.settle_master(dev);
    }

    /// Ends the claim: the device makes no requests when this returns, and will make none.
    pub(crate) fn end<Ctx: DeviceContext>(&self, dev: &pci::Device<Ctx>) {
        *self.0.resources.memory.lock() = Memory::Gone;
        self.0.resources.settle_master(dev);
        // SAFETY: the device is valid. The read that waits also pushes posted writes ahead of it.
        unsafe { raw::pci_wait_for_pending_transaction(sys::pci_dev(dev)) };
    }
}

/// A registration in force. Unregisters when dropped; at the latest the [`Scope`] does it.
///
/// May sleep when dropped.
///
/// # Examples
///
/// ```
/// use nic::{pci::Registered, work::{Handler, Service}};
///
/// struct Data<'bound, H: Handler> {
///     /// Cancelled when the driver's data is dropped.
///     service: Registered<'bound, Service<H>>,
/// }
///
/// fn wake<H: Handler>(data: &Data<'_, H>) {
///     data.service.expedite();
/// }
/// ```
pub struct Registered<'bound, R: Resource + 'bound> {
    resource: ManuallyDrop<Arc<R>>,
    scope: Scope<'bound>,
}

impl<'bound, R: Resource + 'bound> Registered<'bound, R> {
    /// Another reference to the resource, for data shared with callbacks. It does not keep the
    /// registration in force.
    pub fn shared(&self) -> Arc<R> {
        Arc::clone(&self.resource)
    }
}

impl<R: Resource> Deref for Registered<'_, R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.resource
    }
}

impl<R: Resource> Drop for Registered<'_, R> {
    fn drop(&mut self) {
        self.resource.unregister();
        let address = Arc::as_ptr(&self.resource).cast::<()>();
        self.scope.release(address);
        // SAFETY: the field is not used again.
        unsafe { ManuallyDrop::drop(&mut self.resource) };
    }
}

// SAFETY: a handle is an `Arc<R>` with `R: Send + Sync` (by `Resource`) and a token that is only a
// reference to a lock-protected list of `Send + Sync` resources.
unsafe impl<R: Resource> Send for Registered<'_, R> {}

// SAFETY: as for `Send`; `&Registered` gives `&R` only.
unsafe impl<R: Resource> Sync for Registered<'_, R> {}
