// SPDX-License-Identifier: GPL-2.0

//! Rate limits. Time is in milliseconds of any monotonic clock; one that goes back stands still.

/// A token bucket: a burst, then a steady rate.
///
/// # Examples
///
/// ```
/// use igb_common::quota::TokenBucket;
///
/// let mut bucket = TokenBucket::new(2, 50);
/// assert!(bucket.take(1000) && bucket.take(1000));
/// assert!(!bucket.take(1000));
/// assert_eq!(bucket.wait(1010), 40);
/// assert!(bucket.take(1050));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    tokens: u32,
    burst: u32,
    /// Milliseconds in which one token comes back.
    interval: u64,
    /// When the newest token came.
    refilled: u64,
}

impl TokenBucket {
    /// A full bucket of `burst` tokens, one of which comes back every `interval` milliseconds (0
    /// counts as 1).
    pub const fn new(burst: u32, interval: u64) -> Self {
        Self {
            tokens: burst,
            burst,
            interval: if interval == 0 { 1 } else { interval },
            refilled: 0,
        }
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, now: u64) -> bool {
        self.refill(now);
        match self.tokens.checked_sub(1) {
            Some(left) => {
                self.tokens = left;
                true
            }
            None => false,
        }
    }

    /// Milliseconds until there is a token.
    pub fn wait(&mut self, now: u64) -> u64 {
        self.refill(now);
        if self.tokens != 0 {
            return 0;
        }
        self.interval
            .saturating_sub(now.saturating_sub(self.refilled))
    }

    fn refill(&mut self, now: u64) {
        // `interval` is not 0.
        let Some(come) = now.saturating_sub(self.refilled).checked_div(self.interval) else {
            return;
        };
        let room = u64::from(self.burst.saturating_sub(self.tokens));
        if come >= room {
            // A full bucket does not save up.
            self.tokens = self.burst;
            self.refilled = self.refilled.max(now);
        } else {
            // CAST: below `burst`.
            self.tokens = self.tokens.saturating_add(come as u32);
            self.refilled = self
                .refilled
                .saturating_add(come.saturating_mul(self.interval));
        }
    }
}

/// Lets something happen at most once in an interval.
#[derive(Clone, Copy, Debug)]
pub struct Pacer {
    interval: u64,
    last: Option<u64>,
}

impl Pacer {
    /// At most once in `interval` milliseconds, the first time at once.
    pub const fn new(interval: u64) -> Self {
        Self {
            interval,
            last: None,
        }
    }

    /// Whether it may happen now; if so, it counts as having happened.
    pub fn allow(&mut self, now: u64) -> bool {
        let allowed = match self.last {
            Some(last) => now.saturating_sub(last) >= self.interval,
            None => true,
        };
        if allowed {
            self.last = Some(now);
        }
        allowed
    }
}
