// SPDX-License-Identifier: GPL-2.0

//! Descriptor ring arithmetic.
//!
//! A ring has a producer, who fills slots and moves the tail, and a consumer, who takes them back
//! when the device is done. For transmission these run on different CPUs (queue lock and
//! NAPI), so each is a value of its own that only its side touches; the sides see each other through
//! [`Published`] positions. For reception both sides are in NAPI and pass positions directly.
//!
//! One slot always stays empty, so that equal positions mean an empty ring, for the device as well.

use core::sync::atomic::{
    AtomicU16,
    Ordering, //
};

/// Number of slots of a ring: a multiple of 8 from 64 to 4096.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RingSize(u16);

impl RingSize {
    /// The smallest ring the drivers use.
    pub const MIN: Self = Self(64);
    /// The largest ring the drivers use.
    pub const MAX: Self = Self(4096);
    /// What a ring has unless the user says otherwise.
    pub const DEFAULT: Self = Self(256);

    /// A ring of exactly `count` slots, or `None` if the hardware cannot have it (TDLEN and RDLEN
    /// count in units of 128 bytes).
    #[inline]
    pub const fn new(count: u16) -> Option<Self> {
        if count >= Self::MIN.0 && count <= Self::MAX.0 && count % 8 == 0 {
            Some(Self(count))
        } else {
            None
        }
    }

    /// The number of slots.
    #[inline]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The slot after `slot`.
    #[inline]
    pub const fn next(self, slot: u16) -> u16 {
        let next = slot.wrapping_add(1);
        if next >= self.0 {
            0
        } else {
            next
        }
    }

    /// How many steps of [`RingSize::next`] lead from `from` to `to`. Values outside the ring give
    /// some number below its size.
    #[inline]
    pub const fn distance(self, from: u16, to: u16) -> u16 {
        let (from, to) = (self.inside(from), self.inside(to));
        if to >= from {
            to.wrapping_sub(from)
        } else {
            self.0.wrapping_sub(from).wrapping_add(to)
        }
    }

    /// `slot`, or 0 if the ring has no such. A comparison: a division costs more than the rest of
    /// what is done per packet.
    #[inline]
    const fn inside(self, slot: u16) -> u16 {
        if slot < self.0 {
            slot
        } else {
            0
        }
    }
}

/// The filling side of a ring.
#[derive(Debug)]
pub struct Producer {
    size: RingSize,
    next_to_use: u16,
}

impl Producer {
    /// The producer of an empty ring.
    #[inline]
    pub const fn new(size: RingSize) -> Self {
        Self {
            size,
            next_to_use: 0,
        }
    }

    /// The ring's size.
    #[inline]
    pub const fn size(&self) -> RingSize {
        self.size
    }

    /// How many slots can be filled while the consumer is at `clean`.
    #[inline]
    pub const fn free(&self, clean: u16) -> u16 {
        let used = self.size.distance(clean, self.next_to_use);
        // `used` is below the size.
        self.size.0.wrapping_sub(used).wrapping_sub(1)
    }

    /// Takes the next slot and returns its index. The caller has seen with [`Producer::free`] that
    /// there is one.
    #[inline]
    pub fn push(&mut self) -> u16 {
        let slot = self.next_to_use;
        self.next_to_use = self.size.next(slot);
        slot
    }

    /// Gives back the latest `count` slots taken, before the device was told of them.
    #[inline]
    pub fn unpush(&mut self, count: u16) {
        self.next_to_use = self.size.distance(count, self.next_to_use);
    }

    /// The first slot not filled: what goes into the tail register and, published, to the consumer.
    #[inline]
    pub const fn position(&self) -> u16 {
        self.next_to_use
    }

    /// Back to the state of an empty ring.
    #[inline]
    pub fn reset(&mut self) {
        self.next_to_use = 0;
    }
}

/// The side of a ring that takes slots back.
///
/// # Examples
///
/// ```
/// use igb_common::ring::{Consumer, Producer, RingSize};
///
/// let (mut producer, mut consumer) = (Producer::new(RingSize::MIN), Consumer::new(RingSize::MIN));
/// // One slot stays empty.
/// assert_eq!(producer.free(consumer.position()), 63);
/// assert_eq!((producer.push(), producer.push()), (0, 1));
/// assert_eq!(consumer.pending(producer.position()), 2);
/// assert_eq!((consumer.pop(), consumer.pop()), (0, 1));
/// assert_eq!(consumer.pending(producer.position()), 0);
/// ```
#[derive(Debug)]
pub struct Consumer {
    size: RingSize,
    next_to_clean: u16,
}

impl Consumer {
    /// The consumer of an empty ring.
    #[inline]
    pub const fn new(size: RingSize) -> Self {
        Self {
            size,
            next_to_clean: 0,
        }
    }

    /// The ring's size.
    #[inline]
    pub const fn size(&self) -> RingSize {
        self.size
    }

    /// How many slots the producer, at `used`, has filled and this side has not taken back. Only so
    /// many descriptors belong to the device: a done bit further on means nothing.
    #[inline]
    pub const fn pending(&self, used: u16) -> u16 {
        self.size.distance(self.next_to_clean, used)
    }

    /// The oldest slot not taken back: what goes, published, to the producer.
    #[inline]
    pub const fn position(&self) -> u16 {
        self.next_to_clean
    }

    /// Takes the oldest slot back and returns its index. The caller has seen with
    /// [`Consumer::pending`] that there is one.
    #[inline]
    pub fn pop(&mut self) -> u16 {
        let slot = self.next_to_clean;
        self.next_to_clean = self.size.next(slot);
        slot
    }

    /// Takes back all slots before `position`, which lies between the oldest slot not taken back and the
    /// producer's position.
    #[inline]
    pub fn release_to(&mut self, position: u16) {
        self.next_to_clean = self.size.inside(position);
    }

    /// Back to the state of an empty ring.
    #[inline]
    pub fn reset(&mut self) {
        self.next_to_clean = 0;
    }
}

/// A position one side shows to the other.
///
/// What the writer did to the slots up to the position happened before the reader sees it.
#[derive(Debug)]
pub struct Published(AtomicU16);

impl Published {
    /// Position 0, as in an empty ring.
    #[inline]
    pub const fn new() -> Self {
        Self(AtomicU16::new(0))
    }

    /// Shows `position` to the other side (release).
    #[inline]
    pub fn publish(&self, position: u16) {
        self.0.store(position, Ordering::Release);
    }

    /// The position last shown (acquire).
    #[inline]
    pub fn read(&self) -> u16 {
        self.0.load(Ordering::Acquire)
    }
}

impl Default for Published {
    fn default() -> Self {
        Self::new()
    }
}
