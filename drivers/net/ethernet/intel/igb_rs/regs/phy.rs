// SPDX-License-Identifier: GPL-2.0

//! Management interface of the PHY (82576 datasheet 8.2.4) and the PHY's own registers
//! (IEEE 802.3 clause 22; 82576 datasheet 8.25 for those above 15).

use kernel::{
    bitfield,
    io::register, //
};

register! {
    /// MDI control.
    pub(crate) MDIC(u32) @ 0x0020 {
        /// The PHY did not answer as it should.
        30:30   error => bool;
        /// The access is done.
        28:28   ready => bool;
        /// 1 to write, 2 to read.
        27:26   op;
        /// Address of the PHY.
        25:21   phyadd;
        /// Register of the PHY.
        20:16   regadd;
        15:0    data;
    }
}

/// A register of the PHY.
pub(crate) trait PhyRegister: From<u16> + Into<u16> {
    /// Its address.
    const ADDRESS: u8;
}

/// Defines registers of the PHY.
macro_rules! phy_registers {
    ($($(#[$attr:meta])* $name:ident @ $address:literal { $($fields:tt)* })*) => {
        $(
        bitfield! {
            #[allow(non_camel_case_types)]
            $(#[$attr])*
            pub(crate) struct $name(u16) { $($fields)* }
        }

        impl PhyRegister for $name {
            const ADDRESS: u8 = $address;
        }
        )*
    };
}

phy_registers! {
    /// Control.
    PCTRL @ 0 {
        /// Speed, low bit.
        13:13   speed_lsb => bool;
        /// Negotiate with the link partner.
        12:12   autoneg => bool;
        /// Power down.
        11:11   power_down => bool;
        /// Start negotiating; clears itself.
        9:9     restart_autoneg => bool;
        /// Full duplex.
        8:8     full_duplex => bool;
        /// Speed, high bit.
        6:6     speed_msb => bool;
    }

    /// Status.
    PSTATUS @ 1 {
        /// Negotiation is complete.
        5:5     autoneg_done => bool;
        /// The link is up; stays clear from a loss until read.
        2:2     link => bool;
    }

    /// Identifier, high half.
    PHY_ID1 @ 2 {
        15:0    id;
    }

    /// Identifier, low half.
    PHY_ID2 @ 3 {
        15:0    id;
    }

    /// What we offer.
    ANA @ 4 {
        /// PAUSE in one direction.
        11:11   asm_pause => bool;
        /// PAUSE in both directions.
        10:10   pause => bool;
        8:8     full_100 => bool;
        7:7     half_100 => bool;
        6:6     full_10 => bool;
        5:5     half_10 => bool;
        /// 1 for IEEE 802.3.
        4:0     selector;
    }

    /// What the link partner offers, as in ANA.
    ANLPA @ 5 {
        11:11   asm_pause => bool;
        10:10   pause => bool;
        8:8     full_100 => bool;
        7:7     half_100 => bool;
        6:6     full_10 => bool;
        5:5     half_10 => bool;
    }

    /// What we offer at 1000 Mb/s.
    GCON @ 9 {
        9:9     full_1000 => bool;
        8:8     half_1000 => bool;
    }

    /// What the link partner offers at 1000 Mb/s.
    GSTATUS @ 10 {
        11:11   full_1000 => bool;
        10:10   half_1000 => bool;
    }

    /// Port status; the pairs are right only while the link is up.
    PPSTAT @ 17 {
        /// The pairs are crossed.
        11:11   mdix => bool;
    }

    /// Port control.
    PPCTRL @ 18 {
        /// The pairs are crossed, unless the PHY finds out by itself.
        13:13   force_mdix => bool;
        /// Find out by itself which pair to send on.
        12:12   auto_mdix => bool;
    }

    /// Power management.
    PHPM @ 25 {
        /// Prefer low speeds in negotiation, to save power, in D0.
        1:1     d0_lplu => bool;
    }
}
