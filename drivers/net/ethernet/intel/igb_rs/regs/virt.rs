// SPDX-License-Identifier: GPL-2.0

//! Pools and the switch between them (82576 datasheet 8.14).

use kernel::io::register;

register! {
    /// DMA transmit switch control: loopback between pools, anti-spoofing; `igb_common::vf_bank`
    /// has the encoding.
    pub(crate) DTXSWC(u32) @ 0x3500 {
        31:0    value;
    }

    /// Pools that sent a spoofed packet: VLAN (15:8), address (7:0). Reading clears.
    pub(crate) WVBR(u32) @ 0x3554 {
        15:0    pools;
    }

    /// VLAN tag of what a pool sends; `igb_common::vf_slot` has the encoding.
    pub(crate) VMVIR(u32)[8] @ 0x3700 {
        31:0    value;
    }

    /// Packet types whose headers are split off, per pool.
    pub(crate) PSRTYPE(u32)[8] @ 0x5480 {
        31:0    types;
    }

    /// Virtualization control.
    pub(crate) VT_CTL(u32) @ 0x581c {
        /// Copy broadcast and multicast to all pools that want them.
        30:30   vm_repl_en => bool;
        /// Pool of packets that no filter claims.
        9:7     default_pool;
    }

    /// What a pool receives.
    pub(crate) VMOLR(u32)[8] @ 0x5ad0 {
        /// Strip the Ethernet CRC.
        31:31   strcrc => bool;
        /// Strip the VLAN tag.
        30:30   strvlan => bool;
        /// All multicast.
        28:28   mpme => bool;
        /// Broadcast.
        27:27   bam => bool;
        /// Unicast that matches UTA.
        26:26   rope => bool;
        /// Multicast that matches MTA.
        25:25   rompe => bool;
        /// Packets without a VLAN tag.
        24:24   aupe => bool;
        /// Spread over the queues of the pool by RSS.
        17:17   rsse => bool;
        /// Packets longer than 1522 bytes.
        16:16   lpe => bool;
        /// Longest packet when LPE is set.
        13:0    rlpml;
    }

    /// What happens to replicated packets.
    pub(crate) RPLOLR(u32) @ 0x5af0 {
        /// Strip the Ethernet CRC.
        31:31   strcrc => bool;
        /// Strip the VLAN tag.
        30:30   strvlan => bool;
    }

    /// Virtualization mode.
    pub(crate) IOVCTL(u32) @ 0x5bbc {
        /// Queues of virtual functions that are gone may be used by the physical function.
        0:0     reuse_vfq => bool;
    }

    /// Pools of a VLAN; `igb_common::vlan` has the encoding.
    pub(crate) VLVF(u32)[32] @ 0x5d00 {
        31:0    value;
    }
}
