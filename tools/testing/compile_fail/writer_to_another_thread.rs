// SPDX-License-Identifier: GPL-2.0

//! The right to advance counters stays in its context.
// error: E0277
// at: is_send

use nic::net::{RxStats, Writer};

fn is_send<T: Send>(_: T) {}

pub fn pass(stats: &mut RxStats) {
    is_send(Writer::from(stats));
}
