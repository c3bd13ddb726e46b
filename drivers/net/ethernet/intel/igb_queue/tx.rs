// SPDX-License-Identifier: GPL-2.0

//! Transmission: a packet is copied into the arena in one piece and described by as few descriptors
//! as its length allows, usually one.
//!
//! The queue's two sides run at the same time: [`TxQueueState`] under the transmit lock,
//! [`TxCompletion`] in the poll function. They share positions and one word of bookkeeping per
//! packet.
//!
//! The payload memory is used as a ring of bytes: packets are allocated at the head and freed, in
//! order, at the tail. A packet is never split: where it does not fit before the end, it starts at
//! the beginning.

use igb_common::{
    desc::{
        IpVersion,
        L4Proto,
        OffloadError,
        TxContexts,
        TxDescriptor,
        TxOffload,
        TxPosition, //
    },
    frame,
    ring::{
        Consumer,
        Producer,
        Published,
        RingSize, //
    }, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};
use nic::{
    atomic::{
        AtomicU32,
        AtomicU64,
        Ordering, //
    },
    dma::{
        Access,
        Arena,
        DescriptorRing,
        Iova,
        Region, //
    },
    net::{
        L4Checksum,
        Poll,
        SkBuff,
        TransmitInfo,
        TxOutcome,
        TxQueue, //
    }, //
};

use super::{
    Doorbell,
    TxSlot, //
};

/// Payload memory of a queue in bytes.
const PAYLOAD: u32 = 256 * 1024;

/// Packets start on a cache line.
const ALIGN: u32 = 64;

/// The device takes nothing shorter. No more padding than that: it pads to the Ethernet minimum
/// itself, and where it inserts a checksum (QEMU) it takes all that is there for payload.
const MIN_LEN: usize = frame::MIN_TX_LEN as usize;

/// Packets, or bytes, for which at most one report is asked while the queue runs. A packet's buffer is
/// free to go when it is copied, so nothing waits for the report but room in the ring, and whoever
/// waits for that stopped the queue.
const REPORT_EVERY: u16 = 32;
const REPORT_BYTES: u32 = PAYLOAD / 4;

/// What both sides see.
struct Shared<'bound> {
    ring: DescriptorRing<'bound, TxSlot>,
    /// Slots filled.
    used: Published,
    /// Slots taken back.
    clean: Published,
    /// Where the next payload goes.
    head: AtomicU32,
    /// Payload from the head up to here is free.
    tail: AtomicU32,
    /// Per packet, at its first slot.
    records: KVec<AtomicU64>,
}

impl Shared<'_> {
    /// Where `len` bytes of payload can go: as one piece, leaving at least one byte free so that a
    /// full ring of bytes differs from an empty one.
    #[inline]
    fn place(&self, len: u32) -> Option<u32> {
        let head = self.head.load(Ordering::Relaxed);
        let tail = self.tail.load(Ordering::Acquire);
        if head < tail {
            return (len < tail - head).then_some(head);
        }
        if len < PAYLOAD.saturating_sub(head) {
            return Some(head);
        }
        (len < tail).then_some(0)
    }

    /// Whether, with `free` slots, any packet the stack may send next fits.
    #[inline]
    fn has_room(&self, free: u16) -> bool {
        free >= frame::MAX_TX_DESCRIPTORS && self.place(frame::MAX_TX_LEN + ALIGN).is_some()
    }
}

/// One packet: descriptors, bytes for byte queue limits, end of its payload, and whether its last
/// descriptor reports.
#[derive(Clone, Copy)]
struct Record {
    descriptors: u8,
    report: bool,
    bytes: u32,
    end: u32,
}

impl Record {
    const BYTES_SHIFT: u32 = 8;
    const BYTES_MASK: u64 = (1 << 23) - 1;
    const REPORT_SHIFT: u32 = 31;
    const END_SHIFT: u32 = 32;

    #[inline]
    fn pack(self) -> u64 {
        u64::from(self.descriptors)
            | (u64::from(self.bytes) & Self::BYTES_MASK) << Self::BYTES_SHIFT
            | u64::from(self.report) << Self::REPORT_SHIFT
            | u64::from(self.end) << Self::END_SHIFT
    }

