// SPDX-License-Identifier: GPL-2.0

//! Dump of the registers, for debugging.

use igb_common::layout::VF_VECTORS;

use igb_hw::{
    intr::{
        MODERATION,
        READABLE, //
    },
    queue::{
        RX_READABLE,
        TX_READABLE, //
    },
};

use kernel::{
    io::register::Register,
    prelude::*, //
};

use crate::regs::{
    CTRL,
    VTIVAR,
    VTIVAR_MISC, //
};

use super::{
    queues::{
        RX,
        TX, //
    },
    Hw, //
};

/// Version of the layout of the dump; goes up with every change to it.
pub(crate) const DUMP_VERSION: u32 = 1;

/// STATUS, which the physical function has at the same place.
const STATUS: usize = 0x0008;

/// Registers in a dump, in this order. None that reading changes.
const DUMP: [usize; 7] = [
    CTRL::OFFSET,
    STATUS,
    READABLE[0],
    READABLE[1],
    READABLE[2],
    VTIVAR::OFFSET,
    VTIVAR_MISC::OFFSET,
];

/// Words of a dump: [`DUMP`], then EITR of each vector, then the receive queue's registers, then the
/// transmit queue's.
pub(crate) const DUMP_WORDS: usize =
    DUMP.len() + VF_VECTORS as usize + RX_READABLE.len() + TX_READABLE.len();

impl Hw<'_> {
    /// Reads registers into `out`, see [`DUMP_WORDS`] for which.
    pub(crate) fn dump(&self, out: &mut [u32; DUMP_WORDS]) -> Result {
        let vectors: [usize; VF_VECTORS as usize] =
            core::array::from_fn(|index| MODERATION.0 + index * MODERATION.1);
        let groups: [(usize, &[usize]); 4] = [
            (0, &DUMP),
            (0, &vectors),
            (RX, &RX_READABLE),
            (TX, &TX_READABLE),
        ];
        let offsets = groups
            .into_iter()
            .flat_map(|(base, offsets)| offsets.iter().map(move |offset| base + offset));

        for (word, offset) in out.iter_mut().zip(offsets) {
            *word = self.regs.read_offset(offset)?;
        }
        Ok(())
    }
}
