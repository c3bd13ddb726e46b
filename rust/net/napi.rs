// SPDX-License-Identifier: GPL-2.0

//! What a poll function can do.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use core::ptr::NonNull;

use crate::raw;

use super::{
    queue::TxQueue,
    skbuff::{
        ReceiveInfo,
        SkBuff, //
    },
    stats::RxStats, //
};

/// One run of a queue pair's poll function.
///
/// # Invariants
///
/// `napi` is valid for `'a` and its poll function is running.
///
/// # Examples
///
/// ```
/// use nic::{dma::Region, net::{Poll, ReceiveInfo}};
///
/// /// Hands up the `len` bytes that the device has put at the beginning of `buffer`.
/// fn deliver(poll: &mut Poll<'_>, buffer: &Region<'_>, len: usize) {
///     let Some(mut skb) = u32::try_from(len).ok().and_then(|len| poll.alloc(len)) else {
///         poll.stats().alloc_failed.add(1);
///         return;
///     };
///     match skb.append(buffer, 0, len) {
///         Ok(()) => poll.receive(skb, ReceiveInfo::default()),
///         Err(_) => poll.stats().length_errors.add(1),
///     }
/// }
/// ```
pub struct Poll<'a> {
    napi: *mut raw::napi_struct,
    queue: u16,
    budget: u32,
    tx: TxQueue<'a>,
    stats: &'a RxStats,
}

impl<'a> Poll<'a> {
    /// # Safety
    ///
    /// To be called from the poll function of `napi`, which must be valid for `'a`.
    pub(super) unsafe fn new(
        napi: *mut raw::napi_struct,
        queue: u16,
        budget: u32,
        tx: TxQueue<'a>,
        stats: &'a RxStats,
    ) -> Self {
        // INVARIANT: by the safety requirement.
        Self {
            napi,
            queue,
            budget,
            tx,
            stats,
        }
    }

    /// How many packets may be received in this run. 0 (netpoll) means: transmissions only.
    #[inline]
    pub fn budget(&self) -> u32 {
        self.budget
    }

    /// The pair's transmit queue.
    #[inline]
    pub fn tx(&self) -> &TxQueue<'a> {
        &self.tx
    }

    /// The pair's receive counters.
    #[inline]
    pub fn stats(&self) -> &'a RxStats {
        self.stats
    }

    /// An empty packet with room for `len` bytes; `None` without memory.
    #[inline]
    pub fn alloc(&mut self, len: u32) -> Option<SkBuff> {
        // SAFETY: we are in the poll function (invariant).
        let skb = unsafe { raw::nic_napi_alloc_skb(self.napi, len) };
        // SAFETY: a fresh buffer is ours.
        NonNull::new(skb).map(|skb| unsafe { SkBuff::from_raw(skb) })
    }

    /// Gives an Ethernet frame (without CRC) to the stack and counts it. Frames without a whole
    /// Ethernet header are counted as length errors and dropped.
    #[inline]
    pub fn receive(&mut self, skb: SkBuff, info: ReceiveInfo) {
        let len = skb.len();
        if len < raw::ETH_HLEN {
            self.stats.length_errors.add(1);
            return;
        }
        let info = info.to_raw(self.queue);
        // SAFETY: we are in the poll function (invariant); the buffer is ours and handed over, with
        // a whole Ethernet header in its linear part, where `SkBuff::append` puts everything.
        let group = unsafe { raw::nic_napi_receive(self.napi, skb.into_raw(), &info) };
        self.stats.packets.add(1);
        self.stats.bytes.add(len.into());
        if info.csum_good {
            self.stats.csum_good.add(1);
        }
        if group {
            self.stats.multicast.add(1);
        }
    }
}
