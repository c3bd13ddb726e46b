// SPDX-License-Identifier: GPL-2.0

//! Interrupts (82576 datasheet 8.8). Those per vector are in [`igb_hw::intr`].

use kernel::io::register;

register! {
    /// Interrupt causes other than queues; reading clears.
    pub(crate) ICR(u32) @ 0x00c0 {
        /// The device was reset.
        30:30   drsta => bool;
        /// A DMA engine lost step: also reports a spoofed packet.
        28:28   doutsync => bool;
        /// Mailbox message, acknowledgement or function-level reset of a virtual function.
        8:8     vmmb => bool;
        /// The link went up or down.
        2:2     lsc => bool;
    }

    /// Interrupt mask set, causes as in ICR.
    pub(crate) IMS(u32) @ 0x00d0 {
        30:30   drsta => bool;
        28:28   doutsync => bool;
        8:8     vmmb => bool;
        2:2     lsc => bool;
    }

    /// Interrupt mask clear, causes as in ICR.
    pub(crate) IMC(u32) @ 0x00d8 {
        31:0    causes;
    }

    /// General purpose interrupt enable.
    pub(crate) GPIE(u32) @ 0x1514 {
        /// Support the MSI-X pending bit array.
        31:31   pba => bool;
        /// Mask in EIMS by EIAM when a vector fires.
        30:30   eiame => bool;
        /// One vector per cause.
        4:4     multiple_msix => bool;
        /// Clear ICR on read whatever the mask.
        0:0     nsicr => bool;
    }

    /// Vectors of receive and transmit queues n (low half) and n + 8 (high half);
    /// `igb_common::layout` has the encoding.
    pub(crate) IVAR(u32)[8] @ 0x1700 {
        31:0    entries;
    }

    /// Vectors of the other causes.
    pub(crate) IVAR_MISC(u32) @ 0x1740 {
        31:0    entries;
    }
}
