// SPDX-License-Identifier: GPL-2.0

//! What the port and the VFs counted.

use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};
use nic::net::LinkStats;

use super::{
    Adapter,
    Config, //
};

/// Those of the port's counters that `ip -s link` shows. A copy, because the statistics of a device
/// are read where nothing may sleep; as old as the watchdog's last look.
pub(crate) struct PortErrors {
    crc: Atomic<u64>,
    alignment: Atomic<u64>,
    length: Atomic<u64>,
    symbol: Atomic<u64>,
    missed: Atomic<u64>,
    collisions: Atomic<u64>,
    carrier: Atomic<u64>,
    aborted: Atomic<u64>,
    late: Atomic<u64>,
}

impl PortErrors {
    pub(super) const fn new() -> Self {
        Self {
            crc: Atomic::new(0),
            alignment: Atomic::new(0),
            length: Atomic::new(0),
            symbol: Atomic::new(0),
            missed: Atomic::new(0),
            collisions: Atomic::new(0),
            carrier: Atomic::new(0),
            aborted: Atomic::new(0),
            late: Atomic::new(0),
        }
    }
}

impl<'bound> Adapter<'bound> {
    /// Reads the counters of the port.
    pub(crate) fn update_stats(&self, config: &mut Config<'bound>) -> Result {
        self.hw.update_stats(&mut config.stats)?;
        for (pair, drops) in config.running.iter().zip(config.ring_drops.iter_mut()) {
            *drops += u64::from(self.hw.rx_queue_drops(pair.queue)?);
        }
        let (stats, shown) = (&config.stats, &self.port_errors);
        let set = |to: &Atomic<u64>, value: u64| to.store(value, Relaxed);
        set(&shown.crc, stats.crc_errors);
        set(&shown.alignment, stats.align_errors);
        set(
            &shown.length,
            // What `length_errors` counts is among these, what `rx_jabber` does among the CRC's.
            stats.rx_undersize + stats.rx_oversize,
        );
        set(&shown.symbol, stats.rx_errors);
        set(
            &shown.missed,
            stats.missed + config.ring_drops.iter().sum::<u64>(),
        );
        set(&shown.collisions, stats.collisions);
        set(&shown.carrier, stats.carrier_errors);
        set(&shown.aborted, stats.excessive_collisions);
        set(&shown.late, stats.late_collisions);
        Ok(())
    }

    /// Reads the counters of the VFs, which wrap, and are zero after a reset.
    pub(crate) fn update_vf_stats(&self, config: &mut Config<'bound>) -> Result {
        let pools = config.bank.layout().vf_pools();
        let mut read = config.vf_stats;
        for (vf, stats) in pools.zip(read.iter_mut()) {
            self.hw.update_vf_stats(vf, stats)?;
        }
        // Somebody else may have reset the device before we know: what was read counts if nobody had
        // until now.
        if !self.hw.was_reset()? {
            config.vf_stats = read;
        }
        Ok(())
    }

    /// Resets the device; the totals stay. Sleeps. Errors: as [`Hw::reset`](crate::hw::Hw::reset).
    pub(super) fn reset_device(&self, config: &mut Config<'bound>) -> Result {
        // A device that is gone has no more to say.
        let _ = self
            .update_stats(config)
            .and_then(|()| self.update_vf_stats(config));
        self.hw.reset()?;
        // With it goes what was negotiated about flow control, whether or not the link does.
        config.flow_due = config.link_now.is_some();
        for (vf, stats) in (0..).zip(config.vf_stats.iter_mut()) {
            self.hw.restart_vf_stats(vf, stats)?;
        }
        Ok(())
    }

    /// Forgets what earlier VFs counted.
    pub(crate) fn clear_vf_stats(&self, config: &mut Config<'bound>) -> Result {
        // Queues may have been another VF's, or ours.
        self.update_vf_stats(config)?;
        for (vf, stats) in (0..).zip(config.vf_stats.iter_mut()) {
            *stats = Default::default();
            self.hw.restart_vf_stats(vf, stats)?;
        }
        Ok(())
    }

    /// VF `vf` was reset: its counters may have started again.
    pub(crate) fn restart_vf_stats(&self, config: &mut Config<'bound>, vf: u8) -> Result {
        match config.vf_stats.get_mut(usize::from(vf)) {
            Some(stats) => self.hw.restart_vf_stats(vf, stats),
            None => Ok(()),
        }
    }

    /// Adds what the port counted. Any context.
    pub(crate) fn add_port_errors(&self, to: &mut LinkStats) {
        let get = |from: &Atomic<u64>| from.load(Relaxed);
        let shown = &self.port_errors;
        to.rx_crc_errors += get(&shown.crc);
        to.rx_frame_errors += get(&shown.alignment);
        to.rx_length_errors += get(&shown.length);
        to.rx_missed_errors += get(&shown.missed);
        to.rx_errors +=
            get(&shown.crc) + get(&shown.alignment) + get(&shown.length) + get(&shown.symbol);
        to.collisions += get(&shown.collisions);
        to.tx_carrier_errors += get(&shown.carrier);
        to.tx_aborted_errors += get(&shown.aborted);
        to.tx_window_errors += get(&shown.late);
        to.tx_errors += get(&shown.aborted) + get(&shown.late);
    }
}
