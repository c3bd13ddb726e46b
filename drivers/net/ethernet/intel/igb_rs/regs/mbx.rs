// SPDX-License-Identifier: GPL-2.0

//! Mailboxes of the virtual functions (82576 datasheet 8.14).

use kernel::io::register;

register! {
    /// Mailbox memory: sixteen words for each of eight virtual functions.
    pub(crate) VMBMEM(u32)[128] @ 0x0800 {
        31:0    word;
    }

    /// Mailbox of one virtual function, seen from the physical function.
    pub(crate) P2VMAILBOX(u32)[8] @ 0x0c00 {
        /// Reset: take the buffer from the virtual function.
        4:4     rvfu => bool;
        /// The buffer is ours. Can be set only while VFU is clear; a write without it releases.
        3:3     pfu => bool;
        /// The buffer is the virtual function's.
        2:2     vfu => bool;
        /// Tell it that its message was read.
        1:1     ack => bool;
        /// Tell it that there is a message.
        0:0     sts => bool;
    }

    /// Messages from virtual functions; write one to clear.
    pub(crate) MBVFICR(u32) @ 0x0c80 {
        /// Acknowledgements.
        23:16   vfack;
        /// Requests.
        7:0     vfreq;
    }

    /// Virtual functions whose messages interrupt.
    pub(crate) MBVFIMR(u32) @ 0x0c84 {
        7:0     vfs;
    }

    /// Virtual functions that were reset; write one to clear.
    pub(crate) VFLRE(u32) @ 0x0c88 {
        7:0     vfs;
    }

    /// Pools that may receive.
    pub(crate) VFRE(u32) @ 0x0c8c {
        7:0     pools;
    }

    /// Pools that may send.
    pub(crate) VFTE(u32) @ 0x0c90 {
        7:0     pools;
    }
}
