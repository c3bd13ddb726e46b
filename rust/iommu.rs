// SPDX-License-Identifier: GPL-2.0

//! IOMMU groups and domains that a driver manages itself.
//!
//! C header: [`include/linux/iommu.h`](srctree/include/linux/iommu.h)

mod domain;
mod group;

pub use self::domain::{
    Domain,
    Permission,
    Refusal, //
};
pub use self::group::Group;
