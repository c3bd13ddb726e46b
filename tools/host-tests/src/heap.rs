// SPDX-License-Identifier: GPL-2.0

//! A box and a vector as the standard library has them, over the kernel's. Want of memory is a panic, which fails the
//! test.

use core::{
    fmt,
    ops::{
        Deref,
        DerefMut, //
    },
};
use kernel::prelude::*;

/// A box.
pub struct Box<T>(KBox<T>);

impl<T> Box<T> {
    /// Moves `value` to the heap.
    pub fn new(value: T) -> Self {
        match KBox::new(value, GFP_KERNEL) {
            Ok(place) => Self(place),
            Err(_) => panic!("no memory"),
        }
    }
}

impl<T> Deref for Box<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Box<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// A vector.
pub struct Vec<T>(KVec<T>);

impl<T> Vec<T> {
    /// An empty one.
    pub const fn new() -> Self {
        Self(KVec::new())
    }

    /// Puts `value` at the end.
    pub fn push(&mut self, value: T) {
        assert!(self.0.push(value, GFP_KERNEL).is_ok(), "no memory");
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl<T> Default for Vec<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Deref for Vec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> DerefMut for Vec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T> Extend<T> for Vec<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.push(value));
    }
}

impl<T> FromIterator<T> for Vec<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut list = Self::new();
        list.extend(values);
        list
    }
}

impl<T> IntoIterator for Vec<T> {
    type Item = T;
    type IntoIter = <KVec<T> as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Vec<T> {
    type Item = &'a T;
    type IntoIter = core::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: PartialEq<U>, U, const N: usize> PartialEq<[U; N]> for Vec<T> {
    fn eq(&self, other: &[U; N]) -> bool {
        **self == *other
    }
}

impl<T: fmt::Debug> fmt::Debug for Vec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}
