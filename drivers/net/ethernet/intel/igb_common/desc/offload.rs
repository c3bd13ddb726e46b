// SPDX-License-Identifier: GPL-2.0

//! What a transmitted frame asks the device to do, and the contexts that carry it.

use super::{
    TxDescriptor,
    TxFrame, //
};

const TUCMD_IPV4: u32 = 1 << 10;
const TUCMD_L4T_SHIFT: u32 = 11;
const MACLEN_SHIFT: u32 = 9;
const VLAN_SHIFT: u32 = 16;
const L4LEN_SHIFT: u32 = 8;
const MSS_SHIFT: u32 = 16;

const MACLEN_MAX: usize = 127;
const IPLEN_MAX: usize = 511;
const L4LEN_MAX: usize = 255;
const PAYLEN_MAX: u32 = (1 << 18) - 1;

/// Length of an untagged Ethernet header.
const ETH_HLEN: u8 = 14;

/// The transport protocols whose checksum the device can insert.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum L4Proto {
    /// UDP; the field holds the pseudo header's sum.
    Udp,
    /// TCP; the field holds the pseudo header's sum.
    Tcp,
    /// SCTP (CRC32c).
    Sctp,
}

/// The IP version under a segmented packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IpVersion {
    /// The device also computes each segment's header checksum.
    V4,
    /// No header checksum.
    V6,
}

/// Why an offload cannot be expressed in a descriptor. Do it in software, or drop the frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OffloadError {
    /// A header is longer than its field (127 bytes MAC, 511 IP, 255 L4), or empty.
    HeaderLength,
    /// The segment size is zero or above 65535.
    SegmentSize,
    /// The frame is shorter than its headers or carries more than 262143 bytes.
    FrameLength,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum L4 {
    None,
    Checksum(L4Proto),
    Segment {
        proto: L4Proto,
        ip: IpVersion,
        l4_len: u8,
        mss: u16,
    },
}

/// What a frame asks of the device: checksum, segmentation, VLAN tag.
///
/// # Examples
///
/// ```
/// use igb_common::desc::{IpVersion, L4Proto, OffloadError, TxOffload};
///
/// let segment = |size| TxOffload::segment(L4Proto::Tcp, IpVersion::V4, 14, 20, 32, size);
/// assert_eq!(segment(1448).map(|offload| offload.header_len()).ok(), Some(66));
/// assert!(segment(0).err() == Some(OffloadError::SegmentSize));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TxOffload {
    mac_len: u8,
    ip_len: u16,
    l4: L4,
    vlan: Option<u16>,
}

impl TxOffload {
    /// Nothing: send the bytes as they are.
    #[inline]
    pub const fn none() -> Self {
        Self {
            mac_len: ETH_HLEN,
            ip_len: 0,
            l4: L4::None,
            vlan: None,
        }
    }

    /// Insert the checksum of `proto`.
    ///
    /// `mac_len` is the offset of the network header, `ip_len` the distance from there to the
    /// transport header (so it counts IPv6 extension headers), in bytes.
    ///
    /// # Errors
    ///
    /// [`OffloadError::HeaderLength`] if a length does not fit.
    #[inline]
    pub fn checksum(proto: L4Proto, mac_len: usize, ip_len: usize) -> Result<Self, OffloadError> {
        Ok(Self {
            mac_len: field(mac_len, MACLEN_MAX)?,
            ip_len: field(ip_len, IPLEN_MAX)?,
            l4: L4::Checksum(proto),
            vlan: None,
        })
    }

    /// Cut the payload into segments of `mss` bytes, each with the headers and its checksums.
    ///
    /// Lengths as in [`TxOffload::checksum`]; `l4_len` is the transport header with options. The
    /// transport checksum field must hold the pseudo header's sum without the length, the IP length
    /// field (and the IPv4 checksum) must be zero.
    ///
    /// # Errors
    ///
    /// [`OffloadError::HeaderLength`] if a length does not fit, [`OffloadError::SegmentSize`] if
    /// `mss` does not.
    #[inline]
    pub fn segment(
        proto: L4Proto,
        ip: IpVersion,
        mac_len: usize,
        ip_len: usize,
        l4_len: usize,
        mss: usize,
    ) -> Result<Self, OffloadError> {
        let mss = match u16::try_from(mss) {
            Ok(mss) if mss != 0 => mss,
            _ => return Err(OffloadError::SegmentSize),
        };
        Ok(Self {
            mac_len: field(mac_len, MACLEN_MAX)?,
            ip_len: field(ip_len, IPLEN_MAX)?,
            l4: L4::Segment {
                proto,
                ip,
                l4_len: field(l4_len, L4LEN_MAX)?,
                mss,
            },
            vlan: None,
        })
    }

    /// Also insert the VLAN tag `tag` (priority, DEI, VID).
    #[inline]
    pub const fn with_vlan(mut self, tag: u16) -> Self {
        self.vlan = Some(tag);
        self
    }

    /// Bytes of all headers that every segment repeats; 0 if the frame is not segmented.
    #[inline]
    pub fn header_len(&self) -> u32 {
        match self.l4 {
            L4::Segment { l4_len, .. } => {
                u32::from(self.mac_len) + u32::from(self.ip_len) + u32::from(l4_len)
            }
            L4::None | L4::Checksum(_) => 0,
        }
    }

