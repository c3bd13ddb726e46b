// SPDX-License-Identifier: GPL-2.0

//! Ring arithmetic against a queue.

use host_tests::{
    times,
    Rng, //
};
use igb_common::ring::*;

#[test]
fn sizes() {
    for count in 0..=u16::MAX {
        let good = (64..=4096).contains(&count) && count % 8 == 0;
        assert_eq!(
            RingSize::new(count).map(RingSize::get),
            good.then_some(count)
        );
    }
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
        // The slots in use are those of the numbers between the two.
        let (mut popped, mut pushed) = (0_u64, 0_u64);
        let slot = |number: u64| (number % u64::from(count)) as u16;
        let mut rng = Rng::new(u64::from(count));
        let mut fullest = 0;
        for _ in 0..times(50_000) {
            let free = producer.free(consumer.position());
            let pending = consumer.pending(producer.position());
            assert_eq!(u64::from(pending), pushed - popped);
            assert_eq!(free + pending + 1, count);
            fullest = fullest.max(pending);
            if rng.one_in(2) {
                for _ in 0..rng.below(40).min(free.into()) {
                    assert_eq!(producer.push(), slot(pushed));
                    pushed += 1;
                }
            } else if rng.one_in(2) {
                for _ in 0..rng.below(40).min(pending.into()) {
                    assert_eq!(consumer.pop(), slot(popped));
                    popped += 1;
                }
            } else {
                popped += u64::from(rng.below(40).min(pending.into()));
                consumer.release_to(slot(popped));
            }
            let (len, used) = ((pushed - popped) as u16, producer.position());
            assert_eq!(consumer.pending(used), len);
            let give_back = rng.below(5).min(len.into()) as u16;
            if rng.one_in(10) {
                producer.unpush(give_back);
                pushed -= u64::from(give_back);
            }
        }
        assert!(count > 256 || fullest == count - 1, "{count}: {fullest}");
        producer.reset();
        consumer.reset();
        assert_eq!(producer.free(consumer.position()), count - 1);
        assert_eq!(consumer.pending(producer.position()), 0);
    }
}
