// SPDX-License-Identifier: GPL-2.0

//! What `ethtool -t` tries. No VF notices: the device is not reset, and only the PF's own queues stop.

use igb_common::layout::Layout;
use kernel::{
    prelude::*,
    sync::atomic::Relaxed,
    time::{
        delay::fsleep,
        Delta, //
    },
};
use nic::net::{
    Interface,
    Rtnl, //
};

use crate::driver::Igb;

use super::{
    Adapter,
    Config, //
};

/// What was found to be wrong; what was not tried is not.
#[derive(Clone, Copy, Default)]
pub(crate) struct Findings {
    /// Registers do not keep what is written.
    pub(crate) registers: bool,
    /// The NVM cannot be read or its checksum is wrong.
    pub(crate) nvm: bool,
    /// A vector that was fired did not interrupt.
    pub(crate) interrupts: bool,
    /// There is no link.
    pub(crate) link: bool,
}

/// How often, and after how many milliseconds each, to look whether an interrupt came.
const LOOKS: (u32, i64) = (50, 2);

impl<'bound> Adapter<'bound> {
    /// Tries the link, and if `offline` everything else, too: then the queues stop for a moment. Sleeps.
    pub(crate) fn self_test(
        &self,
        interface: &Interface<'bound, Igb>,
        offline: bool,
        rtnl: &Rtnl,
    ) -> Findings {
        let mut config = self.config.lock();
        let mut found = Findings::default();
        if offline {
            found.nvm = self.hw.nvm_validate().is_err();
            found.interrupts = !self.interrupts_come(&config);
            found.registers =
                !matches!(self.registers_hold(interface, &mut config, rtnl), Ok(true));
        }
        found.link = !matches!(self.hw.link_state(), Ok(Some(_)));
        found
    }

    /// Fires each vector that has a handler, and waits for it.
    fn interrupts_come(&self, config: &Config<'bound>) -> bool {
        let other = config.bank.layout().pf_cause(0);
        // It is disabled while its event waits for the lock that is held here.
        self.hw.enable_vectors(other);
        self.fires(other, || self.events_seen.load(Relaxed))
            && config
                .running
                .iter()
                .all(|pair| self.fires(pair.cause, || pair.irq.fired()))
    }

    /// Fires the vector with bit `cause`; whether `count` then goes up.
    fn fires(&self, cause: u32, count: impl Fn() -> u64) -> bool {
        let before = count();
        self.hw.trigger_vectors(cause);
        let (looks, pause) = LOOKS;
        (0..looks).any(|_| {
            fsleep(Delta::from_millis(pause));
            count() != before
        })
    }

    /// Tries registers of the PF's own queues, which stop for it, and those of the hash key.
    fn registers_hold(
        &self,
        interface: &Interface<'bound, Igb>,
        config: &mut Config<'bound>,
        rtnl: &Rtnl,
    ) -> Result<bool> {
        let layout = config.bank.layout();
        let pairs = config.pairs(self);
        let memory = if config.may_run(interface) {
            Some(self.allocate_pairs(pairs, config.rx_size, config.tx_size)?)
        } else {
            None
        };
        self.stop_queues(interface, config, rtnl);
        let tried = self.registers_of(layout, pairs);
        if let Some(memory) = memory {
            self.launch(interface, config, memory, rtnl)?;
        }
        tried
    }

    fn registers_of(&self, layout: Layout, pairs: u8) -> Result<bool> {
        let mut good = self.hw.key_registers_hold()?;
        for queue in (0..pairs).filter_map(|index| layout.pf_queue(index)) {
            good &= self.hw.queue_registers_hold(queue)?;
        }
        Ok(good)
    }
}
