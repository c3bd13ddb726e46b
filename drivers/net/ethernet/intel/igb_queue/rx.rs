// SPDX-License-Identifier: GPL-2.0

//! Reception: packets are copied out of the arena and the buffer is offered again at once; or the
//! payload of longer TCP segments is lent to the stack and another buffer takes its place.
//!
//! Buffers are 2 KiB whatever the MTU; a longer packet spans several. So neither the MTU nor any
//! packet ever changes what the device may write to.

use igb_common::{
    desc::{
        ChecksumVerdict,
        RxDescriptor,
        RxWriteback, //
    },
    frame,
    ring::RingSize, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};
use nic::{
    atomic::{
        AtomicU32,
        Ordering, //
    },
    dma::{
        Arena,
        DescriptorRing,
        Iova, //
    },
    net::{
        Pieces,
        ReceiveInfo,
        RxHash,
        RxPoll, //
    }, //
};

use super::{
    buffers::Buffers,
    Doorbell,
    RxSlot,
    VlanSet, //
};

/// Bytes of a receive buffer.
const BUFFER: usize = 2048;

/// Buffers of the longest packet the filters let in.
const MAX_BUFFERS: u16 = (frame::MAX_FRAME as usize).div_ceil(BUFFER) as u16;

/// Descriptors offered again per doorbell.
const BATCH: u16 = 32;

/// Length of the longest packet that is always copied (`ethtool --set-tunable rx-copybreak`).
pub struct Copybreak(AtomicU32);

impl Copybreak {
    /// Until the user sets another. Above it lending costs less than copying; below it too little
    /// less to have pages away for it: see Documentation/performance.
    pub const DEFAULT: u32 = 256;

    /// The default.
    pub const fn new() -> Self {
        Self(AtomicU32::new(Self::DEFAULT))
    }

    /// The length. Any context.
    #[inline]
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets the length; any is possible. Any context.
    pub fn set(&self, len: u32) {
        self.0.store(len, Ordering::Relaxed);
    }
}

impl Default for Copybreak {
    fn default() -> Self {
        Self::new()
    }
}

/// What to do with what the device found out about a packet.
#[derive(Clone, Copy)]
pub struct RxOptions<'a> {
    /// Copy packets up to this length.
    pub copybreak: u32,
    /// Believe the device's checksum verdict.
    pub checksum: bool,
    /// Pass on the receive hash.
    pub hash: bool,
    /// Forget tags of other VLANs. A VF gets such packets when the administrator has put it into a
    /// VLAN: the device strips the tag, yet reports it, and the VF is not to know. `None` passes
    /// every tag on.
    pub vlans: Option<&'a VlanSet>,
}

impl RxOptions<'_> {
    /// The tag the stack sees. VLAN 0 is no VLAN, its tag just has a priority.
    #[inline]
    fn tag(&self, tag: u16) -> Option<u16> {
        let vid = tag & 0xfff;
        let known = vid == 0 || self.vlans.is_none_or(|vlans| vlans.contains(vid));
        known.then_some(tag)
    }
}

/// A packet of which some buffers have come.
#[derive(Clone, Copy, Default)]
struct Partial {
    /// Slot of the first buffer.
    first: u16,
    /// Buffers so far.
    buffers: u16,
    /// A buffer's length was wrong.
    bad: bool,
}

/// A whole packet in its buffers.
#[derive(Clone, Copy)]
struct Span {
    /// Slot of the first buffer.
    first: u16,
    /// How many there are, full but for the last one.
    buffers: u16,
    /// Bytes in all.
    total: usize,
}

impl Span {
    /// Slots, and the bytes in each one's buffer.
    #[inline]
    fn parts(self, size: RingSize) -> impl Iterator<Item = (u16, usize)> {
        let mut slot = self.first;
        let mut left = self.total;
        (0..self.buffers).map(move |_| {
            let part = (slot, left.min(BUFFER));
            slot = size.next(slot);
            left = left.wrapping_sub(part.1);
            part
        })
    }
}

