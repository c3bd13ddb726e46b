// SPDX-License-Identifier: GPL-2.0

//! Atomics for what is done per packet or per poll.
//!
//! They are `core`'s. The kernel crate's are calls into C in a kernel that does not inline helpers
//! (`CONFIG_RUST_INLINE_HELPERS`), which is every kernel that gcc compiled, and these are used for
//! every packet. On the architectures of this driver loads, stores and exchanges of `core` order as
//! those of the kernel's memory model with the same name do. Everything else uses the kernel
//! crate's.

pub use core::sync::atomic::{
    AtomicBool,
    AtomicU32,
    AtomicU64,
    Ordering, //
};
