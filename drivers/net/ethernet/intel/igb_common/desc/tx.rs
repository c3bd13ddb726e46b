// SPDX-License-Identifier: GPL-2.0

//! Transmit descriptors: context and data.

use super::TxContextSlot;
use nic::dma::Iova;

const DTYP_CTXT: u32 = 2 << 20;
const DTYP_DATA: u32 = 3 << 20;
const DCMD_EOP: u32 = 1 << 24;
const DCMD_IFCS: u32 = 1 << 25;
const DCMD_RS: u32 = 1 << 27;
const DCMD_DEXT: u32 = 1 << 29;
const DCMD_VLE: u32 = 1 << 30;
const DCMD_TSE: u32 = 1 << 31;
const IDX: u32 = 1 << 4;
const POPTS_IXSM: u32 = 1 << 8;
const POPTS_TXSM: u32 = 1 << 9;
const PAYLEN_SHIFT: u32 = 14;

/// A transmit descriptor, ready to store.
#[derive(Clone, Copy)]
pub struct TxDescriptor([u64; 2]);

impl TxDescriptor {
    /// A data descriptor for `len` bytes at `addr`, a part of `frame` at `position`.
    ///
    /// With `report` (RS) the device writes the descriptor back when it has read the data; ask for
    /// it on the last descriptor of a frame only.
    #[inline]
    pub fn data(addr: Iova, len: u16, frame: &TxFrame, position: TxPosition, report: bool) -> Self {
        let mut cmd_type_len = frame.cmd | u32::from(len);
        if position.is_last() {
            cmd_type_len |= DCMD_EOP;
        }
        if report {
            cmd_type_len |= DCMD_RS;
        }
        // The device takes the options and the payload length from a frame's first descriptor.
        let olinfo_status = if position.is_first() { frame.olinfo } else { 0 };
        Self([addr.to_bits(), join(cmd_type_len, olinfo_status)])
    }

    /// A context descriptor from its four dwords without the type bits and the slot.
    #[inline]
    pub(super) const fn context(
        vlan_macip_lens: u32,
        tucmd: u32,
        mss_l4len: u32,
        slot: TxContextSlot,
    ) -> Self {
        Self([
            join(vlan_macip_lens, 0),
            join(tucmd | DCMD_DEXT | DTYP_CTXT, mss_l4len | slot_bit(slot)),
        ])
    }

    /// The two words to store, in CPU byte order.
    #[inline]
    pub const fn to_words(self) -> [u64; 2] {
        self.0
    }

    /// Whether the second word of a descriptor that asked for a report says that the device is done
    /// with it (DD). It is zero in every descriptor the driver writes.
    #[inline]
    pub const fn done(word1: u64) -> bool {
        word1 & (1 << 32) != 0
    }
}

/// Where in its frame a data descriptor stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TxPosition {
    /// The frame has one data descriptor.
    Only,
    /// The first of several.
    First,
    /// Neither the first nor the last.
    Middle,
    /// The last of several.
    Last,
}

impl TxPosition {
    /// The position of data descriptor `index` of `count`.
    #[inline]
    pub const fn of(index: u32, count: u32) -> Self {
        match (index == 0, index.saturating_add(1) >= count) {
            (true, true) => Self::Only,
            (true, false) => Self::First,
            (false, false) => Self::Middle,
            (false, true) => Self::Last,
        }
    }

    #[inline]
    const fn is_first(self) -> bool {
        matches!(self, Self::Only | Self::First)
    }

    #[inline]
    const fn is_last(self) -> bool {
        matches!(self, Self::Only | Self::Last)
    }
}

/// The command bits all data descriptors of one frame share; made by
/// [`TxOffload::frame`](super::TxOffload::frame).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TxFrame {
    cmd: u32,
    olinfo: u32,
}

impl TxFrame {
    /// A frame with `paylen` (18 bits) payload bytes.
    #[inline]
    pub(super) const fn new(paylen: u32) -> Self {
        Self {
            cmd: DTYP_DATA | DCMD_DEXT | DCMD_IFCS,
            olinfo: paylen << PAYLEN_SHIFT,
        }
    }

    #[inline]
    pub(super) const fn in_context(mut self, slot: TxContextSlot) -> Self {
        self.olinfo |= slot_bit(slot);
        self
    }

    #[inline]
    pub(super) const fn insert_vlan(mut self) -> Self {
        self.cmd |= DCMD_VLE;
        self
    }

    #[inline]
    pub(super) const fn insert_l4_checksum(mut self) -> Self {
        self.olinfo |= POPTS_TXSM;
        self
    }

    #[inline]
    pub(super) const fn insert_ip_checksum(mut self) -> Self {
        self.olinfo |= POPTS_IXSM;
        self
    }

    #[inline]
    pub(super) const fn segment(mut self) -> Self {
        self.cmd |= DCMD_TSE;
        self
    }
}

#[inline]
const fn slot_bit(slot: TxContextSlot) -> u32 {
    match slot {
        TxContextSlot::First => 0,
        TxContextSlot::Second => IDX,
    }
}

#[inline]
const fn join(low: u32, high: u32) -> u64 {
    // CAST: widening.
    low as u64 | ((high as u64) << 32)
}
