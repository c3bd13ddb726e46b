// SPDX-License-Identifier: GPL-2.0

//! The queue pair of the function (82576 datasheet 4.5.9, 4.5.10, 8.26).
//!
//! The hardware has a second pair; QEMU gives it no interrupts, and it is not used.

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

use crate::regs::BAR_SIZE;

use super::Hw;

/// The tail register of a running queue.
pub(crate) type Tail<'bound> = access::Tail<'bound, BAR_SIZE>;

/// Where the registers of the receive queue are.
pub(super) const RX: usize = 0x2800;

/// Where the registers of the transmit queue are.
pub(super) const TX: usize = 0x3800;

/// Returns where the registers of the receive queue are.
fn rx_block() -> Result<Block<RxQueue>> {
    Block::new(RX, 0, 1, 0)
}

/// Returns where the registers of the transmit queue are.
fn tx_block() -> Result<Block<TxQueue>> {
    Block::new(TX, 0, 1, 0)
}

impl<'bound> Hw<'bound> {
    /// Starts the receive queue with an empty ring and returns its tail register. Sleeps.
    pub(crate) fn start_rx_queue(&self, config: &RxQueueConfig) -> Result<Tail<'bound>> {
        self.regs.start_rx(rx_block()?, config)
    }

    /// Starts the transmit queue with an empty ring and returns its tail register. Sleeps.
    pub(crate) fn start_tx_queue(&self, config: &TxQueueConfig) -> Result<Tail<'bound>> {
        self.regs.start_tx(tx_block()?, config)
    }

    /// Returns whether the receive queue is enabled, as it is from its start to its stop or to a reset
    /// of the function.
    pub(crate) fn rx_queue_enabled(&self) -> Result<bool> {
        self.regs.rx_enabled(rx_block()?)
    }

    /// Stops the receive queue and waits until the device leaves its memory alone. Sleeps.
    pub(crate) fn stop_rx_queue(&self) -> Result {
        self.regs.stop_rx(rx_block()?)
    }

    /// Stops the transmit queue and waits until the device leaves its memory alone. Sleeps.
    pub(crate) fn stop_tx_queue(&self) -> Result {
        self.regs.stop_tx(tx_block()?)
    }

    /// Returns where the device is in the transmit ring: (head, tail).
    pub(crate) fn tx_position(&self) -> Result<(u16, u16)> {
        self.regs.tx_position(tx_block()?)
    }
}
