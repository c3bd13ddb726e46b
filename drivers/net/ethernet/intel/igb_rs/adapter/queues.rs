// SPDX-License-Identifier: GPL-2.0

//! Starting and stopping the PF's queue pairs.
//!
//! Whatever needs the queues to stand still (opening, closing, ring sizes, number of VFs, reset) goes
//! through here. Memory for the new state is taken before the old is given up.

use igb_common::ring::RingSize;
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
    RxQueue,
    TxQueueState, //
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
        Rtnl,
        RunningInterface, //
    },
    pci::Registered, //
};

use crate::{
    driver::Igb,
    hw::{
        Tail,
        VectorTimer, //
    }, //
};

use super::{
    Adapter,
    Config, //
};

/// Transmit state of a pair.
pub(crate) type Tx<'bound> = TxQueueState<'bound, Tail<'bound>>;

/// Poll state of a pair.
pub(crate) struct PollState<'bound> {
    pub(crate) queues: PairPoll<'bound, Tail<'bound>>,
    /// The device hashes packets for this queue.
    pub(crate) hashed: bool,
    /// The vector's bit in EIMS.
    pub(crate) cause: u32,
    /// The pair's number for the stack.
    pub(crate) index: u8,
    /// Moderation of the vector.
    pub(crate) sampler: Sampler<VectorTimer<'bound>>,
}

/// A queue pair that runs.
pub(crate) struct RunningPair<'bound> {
    /// Its number in the device.
    pub(crate) queue: u8,
    /// The vector's bit in EIMS.
    pub(crate) cause: u32,
    /// Its vector's handler.
    pub(crate) irq: Registered<'bound, Irq<'bound, PairVector<'bound, Igb>>>,
    /// Its vector's moderation.
    pub(crate) moderator: Registered<'bound, Moderator<VectorTimer<'bound>>>,
}

/// Memory for a queue pair.
pub(crate) type PairMemory<'bound> = QueuePair<'bound, Tail<'bound>>;

