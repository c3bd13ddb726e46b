// SPDX-License-Identifier: GPL-2.0

//! Statistics (82576 datasheet 8.18). Reading clears.

use kernel::io::register;

/// Passes the 32-bit counters to the macro `$then`, each as `field REGISTER offset "meaning"`.
macro_rules! with_counters {
    ($then:ident) => {
        $then! {
            crc_errors CRCERRS 0x4000 "Packets with a wrong CRC."
            align_errors ALGNERRC 0x4004 "Packets that do not end on a byte."
            rx_errors RXERRC 0x400c "Packets with an error seen by the PHY."
            missed MPC 0x4010 "Packets lost because the packet buffer was full."
            single_collisions SCC 0x4014 "Packets sent after one collision."
            excessive_collisions ECOL 0x4018 "Packets given up after 16 collisions."
            multiple_collisions MCC 0x401c "Packets sent after several collisions."
            late_collisions LATECOL 0x4020 "Collisions after the first 64 bytes."
            collisions COLC 0x4028 "Collisions."
            carrier_errors TNCRS 0x4034 "Packets sent without the PHY's carrier sense. Of use with half duplex only."
            deferred DC 0x4030 "Packets that waited for the wire."
            length_errors RLEC 0x4040 "Packets of a wrong length: undersize, oversize."
            rx_xon XONRXC 0x4048 "PAUSE frames received that let us go on."
            tx_xon XONTXC 0x404c "PAUSE frames sent that let the partner go on."
            rx_xoff XOFFRXC 0x4050 "PAUSE frames received that stop us."
            tx_xoff XOFFTXC 0x4054 "PAUSE frames sent that stop the partner."
            rx_size_64 PRC64 0x405c "Packets received of 64 bytes."
            rx_size_127 PRC127 0x4060 "Packets received of 65 to 127 bytes."
            rx_size_255 PRC255 0x4064 "Packets received of 128 to 255 bytes."
            rx_size_511 PRC511 0x4068 "Packets received of 256 to 511 bytes."
            rx_size_1023 PRC1023 0x406c "Packets received of 512 to 1023 bytes."
            rx_size_max PRC1522 0x4070 "Packets received of 1024 bytes and more."
            rx_packets GPRC 0x4074 "Good packets received."
            rx_broadcast BPRC 0x4078 "Broadcast packets received."
            rx_multicast MPRC 0x407c "Multicast packets received."
            tx_packets GPTC 0x4080 "Good packets sent."
            rx_no_buffer RNBC 0x40a0 "Packets that found no free descriptor."
            rx_undersize RUC 0x40a4 "Packets of less than 64 bytes."
            rx_fragments RFC 0x40a8 "Packets of less than 64 bytes with a wrong CRC."
            rx_oversize ROC 0x40ac "Packets longer than allowed."
            rx_jabber RJC 0x40b0 "Packets longer than allowed with a wrong CRC."
            management_rx MGTPRC 0x40b4 "Packets for the management controller."
            management_rx_dropped MGTPDC 0x40b8 "Packets for the management controller that were lost."
            management_tx MGTPTC 0x40bc "Packets sent by the management controller."
            rx_total_packets TPR 0x40d0 "Packets received, good or bad."
            tx_total_packets TPT 0x40d4 "Packets sent, good or bad."
            tx_size_64 PTC64 0x40d8 "Packets sent of 64 bytes."
            tx_size_127 PTC127 0x40dc "Packets sent of 65 to 127 bytes."
            tx_size_255 PTC255 0x40e0 "Packets sent of 128 to 255 bytes."
            tx_size_511 PTC511 0x40e4 "Packets sent of 256 to 511 bytes."
            tx_size_1023 PTC1023 0x40e8 "Packets sent of 512 to 1023 bytes."
            tx_size_max PTC1522 0x40ec "Packets sent of 1024 bytes and more."
            tx_multicast MPTC 0x40f0 "Multicast packets sent."
            tx_broadcast BPTC 0x40f4 "Broadcast packets sent."
            tx_tso_contexts TSCTC 0x40f8 "Packets that were segmented."
        }
    };
}
pub(crate) use with_counters;

/// Defines the counter registers.
macro_rules! counter_registers {
    ($($field:ident $register:ident $offset:literal $doc:literal)*) => {
        register! {
            $(
            #[doc = $doc]
            pub(crate) $register(u32) @ $offset {
                31:0    count;
            }
            )*
        }
    };
}

with_counters!(counter_registers);

register! {
    /// Bytes of good packets received, low half.
    pub(crate) GORCL(u32) @ 0x4088 {
        31:0    count;
    }

    /// Bytes of good packets received, high half; reading clears both halves.
    pub(crate) GORCH(u32) @ 0x408c {
        31:0    count;
    }

    /// Bytes of good packets sent, low half.
    pub(crate) GOTCL(u32) @ 0x4090 {
        31:0    count;
    }

    /// Bytes of good packets sent, high half; reading clears both halves.
    pub(crate) GOTCH(u32) @ 0x4094 {
        31:0    count;
    }
}
