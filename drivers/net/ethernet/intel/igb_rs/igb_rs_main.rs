// SPDX-License-Identifier: GPL-2.0

//! Intel 82576 Gigabit Ethernet, physical function.

#![forbid(unsafe_code)]

mod adapter;
mod debugfs;
mod devlink;
mod driver;
mod ethtool;
mod hw;
mod irq;
mod netdev;
mod regs;
mod service;
mod sriov;

nic::module_nic_driver! {
    type: driver::Igb,
    name: "igb_rs",
    authors: ["The igb_rs authors"],
    description: "Intel 82576 Gigabit Ethernet driver (physical function)",
    license: "GPL v2",
    params: {
        dma: u32 {
            default: 0,
            description: "Backing of DMA memory: 0 automatic, 1 private IOMMU domain, 2 DMA API",
        },
    },
}
