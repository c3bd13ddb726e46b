// SPDX-License-Identifier: GPL-2.0

//! The half that receives is gone when the poll's completions are looked at again.
// error: E0502
// at: completions

pub fn receive(poll: &mut nic::net::Poll<'_>) {
    let rx = poll.receive_half();
    poll.completions().completed(1, 64);
    drop(rx);
}
