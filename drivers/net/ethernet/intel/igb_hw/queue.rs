// SPDX-License-Identifier: GPL-2.0

//! Registers of one queue and the sequences that start and stop it.
//!
//! The registers of a queue are laid out alike in the physical and in the virtual function; only
//! the place of the block differs (82576 datasheet 8.10 and 8.12).

use kernel::{
    io::{
        register,
        register::Register, //
    },
    prelude::*,
    sync::Arc,
    time::Delta, //
};

use nic::dma::Iova;

use crate::access::{
    Block,
    Registers,
    Tail, //
};

/// Base family of the registers of one receive queue.
pub struct RxQueue;

/// Base family of the registers of one transmit queue.
pub struct TxQueue;

register! {
    /// Receive descriptor base address, low half.
    pub(crate) RDBAL(u32) @ RxQueue + 0x00 {
        31:7    base;
    }

    /// Receive descriptor base address, high half.
    pub(crate) RDBAH(u32) @ RxQueue + 0x04 {
        31:0    base;
    }

    /// Length of the receive ring in bytes, a multiple of 128.
    pub(crate) RDLEN(u32) @ RxQueue + 0x08 {
        19:0    len;
    }

    /// Split and replication receive control.
    pub(crate) SRRCTL(u32) @ RxQueue + 0x0c {
        /// Drop packets when the ring is empty instead of holding up the other queues.
        31:31   drop_en => bool;
        /// Descriptor format; 1 is advanced, one buffer.
        27:25   desctype;
        /// Size of the packet buffer in KiB.
        6:0     bsizepacket;
    }

    /// Receive descriptor head: next descriptor the device will fill.
    pub(crate) RDH(u32) @ RxQueue + 0x10 {
        15:0    head;
    }

    /// Receive DCA control: bus attributes of the queue's accesses.
    pub(crate) RXCTL(u32) @ RxQueue + 0x14 {
        /// Header writes may be reordered.
        15:15   header_write_relax => bool;
        /// Data writes may be reordered.
        13:13   data_write_relax => bool;
        /// Descriptor reads may be reordered.
        9:9     descriptor_read_relax => bool;
    }

    /// Receive descriptor tail: first descriptor the device may not use.
    pub(crate) RDT(u32) @ RxQueue + 0x18 {
        15:0    tail;
    }

    /// Receive descriptor control.
    pub(crate) RXDCTL(u32) @ RxQueue + 0x28 {
        /// The queue runs.
        25:25   enable => bool;
        /// Descriptors written back at a time.
        20:16   wthresh;
        /// Free descriptors in memory needed for a prefetch.
        12:8    hthresh;
        /// Prefetch when fewer descriptors than this are on chip.
        4:0     pthresh;
    }

    /// Packets dropped for want of a descriptor; reading clears.
    pub(crate) RQDPC(u32) @ RxQueue + 0x30 {
        31:0    count;
    }

    /// Transmit descriptor base address, low half.
    pub(crate) TDBAL(u32) @ TxQueue + 0x00 {
        31:7    base;
    }

    /// Transmit descriptor base address, high half.
    pub(crate) TDBAH(u32) @ TxQueue + 0x04 {
        31:0    base;
    }

    /// Length of the transmit ring in bytes, a multiple of 128.
    pub(crate) TDLEN(u32) @ TxQueue + 0x08 {
        19:0    len;
    }

    /// Transmit descriptor head: next descriptor the device will fetch.
    pub(crate) TDH(u32) @ TxQueue + 0x10 {
        15:0    head;
    }

    /// Transmit DCA control: bus attributes of the queue's accesses.
    pub(crate) TXCTL(u32) @ TxQueue + 0x14 {
        /// Data reads may be reordered.
        13:13   data_read_relax => bool;
        /// Descriptor write-back may be reordered.
        11:11   write_back_relax => bool;
        /// Descriptor reads may be reordered.
        9:9     descriptor_read_relax => bool;
    }

    /// Transmit descriptor tail: first descriptor the device may not use.
    pub(crate) TDT(u32) @ TxQueue + 0x18 {
        15:0    tail;
    }

    /// Transmit descriptor control.
    pub(crate) TXDCTL(u32) @ TxQueue + 0x28 {
        /// The queue runs.
        25:25   enable => bool;
        /// Descriptors written back at a time.
        20:16   wthresh;
        /// Descriptors in memory needed for a prefetch.
        12:8    hthresh;
        /// Prefetch when fewer descriptors than this are on chip.
        4:0     pthresh;
    }

    /// Address for head write-back, low half; bit 0 turns it on.
    pub(crate) TDWBAL(u32) @ TxQueue + 0x38 {
        31:2    base;
        0:0     enable => bool;
    }

    /// Address for head write-back, high half.
    pub(crate) TDWBAH(u32) @ TxQueue + 0x3c {
        31:0    base;
    }
}

