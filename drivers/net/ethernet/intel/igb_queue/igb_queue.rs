// SPDX-License-Identifier: GPL-2.0

//! The data path of the Intel 82576: a transmit and a receive queue, the same for the physical and
//! the virtual function.
//!
//! Here the formats of `igb_common` meet the memory and the packets of `nic`. Packets are copied into
//! the function's arena, and out of it or lent to the stack there, so nothing is mapped or unmapped
//! per packet, and the device never sees more of the machine than the packets themselves. Registers
//! stay out: a queue rings a [`Doorbell`].

#![forbid(unsafe_code)]

mod buffers;
mod pair;
mod rx;
mod tx;
mod vlans;

pub use self::{
    pair::{
        PairPoll,
        PairVector,
        QueuePair, //
    },
    rx::{
        Copybreak,
        RxOptions,
        RxQueue, //
    },
    tx::{
        tx_queue,
        TxCompletion,
        TxQueueState, //
    },
    vlans::VlanSet, //
};

use igb_common::desc::{
    RxDescriptor,
    RxWriteback,
    TxDescriptor, //
};
use nic::dma::Descriptor;

/// A queue's tail register (TDT or RDT).
pub trait Doorbell: Send {
    /// Tells the device that the descriptors before `tail` are its own. Any context.
    fn ring(&self, tail: u16);
}

/// A receive descriptor in memory: written in one format, found in the other.
#[derive(Clone, Copy)]
struct RxSlot([u64; 2]);

impl RxSlot {
    #[inline]
    fn offer(descriptor: RxDescriptor) -> Self {
        Self(descriptor.to_words())
    }

    #[inline]
    fn written_back(self) -> RxWriteback {
        RxWriteback::from_words(self.0)
    }
}

impl Descriptor for RxSlot {
    #[inline]
    fn to_words(self) -> [u64; 2] {
        self.0
    }

    #[inline]
    fn from_words(words: [u64; 2]) -> Self {
        Self(words)
    }

    #[inline]
    fn is_done(word1: u64) -> bool {
        RxWriteback::done(word1)
    }
}

/// A transmit descriptor in memory.
#[derive(Clone, Copy)]
struct TxSlot([u64; 2]);

impl From<TxDescriptor> for TxSlot {
    #[inline]
    fn from(descriptor: TxDescriptor) -> Self {
        Self(descriptor.to_words())
    }
}

impl Descriptor for TxSlot {
    #[inline]
    fn to_words(self) -> [u64; 2] {
        self.0
    }

    #[inline]
    fn from_words(words: [u64; 2]) -> Self {
        Self(words)
    }

    #[inline]
    fn is_done(word1: u64) -> bool {
        TxDescriptor::done(word1)
    }
}
