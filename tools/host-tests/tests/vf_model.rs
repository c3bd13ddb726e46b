// SPDX-License-Identifier: GPL-2.0

//! Random messages, orders and resets against the model in [`host_tests::world`].

use host_tests::{
    world::World,
    Rng, //
};
use igb_common::vf_slot::*;

#[test]
fn holds_under_random_use() {
    for vfs in 1..=7 {
        let mut world = World::new(Rng::new(100 + u64::from(vfs)), vfs);
        for _ in 0..15_000 {
            world.step();
        }
        let counters: Vec<_> = (0..vfs as u8).map(|vf| world.pf.counters(vf)).collect();
        let least = |what: fn(&Counters) -> u64| counters.iter().map(what).min().unwrap();
        // The test did exercise everything.
        assert!(least(|c| c.accepted) > 100 && least(|c| c.nacked) > 20);
        assert!(least(|c| c.malformed) > 20 && least(|c| c.unknown) > 10);
        assert!(least(|c| c.not_ready) > 10 && least(|c| c.ignored) > 10);
    }
}

/// VFs that come and go meanwhile.
#[test]
fn holds_when_vfs_come_and_go() {
    let mut world = World::new(Rng::new(200), 3);
    for _ in 0..300 {
        for _ in 0..100 {
            world.step();
        }
        world.divide();
    }
}

/// A storm of anything gets through no faster than the quota allows.
#[test]
fn storms_are_slowed() {
    let mut world = World::new(Rng::new(7), 2);
    world.pf.ask(0, igb_common::mbx::VfRequest::Reset);
    let start = world.pf.now;
    for _ in 0..200_000 {
        if world.choices.one_in(20) {
            world.pf.now += 1;
        }
        let words = world.words();
        let _ = world.pf.send(0, &words);
        if world.choices.one_in(100) {
            world.pf.reset(0);
        }
        world.pf.bank.serve_reset(0, world.pf.now);
        if world.pf.state(0) == VfState::Reset {
            world.pf.ask(0, igb_common::mbx::VfRequest::Reset);
        }
    }
    let counters = world.pf.counters(0);
    let looked_at = counters.accepted
        + counters.nacked
        + counters.malformed
        + counters.unknown
        + counters.resets;
    let allowed = u64::from(MESSAGE_BURST) + (world.pf.now - start) / MESSAGE_INTERVAL_MS + 1;
    assert!(looked_at <= allowed, "{looked_at} {allowed}");
    assert!(counters.throttled > 100_000 && counters.late_resets > 1000);
}
