// SPDX-License-Identifier: GPL-2.0

//! Intel 82576 Gigabit Ethernet, physical function.

#![forbid(unsafe_code)]

mod driver;

nic::module_nic_driver! {
    type: driver::Igb,
    name: "igb_rs",
    authors: ["The igb_rs authors"],
    description: "Intel 82576 Gigabit Ethernet driver (physical function)",
    license: "GPL v2",
}
