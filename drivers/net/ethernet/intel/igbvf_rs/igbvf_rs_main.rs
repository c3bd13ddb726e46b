// SPDX-License-Identifier: GPL-2.0

//! Intel 82576 Gigabit Ethernet, virtual function.

#![forbid(unsafe_code)]

mod adapter;
mod debugfs;
mod driver;
mod ethtool;
mod hw;
mod irq;
mod netdev;
mod regs;
mod service;

nic::module_nic_driver! {
    type: driver::Igbvf,
    name: "igbvf_rs",
    authors: ["The igb_rs authors"],
    description: "Intel 82576 Gigabit Ethernet driver (virtual function)",
    license: "GPL v2",
    params: {
        dma: u32 {
            default: 0,
            description: "Backing of DMA memory: 0 automatic, 1 private IOMMU domain, 2 DMA API",
        },
    },
}
