// SPDX-License-Identifier: GPL-2.0

//! Messages that go back with a netlink answer.
//!
//! C header: [`include/linux/netlink.h`](srctree/include/linux/netlink.h)

use core::{
    fmt,
    marker::PhantomData, //
};

use kernel::{
    prelude::*,
    str::CStr, //
};

use crate::{
    raw,
    text::Text, //
};

/// Where to say why a request is refused; user space prints it beside the error. Silent when the
/// request came by a way that has no room for messages, such as an ioctl.
///
/// # Invariants
///
/// `ack` is null, or valid and used by nobody else during `'a`.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use nic::net::ExtAck;
///
/// fn check(usecs: u32, ack: &mut ExtAck<'_>) -> Result {
///     if usecs > 10_000 {
///         ack.set(c"rx-usecs: at most 10000");
///         return Err(EINVAL);
///     }
///     Ok(())
/// }
/// ```
pub struct ExtAck<'a> {
    ack: *mut raw::netlink_ext_ack,
    _lifetime: PhantomData<&'a ()>,
}

impl ExtAck<'_> {
    /// # Safety
    ///
    /// `ack` must be null, or valid and unused by others for the lifetime of the result.
    pub(crate) unsafe fn new(ack: *mut raw::netlink_ext_ack) -> Self {
        // INVARIANT: by the safety requirement.
        Self {
            ack,
            _lifetime: PhantomData,
        }
    }

    /// Sets the message.
    pub fn set(&mut self, message: &'static CStr) {
        if !self.ack.is_null() {
            // SAFETY: valid and ours (invariant); the message is static.
            unsafe { (*self.ack)._msg = message.as_char_ptr() };
        }
    }

    /// Sets a message made up for the occasion; up to 79 bytes.
    pub fn format(&mut self, message: fmt::Arguments<'_>) {
        if self.ack.is_null() {
            return;
        }
        // SAFETY: valid and ours (invariant).
        let ack = unsafe { &mut *self.ack };
        // Writing to `Text` cannot fail.
        let _ = fmt::write(&mut Text::new(&mut ack._msg_buf), message);
        ack._msg = ack._msg_buf.as_ptr();
    }
}
