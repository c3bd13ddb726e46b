// SPDX-License-Identifier: GPL-2.0

//! Starting and stopping the queue pair.

use igb_common::{
    itr::Coalescing,
    ring::RingSize, //
};
use igb_hw::{
    intr::moderation,
    queue::{
        RxQueueConfig,
        TxQueueConfig, //
    },
};
use igb_queue::{
    PairPoll,
    PairVector,
    QueuePair,
    RxQueue, //
};
use kernel::{
    prelude::*,
    str::CString, //
};
use nic::{
    irq::Irq,
    moderation::{
        Moderator,
        Sampler, //
    },
    net::{
        Interface,
        Rtnl, //
    },
    pci::Registered, //
};

use crate::{
    driver::Igbvf,
    hw::{
        Tail,
        VectorTimer, //
    }, //
};

use super::{
    Adapter,
    Config,
    QUEUE_CAUSE,
    QUEUE_VECTOR, //
};

/// Poll state of the pair.
pub(crate) struct PollState<'bound> {
    pub(crate) queues: PairPoll<'bound, Tail<'bound>>,
    /// Moderation of the vector.
    pub(crate) sampler: Sampler<VectorTimer<'bound>>,
}

/// The queue pair while it runs.
pub(crate) struct Running<'bound> {
    /// Its vector's handler.
    pub(crate) irq: Registered<'bound, Irq<'bound, PairVector<'bound, Igbvf>>>,
    /// Its vector's moderation.
    moderator: Registered<'bound, Moderator<VectorTimer<'bound>>>,
}

impl<'bound> Adapter<'bound> {
    /// Starts the queues with fresh memory. There must be a session: without one the device does not
    /// let them run. On error they do not run.
    pub(crate) fn start_queues(
        &self,
        interface: &Interface<'bound, Igbvf>,
        config: &mut Config<'bound>,
        rtnl: &Rtnl,
    ) -> Result {
        QueuePair::new(&self.arena, 1, config.rx_size, config.tx_size)
            .and_then(|pair| self.launch(interface, config, pair, rtnl))
            .inspect_err(|e| {
                dev_err!(self.dev, "starting the queues failed: {e:?}\n");
                self.stop_queues(interface, config, rtnl);
                if *e == ETIMEDOUT {
                    // One does not start, or did not stop before, and only a reset helps, with which the next
                    // look begins a session.
                    config.session.not_yet();
                }
            })
    }

    /// Gives the rings other sizes; queues that run stop for it. On error the old sizes are in force,
    /// and unless memory was short the queues run again.
    pub(crate) fn resize(
        &self,
        interface: &Interface<'bound, Igbvf>,
        config: &mut Config<'bound>,
        (rx_size, tx_size): (RingSize, RingSize),
        rtnl: &Rtnl,
    ) -> Result {
        if config.running.is_none() {
            (config.rx_size, config.tx_size) = (rx_size, tx_size);
            return Ok(());
        }
        let pair = QueuePair::new(&self.arena, 1, rx_size, tx_size)?;
        self.stop_queues(interface, config, rtnl);
        let result = self.launch(interface, config, pair, rtnl);
        if result.is_ok() {
            (config.rx_size, config.tx_size) = (rx_size, tx_size);
        } else {
            self.stop_queues(interface, config, rtnl);
            self.start_queues(interface, config, rtnl)?;
        }
        result
    }

    /// Changes the moderation of the queue interrupt.
    pub(crate) fn set_coalescing(&self, config: &mut Config<'bound>, coalescing: Coalescing) {
        config.coalescing = coalescing;
        if let Some(running) = &config.running {
            running.moderator.set(moderation(coalescing));
        }
    }

    /// Starts the queues with `pair`.
    fn launch(
        &self,
        interface: &Interface<'bound, Igbvf>,
        config: &mut Config<'bound>,
        pair: QueuePair<'bound, Tail<'bound>>,
        rtnl: &Rtnl,
    ) -> Result {
        let QueuePair { mut tx, mut poll } = pair;
        let hw = &self.hw;
        let interface = interface.running(rtnl).ok_or(ENETDOWN)?;
        let name = CString::try_from_fmt(fmt!("{}-TxRx-0", interface.name(rtnl)))?;
        let irq = self.vectors.shared().request(
            self.scope,
            QUEUE_VECTOR.into(),
            name,
            PairVector::new(interface.shared(), 0),
        )?;
        let number = irq.number();
        let (moderator, sampler) = Moderator::new(
            self.scope,
            hw.timer(QUEUE_VECTOR),
            moderation(config.coalescing),
        )?;
        config.ran_without_link = false;
        // From here on `stop_queues` undoes.
        config.running = Some(Running { irq, moderator });

        let tail = hw.start_tx_queue(&TxQueueConfig {
            base: tx.base(),
            descriptors: tx.size().get(),
        })?;
        tx.start(tail);
        let tail = hw.start_rx_queue(&RxQueueConfig {
            base: poll.rx.base(),
            descriptors: poll.rx.size().get(),
            buffer_bytes: RxQueue::<Tail<'bound>>::buffer_bytes(),
            drop: true,
        })?;
        poll.rx.start(tail);

        let poll = PollState {
            queues: poll,
            sampler,
        };
        interface.start_pair(0, tx, poll, number)?;
        hw.enable_vectors(QUEUE_CAUSE);
        hw.trigger_vectors(QUEUE_CAUSE);
        Ok(())
    }

    /// Stops the queues if they run, and gives their memory back.
    pub(crate) fn stop_queues(
        &self,
        interface: &Interface<'bound, Igbvf>,
        config: &mut Config<'bound>,
        rtnl: &Rtnl,
    ) {
        let Some(running) = config.running.take() else {
            return;
        };
        self.hw.disable_vectors(QUEUE_CAUSE);
        // A queue that does not stop, or a device that is gone, can only reach this function's memory,
        // and the next start or reset deals with it.
        let _ = self.hw.stop_rx_queue();
        let state = interface.stop_pair(0, rtnl);
        // A poll that was about to end has enabled it again.
        self.hw.disable_vectors(QUEUE_CAUSE);
        let _ = self.hw.stop_tx_queue();
        if let Some((tx, _)) = &state {
            interface.add_tx_dropped(0, tx.unsent(self.hw.tx_position()));
        }
        drop(running);
        drop(state);
    }
}
