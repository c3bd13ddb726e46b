// SPDX-License-Identifier: GPL-2.0

//! Device control and status, bus, and flow control (82576 datasheet 8.2, 8.3, 8.6).

use kernel::io::register;

register! {
    /// Device control.
    pub(crate) CTRL(u32) @ 0x0000 {
        /// Holds the PHY in reset while set.
        31:31   phy_rst => bool;
        /// Strip VLAN tags from received packets.
        30:30   vme => bool;
        /// Send PAUSE frames.
        28:28   tfce => bool;
        /// Obey PAUSE frames.
        27:27   rfce => bool;
        /// Software reset of the function; clears itself.
        26:26   rst => bool;
        /// Force the duplex mode instead of taking the PHY's.
        12:12   frcdpx => bool;
        /// Force the speed instead of taking the PHY's.
        11:11   frcspd => bool;
        /// Set link up: let the MAC talk to the PHY.
        6:6     slu => bool;
        /// Start no new bus accesses.
        2:2     gio_master_disable => bool;
    }

    /// Device status, read only. [`igb_hw::link`] has the fields about the link.
    pub(crate) STATUS(u32) @ 0x0008 {
        /// Bus accesses are under way or allowed.
        19:19   gio_master_enable => bool;
        /// Which port of the device this function is.
        3:2     lan_id;
    }

    /// Extended device control.
    pub(crate) CTRL_EXT(u32) @ 0x0018 {
        /// Tells the firmware that a driver is in charge.
        28:28   drv_load => bool;
        /// 0 for the internal PHY.
        23:22   link_mode;
        /// Tells the virtual functions that the physical function is ready.
        14:14   pfrstd => bool;
    }

    /// Flow control address, low half.
    pub(crate) FCAL(u32) @ 0x0028 {
        31:0    addr;
    }

    /// Flow control address, high half.
    pub(crate) FCAH(u32) @ 0x002c {
        15:0    addr;
    }

    /// Flow control EtherType.
    pub(crate) FCT(u32) @ 0x0030 {
        15:0    ethertype;
    }

    /// EtherType of VLAN tags.
    pub(crate) VET(u32) @ 0x0038 {
        15:0    vet;
    }

    /// Pause time put in PAUSE frames.
    pub(crate) FCTTV(u32) @ 0x0170 {
        15:0    ttv;
    }

    /// Flow control receive threshold, low: below it the sender is let on.
    pub(crate) FCRTL(u32) @ 0x2160 {
        /// Send XON frames.
        31:31   xone => bool;
        /// Threshold in bytes, a multiple of 16.
        16:0    rtl;
    }

    /// Flow control receive threshold, high: above it the sender is stopped.
    pub(crate) FCRTH(u32) @ 0x2168 {
        /// Threshold in bytes, a multiple of 16.
        16:0    rth;
    }

    /// Flow control refresh threshold.
    pub(crate) FCRTV(u32) @ 0x2460 {
        15:0    refresh;
    }

    /// Manageability control; firmware reports when it has configured the PHYs.
    pub(crate) EEMNGCTL(u32) @ 0x1010 {
        /// Configuration of port 1 is done.
        19:19   cfg_done1 => bool;
        /// Configuration of port 0 is done.
        18:18   cfg_done0 => bool;
    }

    /// Manageability control.
    pub(crate) MANC(u32) @ 0x5820 {
        /// The management controller has a session over the PHY, which must not be reset.
        18:18   blk_phy_rst_on_ide => bool;
    }

    /// What the lights show: a byte for each of the four, light 0 in the lowest.
    pub(crate) LEDCTL(u32) @ 0x0e00 {
        31:0    lights;
    }

    /// Wake-up control.
    pub(crate) WUC(u32) @ 0x5800 {
        31:0    value;
    }

    /// PCIe control.
    pub(crate) GCR(u32) @ 0x5b00 {
        /// The function takes its completion timeout from the PCIe capability.
        18:18   capability_version_2 => bool;
        /// Send a read again after its completion timed out.
        16:16   completion_timeout_resend => bool;
        /// Completion timeout of functions without version 2 of the capability; 1 is 10 ms.
        15:12   completion_timeout;
    }

    /// Software semaphore.
    pub(crate) SWSM(u32) @ 0x5b50 {
        /// Semaphore between software and firmware.
        1:1     swesmbi => bool;
        /// Semaphore between drivers. A read returns the old value and sets it.
        0:0     smbi => bool;
    }

    /// Resources held by software (15:0) and firmware (31:16), guarded by SWSM.
    pub(crate) SW_FW_SYNC(u32) @ 0x5b5c {
        31:16   fw;
        15:0    sw;
    }
}
