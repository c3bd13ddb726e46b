// SPDX-License-Identifier: GPL-2.0

//! Addresses a device may use, and the memory behind them.

use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

/// An address in a device's address space.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Iova(u64);

impl Iova {
    /// The bits a descriptor holds.
    pub fn to_bits(self) -> u64 {
        self.0
    }
}

/// A piece of a device's memory.
pub struct Region<'a>(PhantomData<&'a ()>);

impl Region<'_> {
    /// The bytes from `offset`, if all `len` are there.
    pub(crate) fn ptr_range(&self, _offset: usize, _len: usize) -> Option<NonNull<u8>> {
        None
    }
}
