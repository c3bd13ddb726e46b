// SPDX-License-Identifier: GPL-2.0

//! A poll that netpoll may call makes no packets: its budget may be 0.
// error: E0599
// at: alloc

pub fn receive(poll: &mut nic::net::Poll<'_>) -> bool {
    poll.alloc(64).is_some()
}
