// SPDX-License-Identifier: GPL-2.0

//! What a poll function can do.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    ptr::NonNull, //
};

use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

use crate::{
    dma::Region,
    raw, //
};

use super::{
    queue::TxCompletions,
    skbuff::{
        ReceiveInfo,
        RxSkBuff, //
    },
    stats::{
        RxStats,
        Writer, //
    }, //
};

/// One run of a queue pair's poll function.
///
/// # Invariants
///
/// `napi` is valid for `'a` and its poll function is running, with this budget.
///
/// # Examples
///
/// ```
/// use nic::net::{Poll, Progress, RxPoll};
///
/// /// Receives whatever `next` delivers, as many packets as the budget allows.
/// fn poll(poll: &mut Poll<'_>, mut next: impl FnMut(&mut RxPoll<'_>) -> bool) -> Progress {
///     let Some(mut rx) = poll.receive_half() else {
///         return Progress::Done(0);
///     };
///     let mut received = 0;
///     while received < rx.budget() && next(&mut rx) {
///         received += 1;
///     }
///     if received < rx.budget() {
///         Progress::Done(received)
///     } else {
///         Progress::More
///     }
/// }
/// ```
pub struct Poll<'a> {
    napi: *mut raw::napi_struct,
    queue: u16,
    budget: u32,
    completions: TxCompletions<'a>,
    stats: Writer<'a, RxStats>,
}

impl<'a> Poll<'a> {
    /// # Safety
    ///
    /// To be called from the poll function of `napi`, which must be valid for `'a`, with the budget
    /// that the function was given.
    pub(super) unsafe fn new(
        napi: *mut raw::napi_struct,
        queue: u16,
        budget: u32,
        completions: TxCompletions<'a>,
        stats: Writer<'a, RxStats>,
    ) -> Self {
        // INVARIANT: by the safety requirement.
        Self {
            napi,
            queue,
            budget,
            completions,
            stats,
        }
    }

    /// The part of the pair's transmit queue that hears of completions.
    #[inline]
    pub fn completions(&self) -> &TxCompletions<'a> {
        &self.completions
    }

    /// The half that receives; `None` in a run for transmissions only. That is netpoll's, which may
    /// be in hard interrupt context: the stack takes no packets there.
    #[inline]
    pub fn receive_half(&mut self) -> Option<RxPoll<'_>> {
        let Self {
            napi,
            queue,
            budget,
            ref stats,
            ..
        } = *self;
        // INVARIANT: the budget is not 0; the rest is that of `Poll`.
        (budget != 0).then_some(RxPoll {
            napi,
            queue,
            budget,
            stats,
        })
    }
}

/// The receiving half of a [`Poll`].
///
/// # Invariants
///
/// `napi` is valid for `'a`, its poll function is running, in soft interrupt context, and was given
/// a budget.
///
/// # Examples
///
/// ```
/// use nic::{dma::Region, net::{ReceiveInfo, RxPoll}};
///
/// /// Hands up the `len` bytes that the device has put at the beginning of `buffer`.
/// fn deliver(rx: &mut RxPoll<'_>, buffer: &Region<'_>, len: usize) {
///     let Some(mut skb) = u32::try_from(len).ok().and_then(|len| rx.alloc(len)) else {
///         rx.stats().add_alloc_failed(1);
///         return;
///     };
///     match skb.append(buffer, 0, len) {
///         Ok(()) => rx.receive(skb, ReceiveInfo::default()),
///         Err(_) => rx.stats().add_length_errors(1),
///     }
/// }
/// ```
pub struct RxPoll<'a> {
    napi: *mut raw::napi_struct,
    queue: u16,
    budget: u32,
    stats: &'a Writer<'a, RxStats>,
}

impl<'a> RxPoll<'a> {
    /// How many packets may be received in this run; at least 1.
    #[inline]
    pub fn budget(&self) -> u32 {
        self.budget
    }

    /// The pair's receive counters.
    #[inline]
    pub fn stats(&self) -> &'a Writer<'a, RxStats> {
        self.stats
    }

    /// An empty packet with room for `len` bytes; `None` without memory.
    #[inline]
    pub fn alloc(&mut self, len: u32) -> Option<RxSkBuff> {
        // SAFETY: the poll function runs with a budget (invariant).
        let skb = unsafe { raw::nic_napi_alloc_skb(self.napi, len) };
        // SAFETY: a fresh buffer is ours.
        NonNull::new(skb).map(|skb| unsafe { RxSkBuff::from_raw(skb) })
    }

