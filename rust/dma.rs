// SPDX-License-Identifier: GPL-2.0

//! Memory that a device and its driver share.
//!
//! All memory a function may reach by DMA belongs to its [`Arena`], which maps it once and unmaps
//! it when the driver lets go of the device. A [`Region`] is a contiguous piece of an arena;
//! [`DescriptorRing`] is a region seen as descriptors, [`Slots`] is as many regions as a ring's
//! buffers take. The bus address of any of them is an [`Iova`], and safe code has no other source of
//! one.
//!
//! C header: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h)

mod arena;
mod block;
mod iova;
mod region;
mod ring;
mod slots;
mod status;

pub use self::arena::{
    Access,
    Arena,
    Backing, //
};
pub use self::iova::Iova;
pub use self::region::Region;
pub use self::ring::{
    Descriptor,
    DescriptorRing, //
};
pub use self::slots::Slots;
pub(crate) use self::status::warn_if_left;
pub use self::status::{
    ledger,
    Kind,
    Ledger,
    Protection,
    Status, //
};
