// SPDX-License-Identifier: GPL-2.0

//! The queues of the device (82576 datasheet 4.5.9, 4.5.10, 8.10, 8.12).

use igb_common::layout::{
    Layout,
    QUEUES, //
};

use igb_hw::{
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
};

use igb_queue::Doorbell;

use kernel::{
    prelude::*,
    sync::Arc, //
};

use crate::regs::virt::PSRTYPE;

use super::Hw;

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
    pub(super) fn scrub_queue(&self, queue: u8) -> Result {
        self.regs.scrub(rx_block(queue)?, tx_block(queue)?)?;
        self.regs
            .write_at(usize::from(Layout::pool_of_queue(queue)), PSRTYPE::zeroed())
    }

    /// Returns where the device is in the ring of transmit queue `queue`: (head, tail).
    pub(crate) fn tx_position(&self, queue: u8) -> Result<(u16, u16)> {
        self.regs.tx_position(tx_block(queue)?)
    }
}

/// The tail register of a running queue.
pub(crate) struct Tail<'bound> {
    hw: Arc<Hw<'bound>>,
    reg: TailReg,
}

impl<'bound> Tail<'bound> {
    /// Returns the tail register `reg`, which starting a queue of `hw` gave.
    pub(crate) fn new(hw: Arc<Hw<'bound>>, reg: TailReg) -> Self {
        Self { hw, reg }
    }
}

impl Doorbell for Tail<'_> {
    #[inline]
    fn ring(&self, tail: u16) {
        self.hw.regs.write_tail(self.reg, tail.into());
    }
}
