// SPDX-License-Identifier: GPL-2.0

//! Interrupt moderation: EITR values, the same for PF and VF vectors.

/// The longest interval EITR holds, in microseconds (13 bits).
pub const MAX_USECS: u32 = 8191;

/// The least time between two interrupts of a vector.
///
/// # Examples
///
/// ```
/// use igb_common::itr::Interval;
///
/// assert_eq!(Interval::from_usecs(50).map(Interval::eitr), Some(1 << 31 | 50 << 2));
/// assert_eq!(Interval::from_usecs(10_000), None);
/// assert_eq!(Interval::clamped(10_000).usecs(), 8191);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interval(u16);

impl Interval {
    /// 20,000 interrupts per second.
    pub const LOW_LATENCY: Self = Self(50);
    /// The interval for link and mailbox interrupts, which nothing waits for.
    pub const EVENTS: Self = Self(100);

    /// An interval of `usecs` microseconds, or `None` if EITR cannot hold it.
    #[inline]
    pub const fn from_usecs(usecs: u32) -> Option<Self> {
        if usecs <= MAX_USECS {
            // CAST: 13 bits.
            Some(Self(usecs as u16))
        } else {
            None
        }
    }

    /// The interval nearest to `usecs`.
    #[inline]
    pub const fn clamped(usecs: u32) -> Self {
        if usecs < MAX_USECS {
            // CAST: 13 bits.
            Self(usecs as u16)
        } else {
            Self(MAX_USECS as u16)
        }
    }

    /// The interval in microseconds.
    #[inline]
    pub const fn usecs(self) -> u32 {
        // CAST: widening.
        self.0 as u32
    }

    /// The EITR value: microseconds in bits 14:2. CNT_IGNR is set, so that writing it does not
    /// disturb the interval that is running.
    ///
    /// QEMU counts 1024 ns per 250 ns unit: there every interval is 4.1 times as long.
    #[inline]
    pub const fn eitr(self) -> u32 {
        const CNT_IGNR: u32 = 1 << 31;
        CNT_IGNR | (self.usecs() << 2)
    }
}

/// Moderation of queue interrupts as the user sets it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coalescing {
    /// The interval follows the load.
    pub adaptive: bool,
    /// The interval while it does not.
    pub fixed: Interval,
}

impl Coalescing {
    /// Until the user sets another.
    pub const DEFAULT: Self = Self {
        adaptive: false,
        fixed: Interval::LOW_LATENCY,
    };
}
