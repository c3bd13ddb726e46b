// SPDX-License-Identifier: GPL-2.0

//! Receive descriptors: the read format the driver writes, the write-back format it finds.

use nic::dma::Iova;

/// A receive descriptor that offers a buffer to the device.
#[derive(Clone, Copy)]
pub struct RxDescriptor([u64; 2]);

impl RxDescriptor {
    /// Offers the buffer at `pkt`, and one for a split-off header at `hdr`.
    ///
    /// Bit 0 of the header address shares its place with the done bit of the write-back, so it is
    /// cleared: a descriptor is never done before the device had it. (The start of an arena is
    /// page aligned, so the address stays inside.)
    #[inline]
    pub fn read_format(pkt: Iova, hdr: Option<Iova>) -> Self {
        let hdr = match hdr {
            Some(iova) => iova.to_bits() & !1,
            None => 0,
        };
        Self([pkt.to_bits(), hdr])
    }

    /// The two words to store, in CPU byte order.
    #[inline]
    pub const fn to_words(self) -> [u64; 2] {
        self.0
    }
}

const STATUS_DD: u32 = 1 << 0;
const STATUS_EOP: u32 = 1 << 1;
const STATUS_IXSM: u32 = 1 << 2;
const STATUS_VP: u32 = 1 << 3;
const STATUS_UDPCS: u32 = 1 << 4;
const STATUS_TCPCS: u32 = 1 << 5;
const ERROR_CE: u32 = 1 << 24;
const ERROR_SE: u32 = 1 << 25;
const ERROR_SEQ: u32 = 1 << 26;
const ERROR_CXE: u32 = 1 << 28;
const ERROR_L4E: u32 = 1 << 29;
const ERROR_IPE: u32 = 1 << 30;
const ERROR_RXE: u32 = 1 << 31;
const ERROR_FRAME: u32 = ERROR_CE | ERROR_SE | ERROR_SEQ | ERROR_CXE | ERROR_RXE;

/// A receive descriptor as the device left it.
///
/// Any bit pattern is a valid value: what the accessors return is what the device claims. Nothing
/// but [`RxWriteback::is_done`] means anything before that returns true.
///
/// # Examples
///
/// ```
/// use igb_common::desc::{ChecksumVerdict, RxWriteback};
///
/// // Done, end of packet, checksum good; 60 bytes.
/// let desc = RxWriteback::from_words([0, 60 << 32 | 0x23]);
/// assert!(desc.is_done() && desc.is_end());
/// assert_eq!(desc.length(), 60);
/// assert!(desc.checksum(60) == ChecksumVerdict::Unnecessary);
/// assert_eq!(desc.vlan_tag(), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RxWriteback([u64; 2]);

impl RxWriteback {
    /// Wraps the two words of a descriptor, in CPU byte order.
    #[inline]
    pub const fn from_words(words: [u64; 2]) -> Self {
        Self(words)
    }

    /// Whether the second word of a descriptor says that the device is done with it (DD). Read that
    /// word first, then a read barrier, then the first.
    #[inline]
    pub const fn done(word1: u64) -> bool {
        // CAST: the low half is wanted.
        word1 as u32 & STATUS_DD != 0
    }

    #[inline]
    const fn status_error(self) -> u32 {
        let [_, word1] = self.0;
        // CAST: the low half is wanted.
        word1 as u32
    }

    #[inline]
    const fn has(self, bits: u32) -> bool {
        self.status_error() & bits != 0
    }

    /// Whether the device is done with the descriptor (DD).
    #[inline]
    pub const fn is_done(self) -> bool {
        self.has(STATUS_DD)
    }

    /// Whether this buffer holds the end of a packet (EOP).
    #[inline]
    pub const fn is_end(self) -> bool {
        self.has(STATUS_EOP)
    }

    /// Bytes the device says it wrote to the packet buffer. It may exceed the buffer: compare before
    /// use.
    #[inline]
    pub const fn length(self) -> u16 {
        let [_, word1] = self.0;
        // CAST: bits 47:32.
        (word1 >> 32) as u16
    }

    /// The VLAN tag (priority, DEI, VID) that was stripped, if one was (VP).
    #[inline]
    pub const fn vlan_tag(self) -> Option<u16> {
        let [_, word1] = self.0;
        if self.has(STATUS_VP) {
            // CAST: bits 63:48.
            Some((word1 >> 48) as u16)
        } else {
            None
        }
    }

    /// Errors of the frame itself.
    #[inline]
    pub const fn errors(self) -> RxErrors {
        RxErrors(self.status_error() & ERROR_FRAME)
    }

