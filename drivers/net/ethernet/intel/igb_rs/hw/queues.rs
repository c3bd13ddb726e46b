// SPDX-License-Identifier: GPL-2.0

//! The queues of the device (82576 datasheet 4.5.9, 4.5.10, 8.10, 8.12).

use kernel::prelude::*;

use crate::regs::virt::PSRTYPE;

use super::{
    access::{
        Block,
        TailReg, //
    },
    queue::{
        RxQueue,
        RxQueueConfig,
        TxQueue,
        TxQueueConfig, //
    },
    Hw, //
};

/// Queues of the device in each direction.
pub(crate) const QUEUES: u8 = 16;

/// Pools of the device; queue n belongs to pool n modulo this.
pub(crate) const POOLS: u8 = 8;

/// Where the registers of receive queue 0 are.
pub(super) const RX_FIRST: usize = 0xc000;

/// Where the registers of transmit queue 0 are.
pub(super) const TX_FIRST: usize = 0xe000;

/// Bytes from one queue's registers to the next one's.
pub(super) const STRIDE: usize = 0x40;

/// Returns where the registers of receive queue `queue` are.
pub(super) fn rx_block(queue: u8) -> Result<Block<RxQueue>> {
    Block::new(RX_FIRST, STRIDE, QUEUES, queue)
}

/// Returns where the registers of transmit queue `queue` are.
fn tx_block(queue: u8) -> Result<Block<TxQueue>> {
    Block::new(TX_FIRST, STRIDE, QUEUES, queue)
}

impl Hw<'_> {
    /// Starts receive queue `queue` with an empty ring and returns its tail register. Sleeps.
    pub(crate) fn start_rx_queue(&self, queue: u8, config: &RxQueueConfig) -> Result<TailReg> {
        self.regs.start_rx(rx_block(queue)?, config)
    }

    /// Starts transmit queue `queue` with an empty ring and returns its tail register. Sleeps.
    pub(crate) fn start_tx_queue(&self, queue: u8, config: &TxQueueConfig) -> Result<TailReg> {
        self.regs.start_tx(tx_block(queue)?, config)
    }

    /// Stops receive queue `queue` and waits until the device leaves its memory alone. Sleeps.
    pub(crate) fn stop_rx_queue(&self, queue: u8) -> Result {
        self.regs.stop_rx(rx_block(queue)?)
    }

    /// Stops transmit queue `queue` and waits until the device leaves its memory alone. Sleeps.
    pub(crate) fn stop_tx_queue(&self, queue: u8) -> Result {
        self.regs.stop_tx(tx_block(queue)?)
    }

    /// Wipes whatever a virtual function left in the registers of the queue pair `queue`, among
    /// others addresses of memory it no longer owns (rings, head write-back). Sleeps.
    pub(crate) fn scrub_vf_queue(&self, queue: u8) -> Result {
        self.regs.scrub(rx_block(queue)?, tx_block(queue)?)?;
        self.regs
            .write_at(usize::from(queue % POOLS), PSRTYPE::zeroed())
    }

    /// Hands the descriptors before `value` to the device: one posted write, ordered after the
    /// descriptors. Any context.
    #[inline(always)]
    pub(crate) fn write_tail(&self, tail: TailReg, value: u32) {
        self.regs.write_tail(tail, value);
    }

    /// Returns where the device is in the ring of transmit queue `queue`: (head, tail).
    pub(crate) fn tx_position(&self, queue: u8) -> Result<(u16, u16)> {
        self.regs.tx_position(tx_block(queue)?)
    }
}
