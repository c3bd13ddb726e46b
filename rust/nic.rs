// SPDX-License-Identifier: GPL-2.0

//! What the `kernel` crate lacks for a network driver with SR-IOV: PCI driver adapter with SR-IOV
//! and bound-lifetime registrations, MSI-X vectors, private IOMMU domains and DMA arenas, network
//! devices with NAPI and socket buffers, cancellable work.
//!
//! Every `unsafe` block of the project is in this crate; see Documentation/design/unsafe-ledger.rst.
//! Each file is meant to stand as one upstream patch.

#![allow(
    clippy::missing_safety_doc,
    reason = "functions that only C calls state what they rely on at the blocks in them; \
              tools/checks/unsafe_ledger sees to it that all others have a Safety section"
)]

pub mod atomic;
pub mod debugfs;
pub mod devlink;
pub mod dma;
pub mod ethtool;
pub mod iommu;
pub mod irq;
pub mod moderation;
pub mod net;
pub mod pci;
mod raw;
mod sys;
pub mod text;
pub mod work;