/// Offsets, in the block of a queue of either direction, of base and length of its ring; with the bits
/// they keep.
pub const BASE_AND_LENGTH: [(usize, u32); 3] = [
    (RDBAL::OFFSET, 0xffff_ff80),
    (RDBAH::OFFSET, u32::MAX),
    (RDLEN::OFFSET, 0x000f_ff80),
];

/// Offsets, in the block of a receive queue, of the registers that reading does not change.
pub const RX_READABLE: [usize; 7] = [
    RDBAL::OFFSET,
    RDBAH::OFFSET,
    RDLEN::OFFSET,
    SRRCTL::OFFSET,
    RDH::OFFSET,
    RDT::OFFSET,
    RXDCTL::OFFSET,
];

/// Offsets, in the block of a transmit queue, of the registers that reading does not change.
pub const TX_READABLE: [usize; 6] = [
    TDBAL::OFFSET,
    TDBAH::OFFSET,
    TDLEN::OFFSET,
    TDH::OFFSET,
    TDT::OFFSET,
    TXDCTL::OFFSET,
];

/// Bytes of one descriptor.
const DESCRIPTOR_BYTES: u32 = 16;

/// Bits of RDBAL and TDBAL that must be zero.
const BASE_ALIGN_MASK: u64 = 127;

/// Pause between two looks at an enable bit.
const ENABLE_PAUSE: Delta = Delta::from_micros(50);

/// Longest wait for an enable bit. Stopping waits for accesses that are under way.
const ENABLE_LIMIT: Delta = Delta::from_millis(20);

/// The same for a queue that is scrubbed: it stands still since its function was reset, if that is polite.
const SCRUB_LIMIT: Delta = Delta::from_millis(1);

/// What a receive queue needs to start.
pub struct RxQueueConfig {
    /// Address of the descriptor ring, aligned to 128 bytes.
    pub base: Iova,
    /// Number of descriptors, a multiple of 8.
    pub descriptors: u16,
    /// Size of each packet buffer, a multiple of 1024 up to 127 KiB.
    pub buffer_bytes: u32,
    /// Whether to drop packets when no descriptor is free, rather than hold up other queues.
    pub drop: bool,
}

/// What a transmit queue needs to start.
pub struct TxQueueConfig {
    /// Address of the descriptor ring, aligned to 128 bytes.
    pub base: Iova,
    /// Number of descriptors, a multiple of 8.
    pub descriptors: u16,
}

/// Base and length of a ring as the registers take them.
struct Ring {
    low: u32,
    high: u32,
    bytes: u32,
}

impl Ring {
    fn new(base: Iova, descriptors: u16) -> Result<Self> {
        let base = base.to_bits();

        if base & BASE_ALIGN_MASK != 0 || descriptors == 0 || descriptors % 8 != 0 {
            return Err(EINVAL);
        }

        Ok(Self {
            // CAST: The two halves of the address.
            low: base as u32,
            high: (base >> 32) as u32,
            bytes: u32::from(descriptors) * DESCRIPTOR_BYTES,
        })
    }
}

