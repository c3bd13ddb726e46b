// SPDX-License-Identifier: GPL-2.0

//! Ring arithmetic against a queue.

use host_tests::Rng;
use igb_common::ring::*;
use std::{
    collections::VecDeque,
    sync::atomic::{
        AtomicU64,
        Ordering, //
    },
};

#[test]
fn sizes() {
    for count in 0..=u16::MAX {
        let good = (64..=4096).contains(&count) && count % 8 == 0;
        assert_eq!(
            RingSize::new(count).map(RingSize::get),
            good.then_some(count)
        );
    }
    for (asked, got) in [
        (0, 64),
        (64, 64),
        (65, 72),
        (256, 256),
        (257, 264),
        (4089, 4096),
        (4096, 4096),
        (u32::MAX, 4096),
    ] {
        assert_eq!(RingSize::nearest(asked).get(), got);
        assert!(RingSize::new(got).is_some());
    }
    assert_eq!(RingSize::DEFAULT.descriptor_bytes(), 4096);
    assert_eq!(RingSize::MAX.descriptor_bytes(), 65536);
}

#[test]
fn distance_counts_steps() {
    for count in [64, 72, 1000, 4096] {
        let size = RingSize::new(count).unwrap();
        let mut rng = Rng::new(u64::from(count));
        for _ in 0..500 {
            let (from, to) = (
                rng.below(count.into()) as u16,
                rng.below(count.into()) as u16,
            );
            let (mut at, mut steps) = (from, 0);
            while at != to {
                at = size.next(at);
                steps += 1;
            }
            assert_eq!(size.distance(from, to), steps);
        }
        // Values that are no slots do no harm.
        assert!(size.distance(u16::MAX, 0) < count);
        assert!(size.distance(3, u16::MAX) < count);
        assert_eq!(size.next(u16::MAX), 0);
    }
}

#[test]
fn behaves_like_a_queue() {
    for count in [64, 72, 256, 4096] {
        let size = RingSize::new(count).unwrap();
        let (mut producer, mut consumer) = (Producer::new(size), Consumer::new(size));
        let mut model = VecDeque::new();
        let mut rng = Rng::new(u64::from(count));
        let mut fullest = 0;
        for _ in 0..50_000 {
            let free = producer.free(consumer.position());
            let pending = consumer.pending(producer.position());
            assert_eq!(usize::from(pending), model.len());
            assert_eq!(free + pending + 1, count);
            fullest = fullest.max(pending);
            if rng.one_in(2) {
                for _ in 0..rng.below(40).min(free.into()) {
                    model.push_back(producer.push());
                }
            } else if rng.one_in(2) {
                for _ in 0..rng.below(40).min(pending.into()) {
                    assert_eq!(Some(consumer.pop()), model.pop_front());
                }
            } else {
                let count = rng.below(40).min(pending.into()) as usize;
                model.drain(..count);
                consumer.release_to(model.front().copied().unwrap_or(producer.position()));
                assert_eq!(usize::from(pending) - count, model.len());
            }
            if let (Some(last), used) = (model.back().copied(), producer.position()) {
                assert_eq!(consumer.span_to(last, used), Some(model.len() as u16));
                assert_eq!(consumer.span_to(used, used), None);
                assert_eq!(consumer.span_to(u16::MAX, used), None);
            }
            let give_back = rng.below(5).min(model.len() as u32) as u16;
            if rng.one_in(10) {
                producer.unpush(give_back);
                model.truncate(model.len() - usize::from(give_back));
            }
        }
        assert!(count > 256 || fullest == count - 1, "{count}: {fullest}");
        producer.reset();
        consumer.reset();
        assert_eq!(producer.free(consumer.position()), count - 1);
        assert_eq!(consumer.pending(producer.position()), 0);
    }
}

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