/// A receive queue. Lives in the poll state.
pub struct RxQueue<'bound, D: Doorbell> {
    ring: DescriptorRing<'bound, RxSlot>,
    buffers: Buffers<'bound>,
    size: RingSize,
    /// The slot the device finishes next.
    next: u16,
    /// Slots finished and offered again, but not yet by doorbell.
    unannounced: u16,
    partial: Partial,
    /// The packet in progress was too long and is counted; the rest of it goes back as it comes.
    skipping: bool,
    doorbell: Option<D>,
}

impl<'bound, D: Doorbell> RxQueue<'bound, D> {
    /// Allocates a queue of `size` descriptors, one of `pairs`, the device not yet told. May sleep.
    ///
    /// Errors: as [`Arena::region`].
    pub fn new(arena: &Arc<Arena<'bound>>, pairs: u8, size: RingSize) -> Result<Self> {
        let count = size.get();
        let this = Self {
            ring: DescriptorRing::new(arena, count.into())?,
            buffers: Buffers::new(arena, pairs, size, BUFFER)?,
            size,
            next: 0,
            unannounced: 0,
            partial: Partial::default(),
            skipping: false,
            doorbell: None,
        };
        Ok(this)
    }

    /// Address of the ring, for RDBAL and RDBAH.
    pub fn base(&self) -> Iova {
        self.ring.base()
    }

    /// Descriptors of the ring.
    pub fn size(&self) -> RingSize {
        self.size
    }

    /// Bytes of a buffer, for SRRCTL.
    pub const fn buffer_bytes() -> u32 {
        BUFFER as u32
    }

    /// Offers all buffers to the device, whose queue must just have been enabled with head and tail
    /// at 0, and keeps `doorbell`.
    pub fn start(&mut self, doorbell: D) {
        for slot in 0..self.size.get() {
            self.offer(slot);
        }
        self.next = 0;
        self.unannounced = 0;
        self.partial = Partial::default();
        self.skipping = false;
        self.ring.publish();
        doorbell.ring(self.size.get() - 1);
        self.doorbell = Some(doorbell);
    }

    #[inline]
    fn offer(&self, slot: u16) {
        // Every slot below the ring's size has a buffer; without one the descriptor stays done.
        if let Some(iova) = self.buffers.iova(slot) {
            self.ring.write(
                slot.into(),
                RxSlot::offer(RxDescriptor::read_format(iova, None)),
            );
        }
    }

    /// Receives up to the budget; returns how many packets were finished, good or bad.
    #[inline]
    pub fn poll(&mut self, poll: &mut RxPoll<'_>, options: RxOptions<'_>) -> u32 {
        let budget = poll.budget();
        let mut finished = 0;
        // A slot offered again becomes done again only when the device has it, for which the
        // doorbell must be rung: one round of the ring bounds the loop for a device that lies.
        let mut rounds = self.size.get();
        while finished < budget && rounds != 0 {
            let Some(slot) = self.ring.poll(self.next.into()) else {
                break;
            };
            rounds -= 1;
            let done = slot.written_back();
            let index = self.next;
            self.next = self.size.next(index);

            if self.skipping {
                self.recycle(index, 1);
                self.skipping = !done.is_end();
                continue;
            }
            if self.partial.buffers == 0 {
                self.partial.first = index;
            }
            self.partial.buffers = self.partial.buffers.wrapping_add(1);
            // Only the last buffer of a packet may be less than full.
            let length = usize::from(done.length());
            if length > BUFFER || (!done.is_end() && length != BUFFER) {
                self.partial.bad = true;
            }
            if done.is_end() {
                self.finish(poll, done, options);
                finished = finished.wrapping_add(1);
            } else if self.partial.buffers == MAX_BUFFERS {
                let partial = core::mem::take(&mut self.partial);
                poll.stats().add_length_errors(1);
                self.recycle(partial.first, partial.buffers);
                self.skipping = true;
                finished = finished.wrapping_add(1);
            }
        }
        if self.unannounced >= BATCH {
            self.announce();
        }
        finished
    }

    /// Deals with a packet whose last buffer is there, and offers its buffers again.
    #[inline]
    fn finish(&mut self, poll: &mut RxPoll<'_>, last: RxWriteback, options: RxOptions<'_>) {
        let Partial {
            first,
            buffers,
            bad,
        } = core::mem::take(&mut self.partial);
        if last.errors().any() {
            poll.stats().add_errors(1);
        } else if bad {
            poll.stats().add_length_errors(1);
        } else {
            self.deliver(poll, first, buffers, last, options);
        }
        self.recycle(first, buffers);
    }

