// SPDX-License-Identifier: GPL-2.0

//! Access to the NVM (82576 datasheet 8.4).

use kernel::io::register;

register! {
    /// NVM control.
    pub(crate) EECD(u32) @ 0x0010 {
        /// Size: 128 bytes shifted left by this.
        14:11   size;
        /// The device has loaded its settings from the NVM.
        9:9     auto_rd => bool;
    }

    /// NVM read.
    pub(crate) EERD(u32) @ 0x0014 {
        /// Word that was read.
        31:16   data;
        /// Address of the word.
        15:2    addr;
        /// The read is done.
        1:1     done => bool;
        /// Start a read.
        0:0     start => bool;
    }
}
