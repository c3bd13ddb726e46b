// SPDX-License-Identifier: GPL-2.0

//! The fuzz target: what a PF with hostile VFs does with a libFuzzer input.
//!
//! The input is a list of decisions ([`host_tests::choices::Bytes`]): how many VFs there are, then
//! what happens, until the bytes are used up. Mostly VFs send messages: proper ones, with bits flipped,
//! and 16 dwords of anything. After each the registers are compared with the model of
//! [`host_tests::world`]; a difference is a panic, which libFuzzer records as a crash.

use host_tests::{
    choices::{
        Bytes,
        Choices, //
    },
    world::World, //
};

/// Longest input.
pub const MAX_INPUT: usize = 1024;
/// Most steps of one input, so that a long one of cheap steps does not count as a hang.
const MAX_STEPS: usize = 256;

/// An input, as `driver.c` hands it over.
#[repr(C)]
#[derive(Debug)]
pub struct Input {
    len: usize,
    bytes: [u8; MAX_INPUT],
}

/// Runs one input. Aborts if something does not hold.
#[no_mangle]
pub extern "C" fn igb_fuzz_mailbox(input: &Input) {
    let bytes = input.bytes.get(..input.len).unwrap_or(&input.bytes);
    run(bytes);
}

/// Runs one input. Panics if something does not hold.
pub fn run(bytes: &[u8]) {
    let mut choices = Bytes::new(bytes);
    let vfs = 1 + choices.below(7) as u16;
    let mut world = World::new(choices, vfs);
    for _ in 0..MAX_STEPS {
        if world.choices.exhausted() {
            break;
        }
        if world.choices.one_in(64) {
            world.divide();
        }
        world.step();
    }
}
