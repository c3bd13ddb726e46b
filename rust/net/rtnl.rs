// SPDX-License-Identifier: GPL-2.0

//! Proof that the RTNL lock is held.
//!
//! C header: [`include/linux/rtnetlink.h`](srctree/include/linux/rtnetlink.h)

use core::{
    marker::PhantomData,
    ops::Deref, //
};

use crate::raw;

/// The RTNL lock is held by this thread as long as a reference to this exists.
///
/// # Invariants
///
/// Only lent out while the lock is held.
///
/// # Examples
///
/// ```
/// use nic::net::{Interface, Operations, Rtnl};
///
/// fn is_named<T: Operations>(interface: &Interface<'_, T>, name: &kernel::str::CStr) -> bool {
///     let rtnl = Rtnl::lock();
///     interface.name(&rtnl) == name
/// }
/// ```
pub struct Rtnl {
    /// Tied to the thread that holds the lock.
    _not_send: PhantomData<*mut ()>,
}

impl Rtnl {
    /// # Safety
    ///
    /// The caller holds the RTNL lock for as long as it lends out the value.
    pub(super) unsafe fn assume_held() -> Self {
        // INVARIANT: by the safety requirement.
        Self {
            _not_send: PhantomData,
        }
    }

    /// Takes the lock. Sleeps. Must not be called with the lock held.
    pub fn lock() -> RtnlGuard {
        // SAFETY: process context is the caller's duty as for every sleeping lock.
        unsafe { raw::rtnl_lock() };
        RtnlGuard(Rtnl {
            _not_send: PhantomData,
        })
    }
}

/// Releases the RTNL lock when dropped.
#[must_use]
pub struct RtnlGuard(Rtnl);

impl Deref for RtnlGuard {
    type Target = Rtnl;

    fn deref(&self) -> &Rtnl {
        &self.0
    }
}

impl Drop for RtnlGuard {
    fn drop(&mut self) {
        // SAFETY: taken by `Rtnl::lock`.
        unsafe { raw::rtnl_unlock() };
    }
}