    #[inline]
    fn unpack(word: u64) -> Self {
        Self {
            // CAST: bits 7:0, 30:8 and 63:32.
            descriptors: word as u8,
            report: word >> Self::REPORT_SHIFT & 1 != 0,
            bytes: (word >> Self::BYTES_SHIFT & Self::BYTES_MASK) as u32,
            end: (word >> Self::END_SHIFT) as u32,
        }
    }
}

/// Makes the two sides of a transmit queue of `size` descriptors. May sleep.
///
/// Errors: as [`Arena::region`].
pub fn tx_queue<'bound, D: Doorbell>(
    arena: &Arc<Arena<'bound>>,
    size: RingSize,
) -> Result<(TxQueueState<'bound, D>, TxCompletion<'bound>)> {
    let mut records = KVec::with_capacity(size.get().into(), GFP_KERNEL)?;
    for _ in 0..size.get() {
        records.push(AtomicU64::new(0), GFP_KERNEL)?;
    }
    let shared = Arc::new(
        Shared {
            ring: DescriptorRing::new(arena, size.get().into())?,
            used: Published::new(),
            clean: Published::new(),
            head: AtomicU32::new(0),
            tail: AtomicU32::new(0),
            records,
        },
        GFP_KERNEL,
    )?;
    let state = TxQueueState {
        shared: Arc::clone(&shared),
        payload: arena.region(Access::TxPayload, PAYLOAD as usize, ALIGN as usize)?,
        producer: Producer::new(size),
        contexts: TxContexts::new(),
        since_report: 0,
        bytes_since_report: 0,
        unannounced: false,
        doorbell: None,
    };
    let completion = TxCompletion {
        shared,
        consumer: Consumer::new(size),
        scan: Scan::default(),
    };
    Ok((state, completion))
}

/// The filling side, under the queue's transmit lock.
pub struct TxQueueState<'bound, D: Doorbell> {
    shared: Arc<Shared<'bound>>,
    payload: Region<'bound>,
    producer: Producer,
    contexts: TxContexts,
    /// Packets and bytes since the last descriptor that reports.
    since_report: u16,
    bytes_since_report: u32,
    /// Descriptors were written without a doorbell.
    unannounced: bool,
    doorbell: Option<D>,
}

impl<'bound, D: Doorbell> TxQueueState<'bound, D> {
    /// Address of the ring, for TDBAL and TDBAH.
    pub fn base(&self) -> Iova {
        self.shared.ring.base()
    }

    /// Descriptors of the ring.
    pub fn size(&self) -> RingSize {
        self.producer.size()
    }

    /// The device's queue has just been enabled with head and tail at 0. To be called once, before
    /// the queue is handed to the interface.
    pub fn start(&mut self, doorbell: D) {
        self.doorbell = Some(doorbell);
    }

    /// Returns how many packets the queue, which was stopped, holds that the device has not sent.
    /// `position` is the device's head and tail; all of them where they are not known, or are those
    /// of a device that was reset meanwhile.
    pub fn unsent(&self, position: Result<(u16, u16)>) -> u64 {
        let size = self.producer.size();
        let clean = self.shared.clean.read();
        let pending = size.distance(clean, self.producer.position());
        let sent = match position {
            Ok((head, tail)) if tail == self.producer.position() => size.distance(clean, head),
            _ => 0,
        };
        let (mut slot, mut seen, mut unsent) = (clean, 0u16, 0u64);
        while seen < pending {
            let word = self.shared.records.get(usize::from(slot));
            let record = Record::unpack(word.map_or(0, |word| word.load(Ordering::Relaxed)));
            let count = u16::from(record.descriptors)
                .max(1)
                .min(pending.wrapping_sub(seen));
            for _ in 0..count {
                slot = size.next(slot);
            }
            seen = seen.wrapping_add(count);
            unsent = unsent.wrapping_add(u64::from(seen > sent));
        }
        unsent
    }

    #[inline]
    fn has_room(&self) -> bool {
        self.shared
            .has_room(self.producer.free(self.shared.clean.read()))
    }

