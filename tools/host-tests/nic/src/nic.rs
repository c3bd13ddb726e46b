// SPDX-License-Identifier: GPL-2.0

//! Stand-in for the kernel library crate `nic`: the one type `igb_common` takes from it.

#![no_std]

/// DMA addresses.
pub mod dma {
    /// An address a device may use. Unlike in the kernel, anybody can make one here.
    #[derive(Clone, Copy)]
    pub struct Iova(u64);

    impl Iova {
        /// Any address.
        pub const fn for_test(bits: u64) -> Self {
            Self(bits)
        }

        /// The address as the device sees it.
        pub fn to_bits(self) -> u64 {
            self.0
        }
    }
}
