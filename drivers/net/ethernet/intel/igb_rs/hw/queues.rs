// SPDX-License-Identifier: GPL-2.0

//! The queues of the device (82576 datasheet 4.5.9, 4.5.10, 8.10, 8.12).

use igb_common::layout::{
    Layout,
    QUEUES, //
};

use igb_hw::{
    access::{
        self,
        Block, //
    },
    queue::{
        RxQueue,
        RxQueueConfig,
        TxQueue,
        TxQueueConfig, //
    },
};

use kernel::prelude::*;

use crate::regs::{
    virt::PSRTYPE,
    BAR_SIZE, //
};

use super::Hw;

/// The tail register of a running queue.
pub(crate) type Tail<'bound> = access::Tail<'bound, BAR_SIZE>;

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

impl<'bound> Hw<'bound> {
    /// Starts receive queue `queue` with an empty ring and returns its tail register. Sleeps.
    pub(crate) fn start_rx_queue(&self, queue: u8, config: &RxQueueConfig) -> Result<Tail<'bound>> {
        self.regs.start_rx(rx_block(queue)?, config)
    }

    /// Has receive queue `queue` drop packets that find no descriptor, or keep them in the packet buffer.
    pub(crate) fn set_rx_drop(&self, queue: u8, drop: bool) -> Result {
        self.regs.set_rx_drop(rx_block(queue)?, drop)
    }

    /// Starts transmit queue `queue` with an empty ring and returns its tail register. Sleeps.
    pub(crate) fn start_tx_queue(&self, queue: u8, config: &TxQueueConfig) -> Result<Tail<'bound>> {
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
    /// others addresses of memory it no longer owns (rings, head write-back). Sleeps. `ETIMEDOUT` if one
    /// does not stop.
    pub(super) fn scrub_queue(&self, queue: u8) -> Result {
        let scrubbed = self.regs.scrub(rx_block(queue)?, tx_block(queue)?);
        let pool = usize::from(Layout::pool_of_queue(queue));
        self.regs.write_at(pool, PSRTYPE::zeroed())?;
        scrubbed
    }

    /// Returns where the device is in the ring of transmit queue `queue`: (head, tail).
    pub(crate) fn tx_position(&self, queue: u8) -> Result<(u16, u16)> {
        self.regs.tx_position(tx_block(queue)?)
    }
}
