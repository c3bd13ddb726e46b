// SPDX-License-Identifier: GPL-2.0

//! Receive path of the function (82576 datasheet 8.10, 8.3).

use kernel::io::register;

register! {
    /// Receive control.
    pub(crate) RCTL(u32) @ 0x0100 {
        /// Strip the Ethernet CRC.
        26:26   secrc => bool;
        /// Filter by VLAN.
        18:18   vfe => bool;
        /// Accept broadcast.
        15:15   bam => bool;
        /// Accept packets longer than 1522 bytes.
        5:5     lpe => bool;
        /// Accept all multicast.
        4:4     mpe => bool;
        /// Accept all unicast.
        3:3     upe => bool;
        /// The receiver runs.
        1:1     rxen => bool;
    }

    /// Receive packet buffer size.
    pub(crate) RXPBS(u32) @ 0x2404 {
        /// Size in KiB.
        6:0     size;
    }

    /// Queues that drop packets when their ring is empty; used with virtual functions.
    pub(crate) QDE(u32) @ 0x2408 {
        15:0    queues;
    }

    /// Receive checksum control.
    pub(crate) RXCSUM(u32) @ 0x5000 {
        /// The descriptor carries the RSS hash instead of the packet checksum.
        13:13   pcsd => bool;
        /// Check the CRC of SCTP.
        11:11   crcofl => bool;
        /// Check TCP and UDP checksums.
        9:9     tuofl => bool;
        /// Check the IPv4 header checksum.
        8:8     ipofl => bool;
    }

    /// Longest packet received when LPE is set.
    pub(crate) RLPML(u32) @ 0x5004 {
        13:0    rlpml;
    }

    /// Receive filter control.
    pub(crate) RFCTL(u32) @ 0x5008 {
        /// Do not look into IPv6 destination options and routing headers.
        16:16   ipv6_ex_dis => bool;
    }
}
