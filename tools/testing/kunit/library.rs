// SPDX-License-Identifier: GPL-2.0

//! Moderation, counters and text of the library crate.

use core::fmt::Write;

use kernel::{
    device::Bound,
    pci,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};
use nic::{
    moderation::{
        Moderation,
        Moderator,
        Sampler,
        Timer, //
    },
    net::{
        QueueStats,
        Writer, //
    },
    pci::Scope,
    text::Text, //
};

use crate::loan::{
    ensure,
    failed,
    Trial, //
};

/// A timer that tells what it was set to, and how often.
struct Recorder {
    usecs: Atomic<u32>,
    calls: Atomic<u32>,
}

struct Shared(Arc<Recorder>);

impl Timer for Shared {
    fn set_usecs(&self, usecs: u32) {
        self.0.usecs.store(usecs, Relaxed);
        self.0.calls.add(1, Relaxed);
    }
}

/// Load that grows, for about `millis` milliseconds or until `enough`.
fn load(sampler: &mut Sampler<Shared>, millis: u64, enough: impl Fn() -> bool) {
    let mut stats = QueueStats::default();
    for round in 0..millis {
        for _ in 0..100 {
            let rx = Writer::from(&mut stats.rx);
            rx.add_packets(10 * (round + 1));
            rx.add_bytes(15_000 * (round + 1));
            sampler.sample(&stats);
        }
        fsleep(Delta::from_millis(1));
        if enough() {
            return;
        }
    }
}

struct Moderates;

impl Trial for Moderates {
    /// Adaptive follows the load; fixed does not; and once it is given up the timer is left alone.
    fn run<'bound>(_dev: &'bound pci::Device<Bound>, scope: Scope<'bound>) -> Result<(), u32> {
        let recorder = Recorder {
            usecs: Atomic::new(0),
            calls: Atomic::new(0),
        };
        let recorder = Arc::new(recorder, GFP_KERNEL).map_err(|_| line!())?;
        let (moderator, mut sampler) =
            Moderator::new(scope, Shared(recorder.clone()), Moderation::Fixed(50))
                .map_err(|_| line!())?;
        ensure!(recorder.usecs.load(Relaxed) == 50);
        load(&mut sampler, 20, || false);
        ensure!(recorder.calls.load(Relaxed) == 1);

        moderator.set(Moderation::Adaptive);
        let first = recorder.usecs.load(Relaxed);
        load(&mut sampler, 10_000, || {
            recorder.usecs.load(Relaxed) != first
        });
        ensure!(recorder.usecs.load(Relaxed) != first);

        // Work that is under way may not come after what was asked for last.
        moderator.set(Moderation::Fixed(7));
        load(&mut sampler, 20, || false);
        ensure!(recorder.usecs.load(Relaxed) == 7);

        moderator.set(Moderation::Adaptive);
        load(&mut sampler, 2, || false);
        drop(moderator);
        let calls = recorder.calls.load(Relaxed);
        load(&mut sampler, 20, || false);
        ensure!(recorder.calls.load(Relaxed) == calls);
        Ok(())
    }
}

#[kunit_tests(nic_library)]
mod suite {
    use super::*;

    #[test]
    fn moderation() {
        assert_eq!(failed::<Moderates>(), 0);
    }

    /// Overflow checks are on, and a counter runs for as long as the machine does.
    #[test]
    fn counters_wrap() {
        let mut stats = QueueStats::default();
        let rx = Writer::from(&mut stats.rx);
        rx.add_packets(u64::MAX - 3);
        rx.add_packets(3);
        rx.add_bytes(u64::MAX);
        let tx = Writer::from(&mut stats.tx);
        tx.add_packets(2);
        tx.add_bytes(u64::MAX);
        assert!(stats.total() == (1, u64::MAX - 1));
    }

    /// Whatever is written into whatever buffer, it is terminated, and nothing beyond it is touched.
    #[test]
    fn text_is_cut_off() {
        const WHOLE: &[u8] = b"rx_queue_0_bytes";
        for size in 0..=20 {
            let mut buffer = [0xff; 24];
            let mut text = Text::new(&mut buffer[..size]);
            for part in ["rx", "", "_queue_0", "_bytes"] {
                assert!(text.write_str(part).is_ok());
            }
            let kept = WHOLE.len().min(size.saturating_sub(1));
            assert!(buffer[..kept] == WHOLE[..kept]);
            assert!(size == 0 || buffer[kept] == 0);
            assert!(buffer[size..].iter().all(|byte| *byte == 0xff));
        }
    }
}
