// SPDX-License-Identifier: GPL-2.0

//! Advanced descriptors (82576 datasheet 7.1.5 and 7.2.2).
//!
//! A descriptor is 16 bytes: two little-endian 64-bit words, here always in CPU byte order. The
//! driver stores them with `to_le()` and reads them with `from_le()`, second word last when it
//! writes (it holds the command bits) and first when it reads (it holds the done bit).

mod offload;
mod rx;
mod tx;

pub use self::offload::{
    IpVersion,
    L4Proto,
    OffloadError,
    TxContext,
    TxContextSlot,
    TxContexts,
    TxOffload, //
};
pub use self::rx::{
    BadChecksum,
    ChecksumVerdict,
    RssHash,
    RssType,
    RxDescriptor,
    RxErrors,
    RxWriteback, //
};
pub use self::tx::{
    TxDescriptor,
    TxFrame,
    TxPosition, //
};
