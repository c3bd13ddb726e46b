// SPDX-License-Identifier: GPL-2.0

//! The address type that a descriptor accepts.

/// An address as a device puts it on the bus (I/O virtual address).
///
/// Only the crate `nic` makes one, and only for memory of an arena; a driver can obtain it and write
/// it into a descriptor, but can neither invent one nor do arithmetic that leaves the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Iova(u64);

impl Iova {
    /// The bus address `bits`, which must lie in memory that an arena owns.
    #[inline]
    pub(crate) const fn new(bits: u64) -> Self {
        Self(bits)
    }

    /// Any address, for the descriptors of tests that no device sees.
    #[cfg(KUNIT_SUITES)]
    pub const fn for_test(bits: u64) -> Self {
        Self(bits)
    }

    /// The address as a number, as it goes into a descriptor or a base address register.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        self.0
    }
}