    /// The context the frame needs in the queue before its data, or `None` if it needs none.
    #[inline]
    pub fn context(&self) -> Option<TxContext> {
        let mut tucmd = 0;
        let mut mss_l4len = 0;
        match self.l4 {
            L4::None if self.vlan.is_none() => return None,
            L4::None => {}
            L4::Checksum(proto) => tucmd = l4t(proto),
            L4::Segment {
                proto,
                ip,
                l4_len,
                mss,
            } => {
                tucmd = l4t(proto);
                if ip == IpVersion::V4 {
                    tucmd |= TUCMD_IPV4;
                }
                mss_l4len = (u32::from(l4_len) << L4LEN_SHIFT) | (u32::from(mss) << MSS_SHIFT);
            }
        }
        Some(TxContext {
            vlan_macip_lens: (u32::from(self.vlan.unwrap_or(0)) << VLAN_SHIFT)
                | (u32::from(self.mac_len) << MACLEN_SHIFT)
                | u32::from(self.ip_len),
            tucmd,
            mss_l4len,
        })
    }

    /// The command bits for a frame of `frame_len` bytes whose context is in `slot`.
    ///
    /// # Errors
    ///
    /// [`OffloadError::FrameLength`] if there is no payload after the headers to be repeated, or
    /// more than the descriptor can say.
    #[inline]
    pub fn frame(&self, frame_len: u32, slot: TxContextSlot) -> Result<TxFrame, OffloadError> {
        let paylen = match frame_len.checked_sub(self.header_len()) {
            Some(paylen) if paylen != 0 && paylen <= PAYLEN_MAX => paylen,
            _ => return Err(OffloadError::FrameLength),
        };
        let mut frame = TxFrame::new(paylen).in_context(slot);
        if self.vlan.is_some() {
            frame = frame.insert_vlan();
        }
        match self.l4 {
            L4::None => {}
            L4::Checksum(_) => frame = frame.insert_l4_checksum(),
            L4::Segment { ip, .. } => {
                frame = frame.segment().insert_l4_checksum();
                if ip == IpVersion::V4 {
                    frame = frame.insert_ip_checksum();
                }
            }
        }
        Ok(frame)
    }
}

/// The content of a context descriptor; comparable, so that one the queue already holds is not sent
/// again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TxContext {
    vlan_macip_lens: u32,
    tucmd: u32,
    mss_l4len: u32,
}

impl TxContext {
    /// The descriptor that loads the context into `slot` of a queue.
    #[inline]
    pub const fn descriptor(self, slot: TxContextSlot) -> TxDescriptor {
        TxDescriptor::context(self.vlan_macip_lens, self.tucmd, self.mss_l4len, slot)
    }
}

/// One of the two contexts every transmit queue holds (IDX).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TxContextSlot {
    /// IDX 0.
    #[default]
    First,
    /// IDX 1.
    Second,
}

/// What the two contexts of a transmit queue hold; belongs to whoever fills the queue.
///
/// Two streams that alternate (segmented data out, bare acknowledgements for data in) so need one
/// data descriptor per packet and no context descriptor at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct TxContexts {
    first: Option<TxContext>,
    second: Option<TxContext>,
    latest: TxContextSlot,
}

impl TxContexts {
    /// Knows nothing about the queue: the state after it was enabled.
    #[inline]
    pub const fn new() -> Self {
        Self {
            first: None,
            second: None,
            latest: TxContextSlot::First,
        }
    }

    /// The slot for `context`, and the descriptor to put before the data if the queue does not hold
    /// it yet. Overwrites the slot not used by the previous frame.
    ///
    /// The descriptor must go into the ring: call this only when there is room for the whole frame,
    /// and [`TxContexts::clear`] if it is given up after all.
    #[inline]
    pub fn select(&mut self, context: Option<TxContext>) -> (TxContextSlot, Option<TxDescriptor>) {
        let Some(context) = context else {
            return (self.latest, None);
        };
        let (slot, known) = if self.first == Some(context) {
            (TxContextSlot::First, true)
        } else if self.second == Some(context) {
            (TxContextSlot::Second, true)
        } else {
            match self.latest {
                TxContextSlot::First => (TxContextSlot::Second, false),
                TxContextSlot::Second => (TxContextSlot::First, false),
            }
        };
        self.latest = slot;
        if known {
            return (slot, None);
        }
        match slot {
            TxContextSlot::First => self.first = Some(context),
            TxContextSlot::Second => self.second = Some(context),
        }
        (slot, Some(context.descriptor(slot)))
    }

    /// Forgets everything: call when the queue was disabled or the device reset.
    #[inline]
    pub fn clear(&mut self) {
        *self = Self::new();
    }
}

#[inline]
const fn l4t(proto: L4Proto) -> u32 {
    let code = match proto {
        L4Proto::Udp => 0,
        L4Proto::Tcp => 1,
        L4Proto::Sctp => 2,
    };
    code << TUCMD_L4T_SHIFT
}

#[inline]
fn field<T: TryFrom<usize>>(len: usize, max: usize) -> Result<T, OffloadError> {
    if len == 0 || len > max {
        return Err(OffloadError::HeaderLength);
    }
    T::try_from(len).map_err(|_| OffloadError::HeaderLength)
}
