// SPDX-License-Identifier: GPL-2.0

//! The link as STATUS shows it, to the physical function and to the virtual ones (82576 datasheet
//! 8.2.2, 8.26).

use kernel::{
    io::register,
    num::Bounded,
    prelude::*, //
};

use crate::access::Registers;

/// Speed of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// 10 Mb/s.
    Mbps10,
    /// 100 Mb/s.
    Mbps100,
    /// 1000 Mb/s.
    Mbps1000,
}

impl Speed {
    /// Returns the speed in Mb/s.
    pub fn mbps(self) -> u32 {
        match self {
            Self::Mbps10 => 10,
            Self::Mbps100 => 100,
            Self::Mbps1000 => 1000,
        }
    }
}

impl From<Bounded<u32, 2>> for Speed {
    fn from(value: Bounded<u32, 2>) -> Self {
        match value.get() {
            0 => Self::Mbps10,
            1 => Self::Mbps100,
            // 2 and 3 both say 1000 Mb/s.
            _ => Self::Mbps1000,
        }
    }
}

/// A link that is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Speed.
    pub speed: Speed,
    /// Full duplex.
    pub full_duplex: bool,
}

register! {
    /// Device status, read only.
    pub(crate) STATUS(u32) @ 0x0008 {
        /// Speed of the link.
        7:6     speed;
        /// The link is up.
        1:1     lu => bool;
        /// The link is full duplex.
        0:0     fd => bool;
    }
}

impl<const SIZE: usize> Registers<'_, SIZE> {
    /// Returns the link, `None` if it is down. Any context.
    pub fn link_state(&self) -> Result<Option<Link>> {
        let status = self.read::<STATUS>()?;

        Ok(status.lu().then(|| Link {
            speed: status.speed().into(),
            full_duplex: status.fd(),
        }))
    }
}
