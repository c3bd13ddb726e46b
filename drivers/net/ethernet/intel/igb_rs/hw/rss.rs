// SPDX-License-Identifier: GPL-2.0

//! Spreading of received packets over queues (82576 datasheet 7.1.1.7, 8.10.19 to 8.10.21).

use igb_common::{
    layout::Layout,
    rss::{
        key_registers,
        mrqc,
        HashFields,
        Key,
        Reta, //
    },
};

use kernel::prelude::*;

use crate::regs::{
    filter::{
        MRQC,
        RETA,
        RSSRK, //
    },
    rx::RCTL, //
};

use super::Hw;

impl Hw<'_> {
    /// Sets the key of the hash.
    pub(crate) fn set_rss_key(&self, key: &Key) -> Result {
        for (index, word) in key_registers(key).enumerate() {
            self.regs.write_at(index, RSSRK::from(word))?;
        }
        Ok(())
    }

    /// Sets the queue for each value of the low seven bits of the hash.
    pub(crate) fn set_rss_table(&self, table: &Reta, layout: Layout) -> Result {
        for (index, word) in table.registers(layout).enumerate() {
            self.regs.write_at(index, RETA::from(word))?;
        }
        Ok(())
    }

    /// Sets how packets find their queue: by pool where there are virtual functions, and by hash
    /// of `fields` among the `queues` queues of the physical function.
    ///
    /// QEMU hashes only where there are no virtual functions.
    pub(crate) fn set_multiqueue(&self, layout: Layout, queues: u8, fields: HashFields) -> Result {
        let wanted = MRQC::from(mrqc(layout, queues, fields));
        let running = self.regs.read::<RCTL>()?.rxen();
        if !running || self.regs.read::<MRQC>()?.mode() == wanted.mode() {
            return self.regs.write(wanted);
        }
        // For a moment nobody receives.
        self.disable_rx()?;
        self.regs.flush()?;
        self.regs.write(wanted)?;
        self.enable_rx()
    }
}