impl<'bound, const SIZE: usize> Registers<'bound, SIZE> {
    /// Starts the receive queue at `block` with an empty ring and returns its tail register.
    ///
    /// Sleeps. `EINVAL` for a ring the hardware cannot use, `ETIMEDOUT` if the queue does not
    /// start.
    pub fn start_rx(
        self: &Arc<Self>,
        block: Block<RxQueue>,
        config: &RxQueueConfig,
    ) -> Result<Tail<'bound, SIZE>> {
        let ring = Ring::new(config.base, config.descriptors)?;
        if config.buffer_bytes == 0 || config.buffer_bytes % 1024 != 0 {
            return Err(EINVAL);
        }
        let srrctl = SRRCTL::zeroed()
            .with_drop_en(config.drop)
            .with_const_desctype::<1>()
            .try_with_bsizepacket(config.buffer_bytes / 1024)?;

        // 82576 datasheet 4.5.9. The ring may be changed only while the queue is off.
        self.stop_rx(block)?;
        self.write_in(block, RDBAL::from(ring.low))?;
        self.write_in(block, RDBAH::from(ring.high))?;
        self.write_in(block, RDLEN::from(ring.bytes))?;
        self.write_in(block, srrctl)?;
        self.write_in(block, rxctl_default())?;
        self.write_in(block, RDH::zeroed())?;
        self.write_in(block, RDT::zeroed())?;

        // Write back one descriptor at a time: with MSI-X the device would otherwise hold back
        // descriptors whose interrupt it has already sent.
        self.write_in(
            block,
            RXDCTL::zeroed()
                .with_enable(true)
                .with_const_wthresh::<1>()
                .with_const_hthresh::<8>()
                .with_const_pthresh::<8>(),
        )?;
        self.wait_for_in::<RXDCTL>(block, ENABLE_PAUSE, ENABLE_LIMIT, |r| r.enable())
            .inspect_err(|_| dev_err!(self.dev(), "a receive queue does not start\n"))?;

