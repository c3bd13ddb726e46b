// SPDX-License-Identifier: GPL-2.0

//! The work that the stack leaves to the device for a packet it sends: checksums, segmentation,
//! tags.
//!
//! C header: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h)

use crate::raw;

use super::features::{
    self,
    Features, //
};

/// Offsets of the checksum in a transport header; those of TCP and UDP differ from all others.
const TCP_CHECK: u16 = 16;
const UDP_CHECK: u16 = 6;
const SCTP_CHECK: u16 = 8;

/// Offset of the byte of a TCP header whose upper half is the header's length in words.
const TCP_DOFF: usize = 12;

/// Bytes of a TCP header that [`TransmitInfo`] looks into.
const TCP_SEEN: u32 = 18;

/// Which checksum the device is to fill in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum L4Checksum {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP's CRC32c.
    Sctp,
    /// In some other place; see
    /// [`SkBuff::checksum_in_software`](super::SkBuff::checksum_in_software).
    Other,
}

/// Segmentation that the device is to do.
#[derive(Clone, Copy)]
struct Tso {
    size: u16,
    segments: u16,
    header_len: u32,
    /// The TCP checksum field to send instead, in memory order.
    check: u16,
}

/// What the stack asks of the device for a packet. Offsets are from the start of the packet.
pub struct TransmitInfo {
    len: u32,
    l3_offset: u32,
    l4_offset: u32,
    checksum: Option<L4Checksum>,
    is_ipv4: bool,
    vlan: Option<u16>,
    tso: Option<Tso>,
}

impl TransmitInfo {
    /// Looks at a packet.
    ///
    /// # Safety
    ///
    /// `skb` must be valid, on its way out, and change only in its count of users meanwhile.
    #[inline]
    pub(super) unsafe fn of(skb: *const raw::sk_buff) -> Self {
        // SAFETY: by the safety requirement.
        let packet = unsafe { Packet::new(skb) };
        let mut info = Self {
            len: packet.len(),
            l3_offset: 0,
            l4_offset: 0,
            checksum: None,
            is_ipv4: false,
            vlan: packet.vlan(),
            tso: None,
        };
        if !packet.asks_for_checksum() {
            return info;
        }
        info.l3_offset = packet.l3_offset();
        info.l4_offset = packet.l4_offset();
        info.is_ipv4 = packet.is_ipv4();
        let checksum = match packet.checksum_offset() {
            TCP_CHECK => L4Checksum::Tcp,
            UDP_CHECK => L4Checksum::Udp,
            SCTP_CHECK if packet.is_sctp() => L4Checksum::Sctp,
            _ => L4Checksum::Other,
        };
        info.checksum = Some(checksum);
        if checksum == L4Checksum::Tcp {
            info.tso = packet.tso();
        }
        info
    }

    /// Bytes of the packet, without padding and CRC.
    #[inline]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether the packet has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The checksum to fill in.
    #[inline]
    pub fn checksum(&self) -> Option<L4Checksum> {
        self.checksum
    }

    /// Offset of the network header; meaningful with a checksum.
    #[inline]
    pub fn l3_offset(&self) -> u32 {
        self.l3_offset
    }

    /// Offset of the transport header; meaningful with a checksum.
    #[inline]
    pub fn l4_offset(&self) -> u32 {
        self.l4_offset
    }

    /// Whether the network header is IPv4's; meaningful with a checksum.
    #[inline]
    pub fn is_ipv4(&self) -> bool {
        self.is_ipv4
    }

    /// Bytes of payload per segment and of the TCP header, when the device is to segment.
    #[inline]
    pub fn tso(&self) -> Option<(u16, u32)> {
        self.tso.map(|tso| (tso.size, tso.header_len))
    }

    /// The TCP checksum field to send instead of the packet's when the device is to segment, in
    /// memory order: the pseudo header's sum without the length, to which the device adds that of
    /// each segment.
    #[inline]
    pub(super) fn tso_check(&self) -> Option<u16> {
        self.tso.map(|tso| tso.check)
    }

    /// Segments the device will make; 1 without segmentation.
    #[inline]
    pub fn segments(&self) -> u16 {
        self.tso.map_or(1, |tso| tso.segments.max(1))
    }

    /// The VLAN tag to insert (TCI).
    #[inline]
    pub fn vlan(&self) -> Option<u16> {
        self.vlan
    }
}

/// The features that the device can use for a packet: `features` without those it has no means for.
///
/// `max_l2` and `max_l3` are the longest headers that offloads can handle, in bytes.
///
/// # Safety
///
/// As for [`TransmitInfo::of`].
#[inline]
pub(super) unsafe fn features_for(
    skb: *const raw::sk_buff,
    features: Features,
    max_l2: u32,
    max_l3: u32,
) -> Features {
    const OFFLOADS: Features = features::HW_CSUM
        .with(features::SCTP_CRC)
        .with(features::VLAN_TX)
        .with(features::TSO)
        .with(features::TSO6);

    // SAFETY: by the safety requirement.
    let packet = unsafe { Packet::new(skb) };
    if !packet.asks_for_checksum() {
        return features;
    }
    let l2 = packet.l3_offset();
    if l2 > max_l2 || packet.l4_offset().wrapping_sub(l2) > max_l3 {
        return features.without(OFFLOADS);
    }
    // Tunnels: the device would segment and sum the outer headers.
    if packet.is_encapsulated() && packet.gso_size() != 0 {
        return features.without(features::ALL_SEGMENTATION);
    }
    features
}

