// SPDX-License-Identifier: GPL-2.0

//! A queue pair: a transmit and a receive queue served by one vector and one poll function.

use igb_common::ring::RingSize;
use kernel::{
    prelude::*,
    sync::Arc, //
};
use nic::{
    dma::Arena,
    irq::{
        Handler,
        Outcome, //
    },
    net::{
        Interface,
        Operations,
        Poll,
        Progress, //
    }, //
};

use super::{
    tx_queue,
    Doorbell,
    RxOptions,
    RxQueue,
    TxCompletion,
    TxQueueState, //
};

/// Memory for a queue pair, taken before the queues are started.
pub struct QueuePair<'bound, D: Doorbell> {
    /// The transmit queue's filling side.
    pub tx: TxQueueState<'bound, D>,
    /// What the poll function works on.
    pub poll: PairPoll<'bound, D>,
}

impl<'bound, D: Doorbell> QueuePair<'bound, D> {
    /// Takes memory for rings of the given sizes and their payload, for one of `pairs` pairs of the
    /// function. May sleep.
    ///
    /// Errors: as [`Arena::region`].
    pub fn new(
        arena: &Arc<Arena<'bound>>,
        pairs: u8,
        rx_size: RingSize,
        tx_size: RingSize,
    ) -> Result<Self> {
        let rx = RxQueue::new(arena, pairs, rx_size)?;
        let (tx, completion) = tx_queue(arena, tx_size)?;
        Ok(Self {
            tx,
            poll: PairPoll { rx, completion },
        })
    }
}

/// The sides of a queue pair that belong to its poll function.
pub struct PairPoll<'bound, D: Doorbell> {
    /// The receive queue.
    pub rx: RxQueue<'bound, D>,
    completion: TxCompletion<'bound>,
}

impl<D: Doorbell> PairPoll<'_, D> {
    /// Takes back what was sent, receives up to the budget.
    #[inline]
    pub fn poll(&mut self, poll: &mut Poll<'_>, options: RxOptions<'_>) -> Progress {
        self.completion.poll(poll);
        let Some(mut poll) = poll.receive_half() else {
            return Progress::Done(0);
        };
        let received = self.rx.poll(&mut poll, options);
        if received < poll.budget() {
            Progress::Done(received)
        } else {
            Progress::More
        }
    }
}

/// The handler of a queue pair's vector.
pub struct PairVector<'bound, T: Operations> {
    interface: Arc<Interface<'bound, T>>,
    index: usize,
}

impl<'bound, T: Operations> PairVector<'bound, T> {
    /// A handler that has pair `index` of `interface` polled.
    pub fn new(interface: Arc<Interface<'bound, T>>, index: usize) -> Self {
        Self { interface, index }
    }
}

impl<T: Operations> Handler for PairVector<'_, T> {
    #[inline]
    fn handle(&self) -> Outcome {
        // The vector has disabled itself (EIAM); the driver's `rearm` enables it again after polling.
        // Where it has not (QEMU), scheduling a poll that runs has no effect but one more round.
        self.interface.schedule_poll(self.index);
        Outcome::Handled
    }
}
