// SPDX-License-Identifier: GPL-2.0

//! Exact unicast filters, the receive addresses (82576 datasheet 7.1.1.1, 8.10.15).

use kernel::prelude::*;

use crate::regs::filter::{
    RAH,
    RAH2,
    RAL,
    RAL2, //
};

use super::Hw;

/// Receive addresses of the device.
pub(crate) const RAR_ENTRIES: usize = 24;

/// Entries in the first of the two register arrays.
const FIRST_ARRAY: usize = 16;

impl Hw<'_> {
    /// Makes the pools in the mask `pools` receive packets for `addr`, as receive address
    /// `index`. Entry 0 is also the address of the port. Without virtualization the pool is 0.
    pub(crate) fn set_rar(&self, index: usize, addr: [u8; 6], pools: u8) -> Result {
        let [a, b, c, d, e, f] = addr;
        let low = u32::from_le_bytes([a, b, c, d]);
        let high = RAH::zeroed()
            .with_av(true)
            .with_poolsel(pools)
            .with_addr(u16::from_le_bytes([e, f]));

        // The entry must at no time match a mixture of two addresses.
        self.clear_rar(index)?;
        self.write_rar_low(index, low)?;
        // A bridge may merge writes to neighbouring registers, which the device cannot take.
        self.regs.flush()?;
        self.write_rar_high(index, high.into())
    }

    /// Clears receive address `index`.
    pub(crate) fn clear_rar(&self, index: usize) -> Result {
        self.write_rar_high(index, 0)?;
        self.regs.flush()?;
        self.write_rar_low(index, 0)
    }

    fn write_rar_low(&self, index: usize, value: u32) -> Result {
        match index.checked_sub(FIRST_ARRAY) {
            None => self.regs.write_at(index, RAL::from(value)),
            Some(index) => self.regs.write_at(index, RAL2::from(value)),
        }
    }

    fn write_rar_high(&self, index: usize, value: u32) -> Result {
        match index.checked_sub(FIRST_ARRAY) {
            None => self.regs.write_at(index, RAH::from(value)),
            Some(index) => self.regs.write_at(index, RAH2::from(value)),
        }
    }
}
