// SPDX-License-Identifier: GPL-2.0

//! Whether registers keep what is written to them.

use igb_hw::queue::BASE_AND_LENGTH;

use kernel::{
    io::register::{
        Register,
        RegisterArray, //
    },
    prelude::*, //
};

use crate::regs::filter::RSSRK;

use super::{
    queues::{
        RX_FIRST,
        STRIDE,
        TX_FIRST, //
    },
    Hw, //
};

impl Hw<'_> {
    /// Tries registers of both directions of queue `queue`, which must not run.
    pub(crate) fn queue_registers_hold(&self, queue: u8) -> Result<bool> {
        let mut good = true;

        for first in [RX_FIRST, TX_FIRST] {
            for (offset, mask) in BASE_AND_LENGTH {
                good &= self
                    .regs
                    .holds(first + usize::from(queue) * STRIDE + offset, mask)?;
            }
        }
        Ok(good)
    }

    /// Tries the registers of the hash key. Packets that come meanwhile may get to other queues than
    /// before.
    pub(crate) fn key_registers_hold(&self) -> Result<bool> {
        let mut good = true;

        for index in 0..RSSRK::SIZE {
            good &= self
                .regs
                .holds(RSSRK::OFFSET + index * RSSRK::STRIDE, u32::MAX)?;
        }
        Ok(good)
    }
}
