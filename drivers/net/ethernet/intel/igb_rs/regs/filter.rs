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

    /// Receive address of entries 0 to 15, last two bytes and use.
    pub(crate) RAH(u32)[16, stride = 8] @ 0x5404 {
        /// The entry is valid.
        31:31   av => bool;
        /// Pools that receive the address.
        25:18   poolsel;
        15:0    addr;
    }

    /// Receive address of entries 16 to 23, first four bytes.
    pub(crate) RAL2(u32)[8, stride = 8] @ 0x54e0 {
        31:0    addr;
    }

    /// Receive address of entries 16 to 23, last two bytes and use.
    pub(crate) RAH2(u32)[8, stride = 8] @ 0x54e4 {
        31:31   av => bool;
        25:18   poolsel;
        15:0    addr;
    }

    /// VLAN table: one bit per VLAN.
    pub(crate) VFTA(u32)[128] @ 0x5600 {
        31:0    bits;
    }

    /// Multiple receive queues control.
    pub(crate) MRQC(u32) @ 0x5818 {
        /// Hash the ports of UDP over IPv6.
        23:23   udp_ipv6 => bool;
        /// Hash the ports of UDP over IPv4.
        22:22   udp_ipv4 => bool;
        /// Hash the ports of TCP over IPv6.
        21:21   tcp_ipv6 => bool;
        /// Hash the addresses of IPv6.
        20:20   ipv6 => bool;
        /// Hash the ports of TCP over IPv6 with extension headers.
        18:18   tcp_ipv6_ex => bool;
        /// Hash the addresses of IPv4.
        17:17   ipv4 => bool;
        /// Hash the ports of TCP over IPv4.
        16:16   tcp_ipv4 => bool;
        /// 0 single queue, 2 RSS, 3 pools, 5 pools with RSS.
        2:0     mrqe;
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