    /// Sends `skb`, or drops and counts it when the device cannot send it as asked.
    #[inline]
    pub fn send(&mut self, queue: &TxQueue<'_>, mut skb: SkBuff) -> TxOutcome {
        if !self.has_room() {
            // The queue is stopped before room can run out; a caller that ignores that is told.
            if queue.stop_unless(|| self.has_room()) {
                self.flush(queue);
                return TxOutcome::Busy(skb);
            }
        }
        let mut info = skb.transmit_info();
        if info.checksum() == Some(L4Checksum::Other) && skb.checksum_in_software(queue).is_ok() {
            info = skb.transmit_info();
        }
        let result = match offload(&info) {
            Ok(offload) => self.enqueue(queue, &skb, &info, &offload),
            Err(_) => Err(EINVAL),
        };
        match result {
            Ok(doorbell_due) => {
                skb.consume(queue);
                if doorbell_due {
                    self.announce(queue);
                }
            }
            Err(_) => {
                queue.stats().add_dropped(1);
                self.flush(queue);
            }
        }
        TxOutcome::Taken
    }

    /// Returns whether the doorbell is due.
    #[inline]
    fn enqueue(
        &mut self,
        queue: &TxQueue<'_>,
        skb: &SkBuff,
        info: &TransmitInfo,
        offload: &TxOffload,
    ) -> Result<bool> {
        let wanted = info.len().max(frame::MIN_TX_LEN);
        let start = self.shared.place(wanted).ok_or(ENOSPC)?;
        let written = skb.write_to(info, &mut self.payload, start as usize, MIN_LEN)?;
        // CAST: `place` has bounded it by the payload memory.
        let len = written as u32;
        let spans = frame::tx_spans(len).ok_or(EMSGSIZE)?;

        let (slot, context) = self.contexts.select(offload.context());
        let Ok(frame) = offload.frame(len, slot) else {
            self.contexts.clear();
            return Err(EINVAL);
        };

        let first = self.producer.position();
        let mut descriptors = 0u8;
        if let Some(context) = context {
            let slot = self.producer.push();
            self.shared.ring.write(slot.into(), context.into());
            descriptors = descriptors.wrapping_add(1);
        }
        let mut last = None;
        for (nth, (offset, span)) in (0..spans).zip(frame::tx_span_ranges(len)) {
            let Some(iova) = self.payload.iova(start.wrapping_add(offset) as usize) else {
                break;
            };
            let position = TxPosition::of(nth, spans);
            let slot = self.producer.push();
            descriptors = descriptors.wrapping_add(1);
            let with =
                |report| TxSlot::from(TxDescriptor::data(iova, span, &frame, position, report));
            if nth.wrapping_add(1) == spans {
                last = Some((slot, with(true), with(false)));
            } else {
                self.shared.ring.write(slot.into(), with(false));
            }
        }
        let Some((last_slot, reporting, silent)) = last else {
            self.producer.unpush(descriptors.into());
            self.contexts.clear();
            return Err(EINVAL);
        };

        // Rounded up; no sum here comes near 2^32.
        let end = start.wrapping_add(len).wrapping_add(ALIGN - 1) & !(ALIGN - 1);
        let head = if end < PAYLOAD { end } else { 0 };
        self.shared.head.store(head, Ordering::Relaxed);
        queue.stop_unless(|| self.has_room());
        let sent = queue.sent(len);
        self.since_report = self.since_report.saturating_add(1);
        self.bytes_since_report = self.bytes_since_report.saturating_add(len);
        let report = sent.stopped()
            || self.since_report >= REPORT_EVERY.min(self.producer.size().get() / 8)
            || self.bytes_since_report >= REPORT_BYTES;
        self.shared
            .ring
            .write(last_slot.into(), if report { reporting } else { silent });
        let record = Record {
            descriptors,
            report,
            bytes: len,
            end: head,
        };
        if let Some(word) = self.shared.records.get(usize::from(first)) {
            word.store(record.pack(), Ordering::Relaxed);
        }
        if report {
            self.since_report = 0;
            self.bytes_since_report = 0;
        }
        self.shared.used.publish(self.producer.position());
        self.unannounced = true;

        let stats = queue.stats();
        let segments = u64::from(info.segments());
        // Each segment has headers of its own.
        let repeated = segments.wrapping_sub(1) * u64::from(offload.header_len());
        stats.add_packets(segments);
        stats.add_bytes(repeated.wrapping_add(info.len().into()));
        if info.tso().is_some() {
            stats.add_tso_packets(1);
        } else if info.checksum().is_some() {
            stats.add_csum_offload(1);
        }
        Ok(sent.doorbell_due())
    }