        self.tail_in::<RDT>(block)
    }

    /// Has the receive queue at `block` drop packets that find no descriptor, or keep them, and with them all others,
    /// in the packet buffer. At any time.
    pub fn set_rx_drop(&self, block: Block<RxQueue>, drop: bool) -> Result {
        let srrctl = self.read_in::<SRRCTL>(block)?;
        self.write_in(block, srrctl.with_drop_en(drop))
    }

    /// Stops the receive queue at `block` and waits until the device has left its ring alone.
    ///
    /// Sleeps. `ETIMEDOUT` if the queue does not stop: its memory must then stay mapped until the
    /// device has been reset.
    pub fn stop_rx(&self, block: Block<RxQueue>) -> Result {
        if !self.read_in::<RXDCTL>(block)?.enable() {
            return Ok(());
        }

        self.write_in(block, RXDCTL::zeroed())?;
        self.wait_for_in::<RXDCTL>(block, ENABLE_PAUSE, ENABLE_LIMIT, |r| !r.enable())
            .inspect_err(|_| dev_err!(self.dev(), "a receive queue does not stop\n"))?;
        Ok(())
    }

    /// Returns whether the receive queue at `block` is enabled. A reset disables it.
    pub fn rx_enabled(&self, block: Block<RxQueue>) -> Result<bool> {
        Ok(self.read_in::<RXDCTL>(block)?.enable())
    }

    /// Starts the transmit queue at `block` with an empty ring and returns its tail register.
    ///
    /// Sleeps. `EINVAL` for a ring the hardware cannot use, `ETIMEDOUT` if the queue does not
    /// start.
    pub fn start_tx(
        self: &Arc<Self>,
        block: Block<TxQueue>,
        config: &TxQueueConfig,
    ) -> Result<Tail<'bound, SIZE>> {
        let ring = Ring::new(config.base, config.descriptors)?;

        // 82576 datasheet 4.5.10.
        self.stop_tx(block)?;
        self.write_in(block, TDBAL::from(ring.low))?;
        self.write_in(block, TDBAH::from(ring.high))?;
        self.write_in(block, TDLEN::from(ring.bytes))?;
        self.write_in(block, TDH::zeroed())?;
        self.write_in(block, TDT::zeroed())?;
        // Completion is seen in the descriptors; nothing else may be written to memory.
        self.write_in(block, TDWBAL::zeroed())?;
        self.write_in(block, TDWBAH::zeroed())?;
        self.write_in(block, txctl_default())?;

        self.write_in(
            block,
            TXDCTL::zeroed()
                .with_enable(true)
                .with_const_wthresh::<1>()
                .with_const_hthresh::<1>()
                .with_const_pthresh::<8>(),
        )?;
        self.wait_for_in::<TXDCTL>(block, ENABLE_PAUSE, ENABLE_LIMIT, |r| r.enable())
            .inspect_err(|_| dev_err!(self.dev(), "a transmit queue does not start\n"))?;

        self.tail_in::<TDT>(block)
    }

    /// Stops the transmit queue at `block` and waits until the device has left its ring alone.
    ///
    /// Sleeps. `ETIMEDOUT` if the queue does not stop: its memory must then stay mapped until the
    /// device has been reset.
    pub fn stop_tx(&self, block: Block<TxQueue>) -> Result {
        if !self.read_in::<TXDCTL>(block)?.enable() {
            return Ok(());
        }

        self.write_in(block, TXDCTL::zeroed())?;
        self.wait_for_in::<TXDCTL>(block, ENABLE_PAUSE, ENABLE_LIMIT, |r| !r.enable())
            .inspect_err(|_| dev_err!(self.dev(), "a transmit queue does not stop\n"))?;
        Ok(())
    }

    /// Stops the queue pair at `rx` and `tx` and puts its registers back to their reset values. Sleeps.
    ///
    /// The queues are another function's, which may turn them on again at any time: `ETIMEDOUT`, without
    /// a word in the log, if one is still on after a millisecond. The registers are written all the same.
    pub fn scrub(&self, rx: Block<RxQueue>, tx: Block<TxQueue>) -> Result {
        self.write_in(rx, RXDCTL::zeroed())?;
        self.write_in(tx, TXDCTL::zeroed())?;
        let rx_off = self.wait_for_in::<RXDCTL>(rx, ENABLE_PAUSE, SCRUB_LIMIT, |r| !r.enable());
        let tx_off = self.wait_for_in::<TXDCTL>(tx, ENABLE_PAUSE, SCRUB_LIMIT, |r| !r.enable());

        self.write_in(rx, RDBAL::zeroed())?;
        self.write_in(rx, RDBAH::zeroed())?;
        self.write_in(rx, RDLEN::zeroed())?;
        self.write_in(rx, RDH::zeroed())?;
        self.write_in(rx, RDT::zeroed())?;
        self.write_in(rx, SRRCTL::zeroed())?;
        self.write_in(rx, rxctl_default())?;

        self.write_in(tx, TDBAL::zeroed())?;
        self.write_in(tx, TDBAH::zeroed())?;
        self.write_in(tx, TDLEN::zeroed())?;
        self.write_in(tx, TDH::zeroed())?;
        self.write_in(tx, TDT::zeroed())?;
        self.write_in(tx, TDWBAL::zeroed())?;
        self.write_in(tx, TDWBAH::zeroed())?;
        self.write_in(tx, txctl_default())?;
        rx_off.map(|_| ()).and(tx_off.map(|_| ()))
    }

    /// Returns how many packets the receive queue at `block` has dropped since the last call.
    pub fn rx_drops(&self, block: Block<RxQueue>) -> Result<u32> {
        Ok(self.read_in::<RQDPC>(block)?.into())
    }

    /// Returns where the device is in the transmit ring at `block`: (head, tail).
    pub fn tx_position(&self, block: Block<TxQueue>) -> Result<(u16, u16)> {
        let head = self.read_in::<TDH>(block)?.head();
        let tail = self.read_in::<TDT>(block)?.tail();

        Ok((head.into(), tail.into()))
    }
}

/// RXCTL as after reset: no DCA, relaxed order except for descriptor write-back.
fn rxctl_default() -> RXCTL {
    RXCTL::zeroed()
        .with_header_write_relax(true)
        .with_data_write_relax(true)
        .with_descriptor_read_relax(true)
}

/// TXCTL as after reset, but write-back stays in order: reordered, a descriptor could be seen
/// done before an earlier one.
fn txctl_default() -> TXCTL {
    TXCTL::zeroed()
        .with_data_read_relax(true)
        .with_write_back_relax(false)
        .with_descriptor_read_relax(true)
}
