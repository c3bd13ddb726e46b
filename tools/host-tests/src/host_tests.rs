// SPDX-License-Identifier: GPL-2.0

//! What the tests of `igb_common` share, on the build machine and in the kernel (`tools/testing/kunit`).

pub mod cases;
pub mod pf;

#[cfg(not(MODULE))]
pub mod choices;
#[cfg(not(MODULE))]
pub mod world;

#[cfg(MODULE)]
mod heap;

use core::fmt::{
    self,
    Display,
    Write, //
};
use igb_common::mac::MacAddr;

#[cfg(MODULE)]
pub use heap::{
    Box,
    Vec, //
};
#[cfg(not(MODULE))]
pub use std::{
    boxed::Box,
    vec::Vec, //
};

/// How often a test repeats what takes `n` rounds on the build machine: the kernel's checks and the emulation cost
/// a multiple of the code.
pub const fn times(n: u32) -> u32 {
    if cfg!(MODULE) {
        n.div_ceil(20)
    } else {
        n
    }
}

/// Whether `what` is shown as `text`.
pub fn reads(what: impl Display, text: &str) -> bool {
    struct Rest<'a>(&'a str);

    impl Write for Rest<'_> {
        fn write_str(&mut self, s: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(s).ok_or(fmt::Error)?;
            Ok(())
        }
    }

    let mut rest = Rest(text);
    write!(rest, "{what}").is_ok() && rest.0.is_empty()
}

/// A station address made from a number.
pub fn station(n: u32) -> MacAddr {
    let [a, b, c, d] = n.to_be_bytes();
    MacAddr::new([0x02, 0, a, b, c, d])
}

/// A small deterministic generator (xorshift64*), so that a failure repeats.
pub struct Rng(u64);

impl Rng {
    /// A generator whose sequence is determined by `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// The next 32 bits.
    pub fn word(&mut self) -> u32 {
        (self.bits() >> 32) as u32
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.word()) * u64::from(bound)) >> 32) as u32
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }
}