    #[inline]
    fn announce(&mut self, queue: &TxQueue<'_>) {
        if let Some(doorbell) = &self.doorbell {
            self.shared.ring.publish();
            doorbell.ring(self.producer.position());
            queue.stats().add_doorbells(1);
        }
        self.unannounced = false;
    }

    /// Announces what an earlier packet of the batch left to a later one, which will not be sent.
    #[cold]
    pub fn flush(&mut self, queue: &TxQueue<'_>) {
        if self.unannounced {
            self.announce(queue);
        }
    }
}

/// What the device is asked to do for the packet.
#[inline]
fn offload(info: &TransmitInfo) -> Result<TxOffload, OffloadError> {
    let headers = || {
        let mac = info.l3_offset() as usize;
        let ip = (info.l4_offset() as usize).saturating_sub(mac);
        (mac, ip)
    };
    let offload = match info.checksum() {
        None => TxOffload::none(),
        Some(checksum) => {
            let (mac, ip) = headers();
            let proto = match checksum {
                L4Checksum::Tcp => L4Proto::Tcp,
                L4Checksum::Udp => L4Proto::Udp,
                L4Checksum::Sctp => L4Proto::Sctp,
                L4Checksum::Other => return Err(OffloadError::HeaderLength),
            };
            match info.tso() {
                None => TxOffload::checksum(proto, mac, ip)?,
                Some((mss, l4_len)) => {
                    let version = if info.is_ipv4() {
                        IpVersion::V4
                    } else {
                        IpVersion::V6
                    };
                    TxOffload::segment(proto, version, mac, ip, l4_len as usize, mss.into())?
                }
            }
        }
    };
    Ok(match info.vlan() {
        Some(tag) => offload.with_vlan(tag),
        None => offload,
    })
}

/// How far the reaping side has looked, beyond what is known to be done.
#[derive(Clone, Copy, Default)]
struct Scan {
    /// The slot to look at next.
    slot: u16,
    /// What lies between the last packet taken back and there.
    packets: u32,
    bytes: u32,
}

/// The reaping side, in the poll function.
pub struct TxCompletion<'bound> {
    shared: Arc<Shared<'bound>>,
    consumer: Consumer,
    scan: Scan,
}

impl TxCompletion<'_> {
    /// Takes back what the device has sent, and restarts the queue if it was stopped.
    #[inline]
    pub fn poll(&mut self, poll: &Poll<'_>) {
        let size = self.consumer.size();
        let used = self.shared.used.read();
        let mut scan = self.scan;
        let mut pending = size.distance(scan.slot, used);
        let (mut done_packets, mut done_bytes, mut end) = (0u32, 0u32, None);
        // Reports are sparse: packets without one are done when a later one is.
        while pending != 0 {
            let Some(word) = self.shared.records.get(usize::from(scan.slot)) else {
                break;
            };
            let record = Record::unpack(word.load(Ordering::Relaxed));
            let count = u16::from(record.descriptors).max(1).min(pending);
            let mut last = scan.slot;
            for _ in 1..count {
                last = size.next(last);
            }
            if record.report && self.shared.ring.poll(last.into()).is_none() {
                break;
            }
            scan.slot = size.next(last);
            scan.packets = scan.packets.wrapping_add(1);
            scan.bytes = scan.bytes.wrapping_add(record.bytes);
            pending -= count;
            if record.report {
                done_packets = done_packets.wrapping_add(scan.packets);
                done_bytes = done_bytes.wrapping_add(scan.bytes);
                (scan.packets, scan.bytes) = (0, 0);
                end = Some((scan.slot, record.end));
            }
        }
        self.scan = scan;
        let Some((clean, payload_end)) = end else {
            return;
        };
        self.consumer.release_to(clean);
        self.shared.tail.store(payload_end, Ordering::Release);
        self.shared.clean.publish(clean);

        let queue = poll.completions();
        queue.completed(done_packets, done_bytes);
        // Only with half of the ring free, so that the queue does not stop again at once.
        let busy = self.consumer.pending(used);
        let free = size.get().saturating_sub(busy).saturating_sub(1);
        queue.wake_if(|| busy < size.get() / 2 && self.shared.has_room(free));
    }
}
