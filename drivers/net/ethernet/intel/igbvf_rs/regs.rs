// SPDX-License-Identifier: GPL-2.0

//! Registers of the 82576 virtual function, BAR 0.
//!
//! Names, offsets and fields are those of section 8.26 of the 82576 datasheet. The registers of
//! the queues, the vectors, the link and the counters are in [`igb_hw`], shared with the physical function.

use kernel::io::register;

/// Size of BAR 0.
pub(crate) const BAR_SIZE: usize = 0x4000;

/// The mapped BAR 0.
pub(crate) type Bar<'a> = kernel::pci::Bar<'a, BAR_SIZE>;

register! {
    /// Device control.
    pub(crate) CTRL(u32) @ 0x0000 {
        /// Software reset of the function; clears itself.
        26:26   rst => bool;
    }

    /// Mailbox memory.
    pub(crate) VMBMEM(u32)[16] @ 0x0800 {
        31:0    word;
    }

    /// Mailbox, seen from the virtual function. Reading clears PFSTS, PFACK and RSTD.
    pub(crate) V2PMAILBOX(u32) @ 0x0c40 {
        /// The physical function has finished its reset.
        7:7     rstd => bool;
        /// The physical function is in reset.
        6:6     rsti => bool;
        /// The physical function has read our message.
        5:5     pfack => bool;
        /// The physical function has sent a message.
        4:4     pfsts => bool;
        /// The buffer is ours. Can be set only while the physical function does not have it.
        2:2     vfu => bool;
        /// Tell the physical function that its message was read. Releases the buffer.
        1:1     ack => bool;
        /// Tell the physical function that there is a message. Releases the buffer.
        0:0     req => bool;
    }

    /// Vectors of the queues; `igb_common::layout` has the encoding.
    pub(crate) VTIVAR(u32) @ 0x1700 {
        31:0    entries;
    }

    /// Vector of the mailbox; `igb_common::layout` has the encoding.
    pub(crate) VTIVAR_MISC(u32) @ 0x1740 {
        31:0    entries;
    }
}
