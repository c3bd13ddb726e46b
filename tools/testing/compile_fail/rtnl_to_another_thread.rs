// SPDX-License-Identifier: GPL-2.0

//! The proof of RTNL stays with the thread that holds it.
// error: E0277
// at: is_send

fn is_send<T: Send>(_: T) {}

pub fn pass(rtnl: nic::net::RtnlGuard) {
    is_send(rtnl);
}