impl<'bound> Adapter<'bound> {
    /// Takes memory for `pairs` queue pairs. Errors: `ENOMEM`.
    pub(crate) fn allocate_pairs(
        &self,
        pairs: u8,
        rx_size: RingSize,
        tx_size: RingSize,
    ) -> Result<KVec<PairMemory<'bound>>> {
        let mut memory = KVec::with_capacity(pairs.into(), GFP_KERNEL)?;
        for _ in 0..pairs {
            let pair = QueuePair::new(self.arena(), pairs, rx_size, tx_size)?;
            memory.push(pair, GFP_KERNEL)?;
        }
        Ok(memory)
    }

    /// Starts the queues with fresh memory. On error, which is logged, none runs, and they are stale.
    pub(crate) fn start_queues(
        &self,
        interface: &Interface<'bound, Igb>,
        config: &mut Config<'bound>,
        rtnl: &Rtnl,
    ) -> Result {
        let memory = self
            .allocate_pairs(config.pairs(self), config.rx_size, config.tx_size)
            .inspect_err(|e| {
                dev_err!(self.dev(), "starting the queues failed: {e:?}\n");
                config.stale_queues = true;
            })?;
        self.launch(interface, config, memory, rtnl)
            .inspect_err(|e| {
                if *e == ETIMEDOUT {
                    // One does not start, or did not stop before: only a reset helps.
                    self.want_reset();
                }
            })
    }

    /// Starts the queues with `memory`, whose length is that of [`Config::pairs`]. On error, which is
    /// logged, none runs, and they are stale.
    pub(crate) fn launch(
        &self,
        interface: &Interface<'bound, Igb>,
        config: &mut Config<'bound>,
        memory: KVec<PairMemory<'bound>>,
        rtnl: &Rtnl,
    ) -> Result {
        config.stale_queues = false;
        config.ran_without_link = false;
        let result = (|| {
            let running = interface.running(rtnl).ok_or(ENETDOWN)?;
            running.set_active_pairs(memory.len())?;
            for (index, memory) in (0u8..).zip(memory) {
                self.launch_pair(&running, config, index, memory)?;
            }
            Ok(())
        })();
        if let Err(e) = result {
            dev_err!(self.dev(), "starting the queues failed: {e:?}\n");
            self.stop_queues(interface, config, rtnl);
            config.stale_queues = true;
            return Err(e);
        }
        Ok(())
    }

    fn launch_pair(
        &self,
        interface: &RunningInterface<'_, 'bound, Igb>,
        config: &mut Config<'bound>,
        index: u8,
        memory: PairMemory<'bound>,
    ) -> Result {
        let QueuePair { mut tx, mut poll } = memory;
        let layout = config.bank.layout();
        let queue = layout.pf_queue(index).ok_or(EINVAL)?;
        let vector = index + 1;
        let cause = layout.pf_cause(vector);
        let hw = self.hw();

        config.running.reserve(1, GFP_KERNEL)?;
        let (moderator, sampler) = Moderator::new(
            self.scope(),
            hw.timer(vector),
            moderation(config.coalescing),
        )?;
        let name =
            CString::try_from_fmt(fmt!("{}-TxRx-{}", interface.name(interface.rtnl()), index))?;
        let irq = self.vectors().request(
            self.scope(),
            vector.into(),
            name,
            PairVector::new(interface.shared(), index.into()),
        )?;
        let number = irq.number();
        // From here on `stop_queues` undoes.
        config.running.push(
            RunningPair {
                queue,
                cause,
                irq,
                moderator,
            },
            GFP_KERNEL,
        )?;

        let tail = hw.start_tx_queue(
            queue,
            &TxQueueConfig {
                base: tx.base(),
                descriptors: tx.size().get(),
            },
        )?;
        tx.start(tail);
        let tail = hw.start_rx_queue(
            queue,
            &RxQueueConfig {
                base: poll.rx.base(),
                descriptors: poll.rx.size().get(),
                buffer_bytes: RxQueue::<Tail<'bound>>::buffer_bytes(),
                drop: config.drops(self),
            },
        )?;
        poll.rx.start(tail);
        hw.map_rx(queue, vector)?;
        hw.map_tx(queue, vector)?;

        let poll = PollState {
            queues: poll,
            hashed: !layout.has_vfs(),
            cause,
            index,
            sampler,
        };
        interface.start_pair(index.into(), tx, poll, number)?;
        hw.enable_vectors(cause);
        hw.trigger_vectors(cause);
        Ok(())
    }

    /// Logs where the device is in the transmit rings, to tell a hang of the device (head behind tail)
    /// from one of the driver.
    pub(crate) fn log_queues(&self, config: &Config<'bound>) {
        for pair in config.running.iter() {
            if let Ok((head, tail)) = self.hw().tx_position(pair.queue) {
                dev_warn!(
                    self.dev(),
                    "transmit queue {}: head {head}, tail {tail}\n",
                    pair.queue
                );
            }
        }
    }

    /// Starts the queues anew if they are stale: packets from before a loss of the link are still in a
    /// ring, or they could not be started. On failure, which is logged, they still are.
    /// Takes RTNL; sleeps.
    pub(crate) fn renew_queues(&self, interface: &Interface<'bound, Igb>) -> Result {
        let rtnl = Rtnl::lock();
        let mut config = self.config.lock();
        if !interface.is_running() {
            // They could not be started for it to come up.
            config.stale_queues = false;
        }
        if !config.stale_queues {
            return Ok(());
        }
        self.stop_queues(interface, &mut config, &rtnl);
        self.start_queues(interface, &mut config, &rtnl)?;
        self.update_link(interface, &mut config)
    }

    /// Whether a transmit ring has packets that the device has not looked at.
    pub(super) fn has_unsent(&self, config: &Config<'bound>) -> bool {
        config.running.iter().any(
            |pair| matches!(self.hw().tx_position(pair.queue), Ok((head, tail)) if head != tail),
        )
    }

    /// Stops the queues that run, and gives their memory back.
    pub(crate) fn stop_queues(
        &self,
        interface: &Interface<'bound, Igb>,
        config: &mut Config<'bound>,
        rtnl: &Rtnl,
    ) {
        let hw = self.hw();
        config.stale_queues = false;
        for (pair, drops) in config.running.iter().zip(config.ring_drops.iter_mut()) {
            hw.disable_vectors(pair.cause);
            // A queue that does not stop, or a device that is gone, can only reach this function's
            // memory, and the next start or reset deals with it.
            let _ = hw.stop_rx_queue(pair.queue);
            *drops += hw.rx_queue_drops(pair.queue).map_or(0, u64::from);
            let _ = hw.unmap_queue(pair.queue);
        }
        for (index, pair) in config.running.drain_all().enumerate() {
            let state = interface.stop_pair(index, rtnl);
            // A poll that was about to end has enabled it again.
            hw.disable_vectors(pair.cause);
            let _ = hw.stop_tx_queue(pair.queue);
            if let Some((tx, _)) = &state {
                interface.add_tx_dropped(index, tx.unsent(hw.tx_position(pair.queue)));
            }
            drop(pair.irq);
            drop(state);
        }
    }
}
