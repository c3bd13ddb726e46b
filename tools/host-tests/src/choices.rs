// SPDX-License-Identifier: GPL-2.0

//! Where a test takes its decisions from: a generator, or the bytes a fuzzer made.

use crate::Rng;

/// A source of decisions.
pub trait Choices {
    /// The next 32 bits.
    fn word(&mut self) -> u32;

    /// A number below `bound`.
    fn below(&mut self, bound: u32) -> u32;

    /// Whether everything that follows is zero, so that there is no point in going on.
    fn exhausted(&self) -> bool;

    /// True once in `n` times.
    fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }
}

impl Choices for Rng {
    fn word(&mut self) -> u32 {
        Rng::word(self)
    }

    fn below(&mut self, bound: u32) -> u32 {
        Rng::below(self, bound)
    }

    fn exhausted(&self) -> bool {
        false
    }
}

/// Decisions read from bytes, zeros behind the last one. A small decision takes one byte, so that a
/// fuzzer that changes a byte changes a decision.
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// Decisions from `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }
}

impl Choices for Bytes<'_> {
    fn word(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    fn below(&mut self, bound: u32) -> u32 {
        let number = match bound {
            0..=0x100 => self.byte().into(),
            0x101..=0x1_0000 => u16::from_le_bytes([self.byte(), self.byte()]).into(),
            _ => self.word(),
        };
        number % bound.max(1)
    }

    fn exhausted(&self) -> bool {
        self.0.is_empty()
    }
}
