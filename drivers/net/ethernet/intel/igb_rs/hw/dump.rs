// SPDX-License-Identifier: GPL-2.0

//! Dump of the registers, for debugging.

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
    queue,
    queues::{
        QUEUES,
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
    const fn one<R: Register>() -> Self {
        Self {
            first: R::OFFSET,
            count: 1,
            stride: 4,
        }
    }

    const fn array<R: RegisterArray>() -> Self {
        Self {
            first: R::OFFSET,
            count: R::SIZE,
            stride: R::STRIDE,
        }
    }

    const fn queues(first: usize, register: usize) -> Self {
        Self {
            first: first + register,
            count: QUEUES as usize,
            stride: STRIDE,
        }
    }
}

/// Version of the layout of the dump; goes up with every change to [`DUMP`].
pub(crate) const DUMP_VERSION: u32 = 1;

/// Registers in a dump, in this order. None that reading changes.
const DUMP: &[Span] = &[
    Span::one::<ctrl::CTRL>(),
    Span::one::<ctrl::STATUS>(),
    Span::one::<ctrl::CTRL_EXT>(),
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
    Span::one::<intr::EIMS>(),
    Span::one::<intr::EIAC>(),
    Span::one::<intr::EIAM>(),
    Span::one::<intr::IMS>(),
    Span::array::<intr::EITR>(),
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
    Span::queues(RX_FIRST, queue::RDBAL::OFFSET),
    Span::queues(RX_FIRST, queue::RDBAH::OFFSET),
    Span::queues(RX_FIRST, queue::RDLEN::OFFSET),
    Span::queues(RX_FIRST, queue::SRRCTL::OFFSET),
    Span::queues(RX_FIRST, queue::RDH::OFFSET),
    Span::queues(RX_FIRST, queue::RDT::OFFSET),
    Span::queues(RX_FIRST, queue::RXDCTL::OFFSET),
    Span::queues(TX_FIRST, queue::TDBAL::OFFSET),
    Span::queues(TX_FIRST, queue::TDBAH::OFFSET),
    Span::queues(TX_FIRST, queue::TDLEN::OFFSET),
    Span::queues(TX_FIRST, queue::TDH::OFFSET),
    Span::queues(TX_FIRST, queue::TDT::OFFSET),
    Span::queues(TX_FIRST, queue::TXDCTL::OFFSET),
];

/// Words of a dump.
pub(crate) const DUMP_WORDS: usize = {
    let mut words = 0;
    let mut index = 0;

    while index < DUMP.len() {
        words += DUMP[index].count;
        index += 1;
    }
    words
};

impl Hw<'_> {
    /// Reads the registers of [`DUMP`] into `out`.
    pub(crate) fn dump(&self, out: &mut [u32; DUMP_WORDS]) -> Result {
        let offsets = DUMP
            .iter()
            .flat_map(|span| (0..span.count).map(|index| span.first + index * span.stride));

        for (word, offset) in out.iter_mut().zip(offsets) {
            *word = self.regs.read_offset(offset)?;
        }
        Ok(())
    }
}
