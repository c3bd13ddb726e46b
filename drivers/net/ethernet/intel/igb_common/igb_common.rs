// SPDX-License-Identifier: GPL-2.0

//! What the physical- and the virtual-function driver of the Intel 82576 share: descriptor formats,
//! the mailbox protocol, filter tables, queue and vector layout, ring arithmetic.
//!
//! Nothing here touches a register or memory the device sees; the functions turn values into the
//! words the hardware wants and back, and keep the PF's view of what its VFs may do. So the
//! crate needs only `core`, has no `unsafe`, and the host tests in `tools/host-tests` run the very
//! code the modules contain. The one thing it takes from [`nic`] is [`nic::dma::Iova`]: an
//! address that can go into a descriptor.
//!
//! Every word that comes from a device or from another function is treated as hostile: decoding
//! is total, and a length is a number the caller has to bound.

// Kbuild says so itself, for every crate of a module.
#![cfg_attr(not(MODULE), no_std)]
#![forbid(unsafe_code)]

pub mod desc;
pub mod frame;
pub mod itr;
pub mod layout;
pub mod mac;
pub mod mbx;
pub mod multicast;
pub mod quota;
pub mod rar;
pub mod ring;
pub mod rss;
pub mod vf_bank;
pub mod vf_slot;
pub mod vlan;
