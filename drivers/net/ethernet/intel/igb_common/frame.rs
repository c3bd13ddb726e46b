// SPDX-License-Identifier: GPL-2.0

//! Sizes: MTU, frames, transmit spans, flow control thresholds.

/// Smallest MTU (IPv4's minimum).
pub const MIN_MTU: u32 = 68;
/// Largest MTU.
pub const MAX_MTU: u32 = 9216;
/// Largest frame the receiver can be told to accept, with FCS (RLPML); the C drivers' limit, too.
pub const MAX_FRAME: u16 = 0x2600;
/// Shortest frame the transmitter takes, without FCS. Pad shorter ones with zeroes.
pub const MIN_TX_LEN: u32 = 17;

/// Ethernet header, FCS and two VLAN tags.
const OVERHEAD: u16 = 14 + 4 + 2 * 4;

/// Most bytes of a frame that one data descriptor carries.
pub const TX_SPAN_LEN: u16 = 16 * 1024;
/// Largest frame handed to the device, segmentation included; give it to the stack as limit.
pub const MAX_TX_LEN: u32 = 64 * 1024;
/// Most descriptors a frame needs: a context and the spans of a frame of [`MAX_TX_LEN`].
pub const MAX_TX_DESCRIPTORS: u16 = 1 + 4;

/// An MTU the device can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mtu(u16);

impl Mtu {
    /// 1500, Ethernet's.
    pub const DEFAULT: Self = Self(1500);

    /// Checks `mtu` against [`MIN_MTU`] and [`MAX_MTU`].
    #[inline]
    pub const fn new(mtu: u32) -> Option<Self> {
        if mtu >= MIN_MTU && mtu <= MAX_MTU {
            // CAST: at most 9216.
            Some(Self(mtu as u16))
        } else {
            None
        }
    }

    /// The MTU in bytes.
    #[inline]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Bytes of the longest frame with this MTU: two VLAN tags and FCS included. What goes into
    /// RLPML and a VF's SET_LPE request.
    #[inline]
    pub const fn max_frame(self) -> u16 {
        // At most 9242.
        self.0.wrapping_add(OVERHEAD)
    }
}

/// How many data descriptors a frame of `len` bytes needs; `None` if it is empty or longer than
/// [`MAX_TX_LEN`].
#[inline]
pub const fn tx_spans(len: u32) -> Option<u32> {
    if len == 0 || len > MAX_TX_LEN {
        None
    } else {
        // CAST: widening.
        Some(len.div_ceil(TX_SPAN_LEN as u32))
    }
}

/// The parts of a frame, one per data descriptor, as (offset, length).
///
/// Empty for a frame that [`tx_spans`] refuses.
///
/// # Examples
///
/// ```
/// use igb_common::frame::tx_span_ranges;
///
/// assert!(tx_span_ranges(1514).eq([(0, 1514)]));
/// assert!(tx_span_ranges(40_000).eq([(0, 16384), (16384, 16384), (32768, 7232)]));
/// ```
#[inline]
pub fn tx_span_ranges(len: u32) -> impl Iterator<Item = (u32, u16)> {
    let span = u32::from(TX_SPAN_LEN);
    (0..tx_spans(len).unwrap_or(0)).map(move |index| {
        let offset = index.wrapping_mul(span);
        // CAST: at most TX_SPAN_LEN.
        (offset, len.wrapping_sub(offset).min(span) as u16)
    })
}

/// How much of a frame [`tcp_headers`] looks at.
pub const BEGINNING: usize = 128;

/// Bytes of headers of a TCP segment to a station, given the beginning of its frame; `None` for
/// anything else: groups, fragments, tags, IPv6 with extension headers, and what is cut off.
///
/// A frame may be shorter than its beginning; what follows it there is anything.
#[inline]
pub fn tcp_headers(frame: &[u8; BEGINNING]) -> Option<usize> {
    const ETHERNET: usize = 14;
    const TCP: u8 = 6;

    let version = frame[ETHERNET] >> 4;
    let (ip, protocol) = match (frame[12], frame[13], version) {
        // More fragments, or an offset.
        (0x08, 0x00, 4) if frame[20] & 0x3f | frame[21] == 0 => {
            (usize::from(frame[ETHERNET] & 15) * 4, frame[23])
        }
        (0x86, 0xdd, 6) => (40, frame[20]),
        _ => return None,
    };
    let tcp = ETHERNET + ip;
    let words = frame.get(tcp + 12)? >> 4;
    let end = tcp + usize::from(words) * 4;
    let group = frame[0] & 1 != 0;
    (protocol == TCP && ip >= 20 && words >= 5 && end <= frame.len() && !group).then_some(end)
}

/// Flow control thresholds in bytes: (FCRTH, FCRTL) for a receive packet buffer of `rxpbs` KiB. FCRTL
/// goes into the register with XONE. Above the high one there is still room for a frame in flight.
/// `None` if the packet buffer is too small to use flow control at all.
#[inline]
pub const fn flow_thresholds(rxpbs: u32, max_frame: u16) -> Option<(u32, u32)> {
    let buffer = rxpbs.saturating_mul(1024);
    // CAST: widening.
    let reserve = max_frame as u32 + MAX_FRAME as u32;
    match buffer.checked_sub(reserve) {
        // Granularity 16 bytes.
        Some(high) if high >= 32 => Some((high & !15, (high & !15) - 16)),
        _ => None,
    }
}
