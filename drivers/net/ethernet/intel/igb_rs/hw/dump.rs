// SPDX-License-Identifier: GPL-2.0

//! Dump of the registers, for debugging.

use igb_common::layout::{
    CAUSES,
    QUEUES, //
};

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
    io::register::{
        Register,
        RegisterArray, //
    },
    prelude::*, //
};

use crate::regs::{
    ctrl,
    filter,
    intr,
    mbx,
    rx,
    tx,
    virt, //
};

use super::{
    queues::{
        RX_FIRST,
        STRIDE,
        TX_FIRST, //
    },
    Hw, //
};

/// Registers at equal distances.
struct Span {
    first: usize,
    count: usize,
    stride: usize,
}

impl Span {
    const fn at(offset: usize) -> Self {
        Self {
            first: offset,
            count: 1,
            stride: 4,
        }
    }

    const fn one<R: Register>() -> Self {
        Self::at(R::OFFSET)
    }

    const fn array<R: RegisterArray>() -> Self {
        Self {
            first: R::OFFSET,
            count: R::SIZE,
            stride: R::STRIDE,
        }
    }
}

/// Version of the layout of the dump; goes up with every change to [`DUMP`].
pub(crate) const DUMP_VERSION: u32 = 2;

/// Registers in a dump, in this order. None that reading changes.
const DUMP: &[Span] = &[
    Span::one::<ctrl::CTRL>(),
    Span::one::<ctrl::STATUS>(),
    Span::one::<ctrl::CTRL_EXT>(),
    Span::one::<ctrl::LEDCTL>(),
    Span::one::<ctrl::FCRTL>(),
    Span::one::<ctrl::FCRTH>(),
    Span::one::<rx::RCTL>(),
    Span::one::<rx::RXPBS>(),
    Span::one::<rx::QDE>(),
    Span::one::<rx::RXCSUM>(),
    Span::one::<rx::RLPML>(),
    Span::one::<rx::RFCTL>(),
    Span::one::<tx::TCTL>(),
    Span::one::<tx::DTXCTL>(),
    Span::one::<intr::GPIE>(),
    Span::at(READABLE[0]),
    Span::at(READABLE[1]),
    Span::at(READABLE[2]),
    Span::one::<intr::IMS>(),
    Span {
        first: MODERATION.0,
        count: CAUSES as usize,
        stride: MODERATION.1,
    },
    Span::array::<intr::IVAR>(),
    Span::one::<intr::IVAR_MISC>(),
    Span::one::<filter::MRQC>(),
    Span::array::<filter::RETA>(),
    Span::array::<filter::RAL>(),
    Span::array::<filter::RAH>(),
    Span::array::<filter::RAL2>(),
    Span::array::<filter::RAH2>(),
    Span::array::<filter::MTA>(),
    Span::array::<filter::VFTA>(),
    Span::one::<virt::VT_CTL>(),
    Span::one::<virt::DTXSWC>(),
    Span::one::<virt::RPLOLR>(),
    Span::array::<virt::VMOLR>(),
    Span::array::<virt::VMVIR>(),
    Span::array::<virt::VLVF>(),
    Span::one::<mbx::VFRE>(),
    Span::one::<mbx::VFTE>(),
    Span::one::<mbx::MBVFIMR>(),
];

/// Words of a dump: [`DUMP`], then those of each receive queue, then those of each transmit queue.
pub(crate) const DUMP_WORDS: usize = {
    let mut words = QUEUES as usize * (RX_READABLE.len() + TX_READABLE.len());
    let mut index = 0;

    while index < DUMP.len() {
        words += DUMP[index].count;
        index += 1;
    }
    words
};

/// Returns the offsets of `registers` of each of the queues whose blocks start at `first`.
fn queue_offsets(first: usize, registers: &[usize]) -> impl Iterator<Item = usize> + '_ {
    (0..usize::from(QUEUES))
        .flat_map(move |queue| registers.iter().map(move |r| first + queue * STRIDE + r))
}

impl Hw<'_> {
    /// Reads registers into `out`, see [`DUMP_WORDS`] for which.
    pub(crate) fn dump(&self, out: &mut [u32; DUMP_WORDS]) -> Result {
        let device = DUMP
            .iter()
            .flat_map(|span| (0..span.count).map(|index| span.first + index * span.stride));
        let queues = Iterator::chain(
            queue_offsets(RX_FIRST, &RX_READABLE),
            queue_offsets(TX_FIRST, &TX_READABLE),
        );

        for (word, offset) in out.iter_mut().zip(Iterator::chain(device, queues)) {
            *word = self.regs.read_offset(offset)?;
        }
        Ok(())
    }
}