/// A packet on its way out, to look at.
///
/// # Invariants
///
/// The pointer is valid for as long as the value is used, and nothing in it changes but its count
/// of users.
struct Packet(*const raw::sk_buff);

impl Packet {
    /// # Safety
    ///
    /// As for [`TransmitInfo::of`], as long as the result is used.
    #[inline(always)]
    unsafe fn new(skb: *const raw::sk_buff) -> Self {
        // INVARIANT: by the safety requirement.
        Self(skb)
    }

    #[inline(always)]
    fn headers(&self) -> *const raw::sk_buff__bindgen_ty_4__bindgen_ty_2 {
        // SAFETY: valid (invariant); every bit pattern is a valid member of the union.
        unsafe { (&raw const (*self.0).__bindgen_anon_4.headers).cast() }
    }

    #[inline(always)]
    fn shared_info(&self) -> *const raw::skb_shared_info {
        // SAFETY: valid (invariant); the structure is where the packet's linear part ends.
        unsafe { (*self.0).head.add((*self.0).end as usize).cast() }
    }

    /// Bytes between the start of the buffer and that of the packet.
    #[inline(always)]
    fn headroom(&self) -> u32 {
        // SAFETY: valid (invariant); both pointers are into the one buffer.
        // CAST: a buffer is far smaller than 4 GiB.
        unsafe { (*self.0).data.offset_from((*self.0).head) as u32 }
    }

    #[inline(always)]
    fn len(&self) -> u32 {
        // SAFETY: valid (invariant).
        unsafe { (*self.0).len }
    }

    #[inline(always)]
    fn vlan(&self) -> Option<u16> {
        // SAFETY: valid (invariant); every bit pattern is a valid member of the unions.
        let (all, tag) = unsafe {
            let vlan = &raw const (*self.headers()).__bindgen_anon_2;
            ((*vlan).vlan_all, (*vlan).__bindgen_anon_1.vlan_tci)
        };
        (all != 0).then_some(tag)
    }

    #[inline(always)]
    fn asks_for_checksum(&self) -> bool {
        // SAFETY: valid (invariant).
        let asked =
            unsafe { raw::sk_buff__bindgen_ty_4__bindgen_ty_2::ip_summed_raw(self.headers()) };
        u32::from(asked) == raw::CHECKSUM_PARTIAL
    }

    #[inline(always)]
    fn is_sctp(&self) -> bool {
        // SAFETY: valid (invariant); the function only reads.
        unsafe { raw::nic_skb_csum_is_sctp(self.0.cast_mut()) }
    }

    #[inline(always)]
    fn is_encapsulated(&self) -> bool {
        // SAFETY: valid (invariant).
        unsafe { raw::sk_buff__bindgen_ty_4__bindgen_ty_2::encapsulation_raw(self.headers()) != 0 }
    }

    #[inline(always)]
    fn l3_offset(&self) -> u32 {
        // SAFETY: valid (invariant).
        u32::from(unsafe { (*self.headers()).network_header }).wrapping_sub(self.headroom())
    }

    #[inline(always)]
    fn checksum_start(&self) -> u16 {
        // SAFETY: valid (invariant); every bit pattern is a valid member of the union.
        unsafe {
            (*self.headers())
                .__bindgen_anon_1
                .__bindgen_anon_1
                .csum_start
        }
    }

    #[inline(always)]
    fn checksum_offset(&self) -> u16 {
        // SAFETY: as in `checksum_start`.
        unsafe {
            (*self.headers())
                .__bindgen_anon_1
                .__bindgen_anon_1
                .csum_offset
        }
    }

    #[inline(always)]
    fn l4_offset(&self) -> u32 {
        u32::from(self.checksum_start()).wrapping_sub(self.headroom())
    }

    #[inline(always)]
    fn is_ipv4(&self) -> bool {
        // SAFETY: valid (invariant); looks behind VLAN tags in the packet, checking its length.
        let protocol = unsafe { raw::nic_vlan_get_protocol(self.0) };
        // CAST: a 16-bit constant.
        protocol == (raw::ETH_P_IP as u16).to_be()
    }

    /// Bytes per segment, 0 without segmentation.
    #[inline(always)]
    fn gso_size(&self) -> u16 {
        // SAFETY: valid (invariant).
        unsafe { (*self.shared_info()).gso_size }
    }

    /// Segmentation, of a packet with a TCP checksum to fill in.
    #[inline(always)]
    fn tso(&self) -> Option<Tso> {
        let size = self.gso_size();
        let l4_offset = self.l4_offset();
        // SAFETY: valid (invariant).
        let linear = self.len().wrapping_sub(unsafe { (*self.0).data_len });
        if size == 0 || l4_offset.checked_add(TCP_SEEN)? > linear {
            return None;
        }
        // SAFETY: valid (invariant); the bytes of the header are in the linear part, as checked.
        let (segments, doff, check) = unsafe {
            let header = (*self.0).data.add(l4_offset as usize).cast_const();
            (
                (*self.shared_info()).gso_segs,
                header.add(TCP_DOFF).read(),
                header.add(TCP_CHECK.into()).cast::<u16>().read_unaligned(),
            )
        };
        Some(Tso {
            size,
            segments,
            header_len: u32::from(doff >> 4) * 4,
            check: without_length(check, self.len().wrapping_sub(l4_offset)),
        })
    }
}

/// Takes `length` out of the pseudo header's sum `check`, which is in memory order.
#[inline(always)]
fn without_length(check: u16, length: u32) -> u16 {
    let mut sum = u64::from(!u32::from(check)) + u64::from(length.to_be());
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    // CAST: folded to 16 bits.
    !(sum as u16)
}
