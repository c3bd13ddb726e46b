// SPDX-License-Identifier: GPL-2.0

//! Address, VLAN and queue filters (82576 datasheet 8.10, 8.14).

use kernel::io::register;

register! {
    /// Multicast table: one bit per hash value.
    pub(crate) MTA(u32)[128] @ 0x5200 {
        31:0    bits;
    }

    /// Receive address of entries 0 to 15, first four bytes.
    pub(crate) RAL(u32)[16, stride = 8] @ 0x5400 {
        31:0    addr;
    }

    /// Receive address of entries 0 to 15, last two bytes and use; `igb_common::rar`
    /// has the encoding.
    pub(crate) RAH(u32)[16, stride = 8] @ 0x5404 {
        31:0    value;
    }

    /// Receive address of entries 16 to 23, first four bytes.
    pub(crate) RAL2(u32)[8, stride = 8] @ 0x54e0 {
        31:0    addr;
    }

    /// Receive address of entries 16 to 23, last two bytes and use; `igb_common::rar`
    /// has the encoding.
    pub(crate) RAH2(u32)[8, stride = 8] @ 0x54e4 {
        31:0    value;
    }

    /// VLAN table: one bit per VLAN.
    pub(crate) VFTA(u32)[128] @ 0x5600 {
        31:0    bits;
    }

    /// Multiple receive queues control; `igb_common::rss` has the encoding.
    pub(crate) MRQC(u32) @ 0x5818 {
        /// What is hashed.
        31:16   fields;
        /// How packets find their queue. May only change while the receiver is off.
        2:0     mode;
    }

    /// RSS redirection table, four entries each.
    pub(crate) RETA(u32)[32] @ 0x5c00 {
        31:0    entries;
    }

    /// RSS key, four bytes each.
    pub(crate) RSSRK(u32)[10] @ 0x5c80 {
        31:0    key;
    }

    /// Unicast table: one bit per hash value. Write only.
    pub(crate) UTA(u32)[128] @ 0xa000 {
        31:0    bits;
    }
}
