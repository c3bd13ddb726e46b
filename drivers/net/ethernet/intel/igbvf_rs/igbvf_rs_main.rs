// SPDX-License-Identifier: GPL-2.0

//! Intel 82576 Gigabit Ethernet, virtual function.

#![forbid(unsafe_code)]

mod driver;

nic::module_nic_driver! {
    type: driver::Igbvf,
    name: "igbvf_rs",
    authors: ["The igb_rs authors"],
    description: "Intel 82576 Gigabit Ethernet driver (virtual function)",
    license: "GPL v2",
}
