// SPDX-License-Identifier: GPL-2.0

//! Text for the log and for C structures.

use core::fmt;

/// Shows a type that only knows `core`'s `Display` to the kernel's print macros, which have a trait of
/// their own.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use nic::text::Plain;
///
/// struct Port(u8);
///
/// impl core::fmt::Display for Port {
///     fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
///         write!(f, "p{}", self.0)
///     }
/// }
///
/// pr_info!("{}\n", Plain(Port(0)));
/// ```
pub struct Plain<T>(pub T);

impl<T: fmt::Display> kernel::fmt::Display for Plain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A terminated string in a buffer of fixed size, being written. What does not fit is cut off.
///
/// # Invariants
///
/// `len` is less than the buffer's length and the byte at `len` is zero, unless the buffer is empty.
pub struct Text<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl<'a> Text<'a> {
    /// An empty string in `buffer`.
    pub fn new(buffer: &'a mut [u8]) -> Self {
        if let Some(first) = buffer.first_mut() {
            *first = 0;
        }
        // INVARIANT: the first byte is zero.
        Self { buffer, len: 0 }
    }
}

impl fmt::Write for Text<'_> {
    /// Never fails.
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let room = self.buffer.get_mut(self.len..).unwrap_or_default();
        let n = s.len().min(room.len().saturating_sub(1));
        for (to, from) in room.iter_mut().zip(&s.as_bytes()[..n]) {
            *to = *from;
        }
        if let Some(end) = room.get_mut(n) {
            *end = 0;
            // INVARIANT: within the buffer, and just terminated.
            self.len += n;
        }
        Ok(())
    }
}