    /// Gives a packet to the stack, lent or copied; its slots can be offered again then.
    #[inline]
    fn deliver(
        &mut self,
        poll: &mut RxPoll<'_>,
        first: u16,
        buffers: u16,
        last: RxWriteback,
        options: RxOptions<'_>,
    ) {
        let total = usize::from(buffers.saturating_sub(1)) * BUFFER + usize::from(last.length());
        // CAST: at most `MAX_BUFFERS` buffers.
        let len = total as u32;
        let mut info = ReceiveInfo {
            vlan: last.vlan_tag().and_then(|tag| options.tag(tag)),
            ..ReceiveInfo::default()
        };
        if options.checksum {
            match last.checksum(len) {
                ChecksumVerdict::Unnecessary => info.checksum_good = true,
                ChecksumVerdict::Bad(_) => poll.stats().add_csum_bad(1),
                ChecksumVerdict::None => {}
            }
        }
        if options.hash {
            info.hash = last.rss().map(|rss| RxHash {
                value: rss.hash,
                l4: rss.kind.is_l4(),
            });
        }
        let span = Span {
            first,
            buffers,
            total,
        };
        if len > options.copybreak && self.lend(poll, span, info).is_some() {
            return;
        }
        let Some(mut skb) = poll.alloc(len) else {
            poll.stats().add_alloc_failed(1);
            return;
        };
        for (slot, len) in span.parts(self.size) {
            let appended = match self.buffers.at(slot, len) {
                Some((region, offset)) => skb.append(region, offset, len),
                None => Err(EINVAL),
            };
            if appended.is_err() {
                poll.stats().add_length_errors(1);
                return;
            }
        }
        poll.receive(skb, info);
    }

    /// Lends the payload of a TCP segment to the stack and puts other buffers into its slots; `None`,
    /// with nothing done, if it is none or there are no others.
    ///
    /// Headers are copied, and looked at in the copy. TCP only: its payload the kernel passes on as it
    /// is, while that of other protocols may be checked, or decrypted, where it lies.
    #[inline]
    fn lend(&mut self, poll: &mut RxPoll<'_>, span: Span, info: ReceiveInfo) -> Option<()> {
        if !self.buffers.can_replace(span.buffers) {
            return None;
        }
        let (region, offset) = self.buffers.at(span.first, BUFFER)?;
        let mut words = [0u64; frame::BEGINNING / 8];
        region.read_words(offset, &mut words).ok()?;
        let beginning = words.as_bytes();
        let headers = beginning.get(..frame::tcp_headers(beginning.first_chunk()?)?)?;
        let payload = span.total.min(BUFFER).checked_sub(headers.len())?;
        if payload == 0 {
            return None;
        }
        let mut pieces = Pieces::new();
        let from = offset.wrapping_add(headers.len());
        pieces.add(region, from, payload).ok()?;
        for (slot, len) in span.parts(self.size).skip(1) {
            let (region, offset) = self.buffers.at(slot, len)?;
            pieces.add(region, offset, len).ok()?;
        }
        // CAST: a small constant.
        poll.lend(headers, &pieces, BUFFER as u32, info).ok()?;
        for (slot, _) in span.parts(self.size) {
            self.buffers.replace(slot);
        }
        Some(())
    }

    #[inline]
    fn recycle(&mut self, first: u16, count: u16) {
        let mut slot = first;
        for _ in 0..count {
            self.offer(slot);
            slot = self.size.next(slot);
        }
        self.unannounced = self.unannounced.saturating_add(count);
    }

    /// Tells the device of the slots offered again. The tail stays behind buffers of a packet in
    /// progress.
    #[inline]
    fn announce(&mut self) {
        let Some(doorbell) = &self.doorbell else {
            return;
        };
        let end = if self.partial.buffers == 0 {
            self.next
        } else {
            self.partial.first
        };
        // One slot stays the driver's, so that a full ring differs from an empty one.
        let tail = self.size.distance(1, end);
        self.ring.publish();
        doorbell.ring(tail);
        self.unannounced = 0;
    }
}