    /// What the device found out about the checksums of a packet of `frame_len` bytes (all buffers
    /// together, without FCS).
    ///
    /// The device sets L4E for good SCTP packets of 60 bytes (erratum that the C driver works round
    /// as well), so for that length the bit says nothing.
    #[inline]
    pub const fn checksum(self, frame_len: u32) -> ChecksumVerdict {
        if self.has(STATUS_IXSM) {
            return ChecksumVerdict::None;
        }
        if self.has(ERROR_IPE) {
            return ChecksumVerdict::Bad(BadChecksum::Ip);
        }
        if self.has(ERROR_L4E) {
            return if frame_len == 60 {
                ChecksumVerdict::None
            } else {
                ChecksumVerdict::Bad(BadChecksum::L4)
            };
        }
        if self.has(STATUS_TCPCS | STATUS_UDPCS) {
            return ChecksumVerdict::Unnecessary;
        }
        ChecksumVerdict::None
    }

    /// The receive-side-scaling hash, if one was computed over headers of a known kind.
    #[inline]
    pub const fn rss(self) -> Option<RssHash> {
        let [word0, _] = self.0;
        let kind = match word0 & 0xf {
            1 => RssType::Ipv4Tcp,
            2 => RssType::Ipv4,
            3 => RssType::Ipv6Tcp,
            4 => RssType::Ipv6Ex,
            5 => RssType::Ipv6,
            6 => RssType::Ipv6TcpEx,
            7 => RssType::Ipv4Udp,
            8 => RssType::Ipv6Udp,
            9 => RssType::Ipv6UdpEx,
            _ => return None,
        };
        Some(RssHash {
            // CAST: bits 63:32.
            hash: (word0 >> 32) as u32,
            kind,
        })
    }
}

/// Frame errors of a received packet (CE, SE, SEQ, CXE, RXE). A frame with one is dropped unless
/// the user asked for all frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RxErrors(u32);

impl RxErrors {
    /// Whether there is any.
    #[inline]
    pub const fn any(self) -> bool {
        self.0 != 0
    }

    /// CRC or alignment error (CE).
    #[inline]
    pub const fn crc(self) -> bool {
        self.0 & ERROR_CE != 0
    }

    /// Symbol, sequence or carrier extension error (SE, SEQ, CXE), or an error of the receiver
    /// (RXE).
    #[inline]
    pub const fn frame(self) -> bool {
        self.0 & (ERROR_SE | ERROR_SEQ | ERROR_CXE | ERROR_RXE) != 0
    }
}

/// What the device says about a packet's checksums.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChecksumVerdict {
    /// It did not check: the stack has to.
    None,
    /// The L4 checksum, and the IPv4 one where there is one, are good.
    Unnecessary,
    /// It found an error. Count it and let the stack check (and drop).
    Bad(BadChecksum),
}

/// Which checksum was bad.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadChecksum {
    /// The IPv4 header checksum (IPE).
    Ip,
    /// The TCP, UDP or SCTP checksum (L4E).
    L4,
}

/// A receive-side-scaling hash and what it covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RssHash {
    /// The Toeplitz hash.
    pub hash: u32,
    /// The headers it was computed over.
    pub kind: RssType,
}

/// The headers an RSS hash covers (RSS type of the write-back).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RssType {
    /// IPv4 addresses, TCP ports.
    Ipv4Tcp,
    /// IPv4 addresses.
    Ipv4,
    /// IPv6 addresses, TCP ports.
    Ipv6Tcp,
    /// IPv6 addresses, from extension headers where present.
    Ipv6Ex,
    /// IPv6 addresses.
    Ipv6,
    /// As `Ipv6Tcp`, addresses from extension headers where present.
    Ipv6TcpEx,
    /// IPv4 addresses, UDP ports.
    Ipv4Udp,
    /// IPv6 addresses, UDP ports.
    Ipv6Udp,
    /// As `Ipv6Udp`, addresses from extension headers where present.
    Ipv6UdpEx,
}

impl RssType {
    /// Whether ports are in the hash (the stack's "L4 hash").
    #[inline]
    pub const fn is_l4(self) -> bool {
        match self {
            Self::Ipv4 | Self::Ipv6 | Self::Ipv6Ex => false,
            Self::Ipv4Tcp
            | Self::Ipv6Tcp
            | Self::Ipv6TcpEx
            | Self::Ipv4Udp
            | Self::Ipv6Udp
            | Self::Ipv6UdpEx => true,
        }
    }
}
