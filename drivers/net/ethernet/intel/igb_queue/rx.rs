// SPDX-License-Identifier: GPL-2.0

//! Reception: packets are copied out of the arena and the buffer is offered again at once.
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
    dma::{
        Access,
        Arena,
        DescriptorRing,
        Iova,
        Slots, //
    },
    net::{
        Poll,
        ReceiveInfo,
        RxHash, //
    }, //
};

use super::{
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

/// What to do with what the device found out about a packet.
#[derive(Clone, Copy)]
pub struct RxOptions<'a> {
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

/// A receive queue. Lives in the poll state.
pub struct RxQueue<'bound, D: Doorbell> {
    ring: DescriptorRing<'bound, RxSlot>,
    buffers: Slots<'bound>,
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
    /// Allocates a queue of `size` descriptors, the device not yet told. May sleep.
    ///
    /// Errors: as [`Arena::region`].
    pub fn new(arena: &Arc<Arena<'bound>>, size: RingSize) -> Result<Self> {
        let count = size.get();
        let this = Self {
            ring: DescriptorRing::new(arena, count.into())?,
            buffers: Slots::new(arena, Access::RxPayload, count.into(), BUFFER)?,
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
        if let Some(iova) = self.buffers.iova(slot.into()) {
            self.ring.write(
                slot.into(),
                RxSlot::offer(RxDescriptor::read_format(iova, None)),
            );
        }
    }

    /// Receives up to the budget; returns how many packets were finished, good or bad.
    #[inline]
    pub fn poll(&mut self, poll: &mut Poll<'_>, options: RxOptions<'_>) -> u32 {
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
                poll.stats().length_errors.add(1);
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
    fn finish(&mut self, poll: &mut Poll<'_>, last: RxWriteback, options: RxOptions<'_>) {
        let Partial {
            first,
            buffers,
            bad,
        } = core::mem::take(&mut self.partial);
        if last.errors().any() {
            poll.stats().errors.add(1);
        } else if bad {
            poll.stats().length_errors.add(1);
        } else {
            self.deliver(poll, first, buffers, last, options);
        }
        self.recycle(first, buffers);
    }

    #[inline]
    fn deliver(
        &self,
        poll: &mut Poll<'_>,
        first: u16,
        buffers: u16,
        last: RxWriteback,
        options: RxOptions<'_>,
    ) {
        let tail = usize::from(last.length());
        let total = usize::from(buffers.saturating_sub(1)) * BUFFER + tail;
        let Some(mut skb) = u32::try_from(total).ok().and_then(|len| poll.alloc(len)) else {
            poll.stats().alloc_failed.add(1);
            return;
        };
        let mut slot = first;
        for nth in 1..=buffers {
            let len = if nth == buffers { tail } else { BUFFER };
            let appended = match self.buffers.at(slot.into(), len) {
                Some((region, offset)) => skb.append(region, offset, len),
                None => Err(EINVAL),
            };
            if appended.is_err() {
                poll.stats().length_errors.add(1);
                return;
            }
            slot = self.size.next(slot);
        }

        let mut info = ReceiveInfo {
            vlan: last.vlan_tag().and_then(|tag| options.tag(tag)),
            ..ReceiveInfo::default()
        };
        if options.checksum {
            // CAST: at most `MAX_BUFFERS` buffers.
            match last.checksum(total as u32) {
                ChecksumVerdict::Unnecessary => info.checksum_good = true,
                ChecksumVerdict::Bad(_) => poll.stats().csum_bad.add(1),
                ChecksumVerdict::None => {}
            }
        }
        if options.hash {
            info.hash = last.rss().map(|rss| RxHash {
                value: rss.hash,
                l4: rss.kind.is_l4(),
            });
        }
        poll.receive(skb, info);
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
