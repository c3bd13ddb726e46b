// SPDX-License-Identifier: GPL-2.0

//! A ring between two threads.

use igb_common::ring::*;
use std::sync::atomic::{
    AtomicU64,
    Ordering, //
};

/// One thread fills, another takes back; each sees what the other did to a slot before.
#[test]
fn two_sides() {
    const FRAMES: u64 = 200_000;
    let size = RingSize::MIN;
    let (used, clean) = (Published::new(), Published::new());
    let slots: Vec<_> = (0..size.get()).map(|_| AtomicU64::new(0)).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = Producer::new(size);
            for frame in 1..=FRAMES {
                while producer.free(clean.read()) == 0 {
                    std::thread::yield_now();
                }
                let slot = &slots[usize::from(producer.push())];
                // The consumer has emptied it.
                assert_eq!(slot.swap(frame, Ordering::Relaxed), 0);
                used.publish(producer.position());
            }
        });
        let mut consumer = Consumer::new(size);
        let mut next = 1;
        while next <= FRAMES {
            let pending = consumer.pending(used.read());
            if pending == 0 {
                std::thread::yield_now();
            }
            for _ in 0..pending {
                let slot = &slots[usize::from(consumer.pop())];
                assert_eq!(slot.swap(0, Ordering::Relaxed), next);
                next += 1;
            }
            clean.publish(consumer.position());
        }
    });
}
