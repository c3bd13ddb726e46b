// SPDX-License-Identifier: GPL-2.0

//! Pools and the switch between them (82576 datasheet 8.14).

use kernel::io::register;

register! {
    /// DMA transmit switch control.
    pub(crate) DTXSWC(u32) @ 0x3500 {
        /// Switch packets between pools.
        31:31   loopback => bool;
        /// Pools whose VLAN tags are checked.
        15:8    vlan_spoof;
        /// Pools whose source addresses are checked.
        7:0     mac_spoof;
    }

    /// Pools that sent a spoofed packet: VLAN (15:8), address (7:0). Reading clears.
    pub(crate) WVBR(u32) @ 0x3554 {
        15:0    pools;
    }

    /// VLAN tag of what a pool sends.
    pub(crate) VMVIR(u32)[8] @ 0x3700 {
        /// 0 as the descriptor says, 1 always this tag, 2 never.
        31:30   vlana;
        /// Priority of the tag.
        15:13   priority;
        /// VLAN of the tag.
        11:0    vid;
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

    /// Pools of a VLAN.
    pub(crate) VLVF(u32)[32] @ 0x5d00 {
        /// The entry is valid.
        31:31   vi_en => bool;
        /// Pools that are members.
        19:12   poolsel;
        /// VLAN.
        11:0    vlan_id;
    }
}
