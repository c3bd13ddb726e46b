// SPDX-License-Identifier: GPL-2.0

//! Registers of the 82576 physical function, BAR 0.
//!
//! Names, offsets and fields are those of chapter 8 of the 82576 datasheet. The registers of the
//! queues are in [`igb_hw::queue`], shared with the virtual function.

pub(crate) mod ctrl;
pub(crate) mod filter;
pub(crate) mod intr;
pub(crate) mod mbx;
pub(crate) mod nvm;
pub(crate) mod phy;
pub(crate) mod rx;
pub(crate) mod stats;
pub(crate) mod tx;
pub(crate) mod virt;

/// Size of BAR 0.
pub(crate) const BAR_SIZE: usize = 0x20000;

/// The mapped BAR 0.
pub(crate) type Bar<'a> = kernel::pci::Bar<'a, BAR_SIZE>;
