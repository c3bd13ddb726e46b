// SPDX-License-Identifier: GPL-2.0

//! PCI drivers whose callbacks borrow from the bound device, with SR-IOV.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h)

mod adapter;
mod bound;
mod express;
mod interruption;
mod scope;
mod sriov;

pub use self::adapter::{
    Adapter,
    Driver, //
};
pub use self::interruption::Interruption;
pub(crate) use self::scope::MemoryClaim;
pub use self::scope::{
    Registered,
    Resource,
    Scope, //
};
pub use self::sriov::{
    num_vfs,
    SriovDisable,
    SriovEnable,
    SriovEnabled, //
};
