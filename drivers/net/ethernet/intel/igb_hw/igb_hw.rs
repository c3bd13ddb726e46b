// SPDX-License-Identifier: GPL-2.0

//! What the physical and the virtual function of the Intel 82576 do alike with their registers:
//! access that notices a lost device, interrupt vectors, the link, the queues, the counters of a virtual
//! function.

#![forbid(unsafe_code)]

pub mod access;
pub mod intr;
pub mod link;
pub mod queue;
pub mod vf_stats;
