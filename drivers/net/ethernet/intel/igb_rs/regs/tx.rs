// SPDX-License-Identifier: GPL-2.0

//! Transmit path of the function (82576 datasheet 8.12).

use kernel::io::register;

register! {
    /// Transmit control.
    pub(crate) TCTL(u32) @ 0x0400 {
        /// Send again after a late collision.
        24:24   rtlc => bool;
        /// Collision distance in byte times.
        21:12   cold;
        /// Collision threshold.
        11:4    ct;
        /// Pad short packets.
        3:3     psp => bool;
        /// The transmitter runs.
        1:1     en => bool;
    }

    /// DMA transmit control.
    pub(crate) DTXCTL(u32) @ 0x3590 {
        /// Packets from software may already carry a VLAN tag.
        3:3     vlan_added => bool;
    }

    /// Selects the queue that RTTBCNRC speaks of.
    pub(crate) RTTDQSEL(u32) @ 0x3604 {
        3:0     queue;
    }

    /// Memory window of the rate limiter.
    pub(crate) RTTBCNRM(u32) @ 0x3690 {
        31:0    mmw;
    }

    /// Rate limit of the selected queue; `igb_common::vf_slot` has the encoding.
    pub(crate) RTTBCNRC(u32) @ 0x36b0 {
        31:0    value;
    }
}