    /// Gives an Ethernet frame (without CRC) to a station, not to a group, to the stack and counts it:
    /// a copy of `headers`, and `pieces`, whose pages the stack borrows. Until [`Region::is_sole`]
    /// says that a page is back the device must not be offered it.
    ///
    /// Headers are a copy because the stack parses them. The pieces it passes on, or copies before it
    /// looks. `truesize` is how much memory each piece keeps from other use.
    ///
    /// Errors, with nothing done: `EINVAL` if there is no whole Ethernet header; `ENOMEM`, also when
    /// there are more headers than the stack has room for.
    ///
    /// [`Region::is_sole`]: crate::dma::Region::is_sole
    #[inline]
    pub fn lend(
        &mut self,
        headers: &[u8],
        pieces: &Pieces<'_>,
        truesize: u32,
        info: ReceiveInfo,
    ) -> Result {
        if headers.len() < raw::ETH_HLEN as usize {
            return Err(EINVAL);
        }
        let len = u32::try_from(headers.len())?;
        let raw_info = info.to_raw(self.queue);
        // SAFETY: the poll function runs with a budget (invariant). `headers` has `len` bytes,
        // which are copied; the pieces are in pages with counts of their own (invariant of
        // `Pieces`), of which the stack gets one.
        let lent = unsafe {
            raw::nic_napi_lend(
                self.napi,
                headers.as_ptr().cast(),
                len,
                pieces.raw.as_ptr().cast(),
                pieces.count,
                truesize,
                &raw_info,
            )
        };
        if !lent {
            return Err(ENOMEM);
        }
        self.stats.add_packets(1);
        self.stats.add_lent(1);
        let bytes = u64::from(len).wrapping_add(pieces.bytes);
        self.stats.add_bytes(bytes);
        if info.checksum_good {
            self.stats.add_csum_good(1);
        }
        Ok(())
    }

    /// Gives an Ethernet frame (without CRC) to the stack and counts it. Frames without a whole
    /// Ethernet header are counted as length errors and dropped.
    #[inline]
    pub fn receive(&mut self, skb: RxSkBuff, info: ReceiveInfo) {
        let len = skb.len();
        if len < raw::ETH_HLEN {
            self.stats.add_length_errors(1);
            return;
        }
        let info = info.to_raw(self.queue);
        // SAFETY: the poll function runs with a budget (invariant); the buffer is ours and handed
        // over, linear and not cloned (invariant of `RxSkBuff`), with a whole Ethernet header.
        let group = unsafe { raw::nic_napi_receive(self.napi, skb.into_raw(), &info) };
        self.stats.add_packets(1);
        self.stats.add_bytes(len.into());
        if info.csum_good {
            self.stats.add_csum_good(1);
        }
        if group {
            self.stats.add_multicast(1);
        }
    }
}

/// [`Pieces::MAX`].
const MAX_PIECES: usize = 8;

/// Pieces of a packet that can be lent to the stack.
///
/// # Invariants
///
/// The first `count` of `raw` are bytes of lendable regions that live for `'r`, each within a page.
pub struct Pieces<'r> {
    raw: [MaybeUninit<raw::nic_piece>; MAX_PIECES],
    count: u32,
    bytes: u64,
    _regions: PhantomData<&'r ()>,
}

impl<'r> Pieces<'r> {
    /// The most pieces of a packet.
    pub const MAX: usize = MAX_PIECES;

    /// None.
    #[inline]
    pub fn new() -> Self {
        // INVARIANT: there are none.
        Self {
            raw: [const { MaybeUninit::uninit() }; MAX_PIECES],
            count: 0,
            bytes: 0,
            _regions: PhantomData,
        }
    }

    /// Adds `len` bytes of `region` from `offset`.
    ///
    /// Errors: `EINVAL` when there are [`Self::MAX`], when there are no bytes, they are not in the region,
    /// not all in one page, or cannot be lent.
    #[inline]
    pub fn add(&mut self, region: &'r Region<'_>, offset: usize, len: usize) -> Result {
        // Regions begin with a page. None at the end of one would be in the next, which may be anyone's.
        let in_page = len != 0 && len <= PAGE_SIZE - offset % PAGE_SIZE;
        let at = region.ptr_range(offset, len).ok_or(EINVAL)?;
        let piece = self.raw.get_mut(self.count as usize).ok_or(EINVAL)?;
        if !in_page || !region.is_lendable() {
            return Err(EINVAL);
        }
        // INVARIANT: checked above.
        piece.write(raw::nic_piece {
            at: at.as_ptr().cast(),
            // CAST: at most a page.
            len: len as u32,
        });
        self.count = self.count.wrapping_add(1);
        // CAST: widening.
        self.bytes = self.bytes.wrapping_add(len as u64);
        Ok(())
    }
}

impl Default for Pieces<'_> {
    fn default() -> Self {
        Self::new()
    }
}
