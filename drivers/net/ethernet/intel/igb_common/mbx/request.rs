// SPDX-License-Identifier: GPL-2.0

//! Requests of a VF: encoded by the VF driver, decoded by the PF driver.

use super::{
    id,
    Header,
    Message,
    Words, //
};
use crate::{
    frame::MAX_FRAME,
    mac::MacAddr, //
};

/// Multicast hashes that fit in one message.
pub const MAX_HASHES: usize = 30;

const INFO_MAC_CLEAR: u8 = 1;
const INFO_MAC_ADD: u8 = 2;
const INFO_VLAN_REMOVE: u8 = 0;
const INFO_VLAN_ADD: u8 = 1;
const INFO_PROMISC_UNICAST: u8 = 1;
const INFO_PROMISC_MULTICAST: u8 = 2;

/// Bits of a hash the device uses.
const HASH_MASK: u16 = 0xfff;
/// Shortest longest frame that makes sense: a minimal Ethernet frame.
const MIN_LPE: u32 = 64;

/// What a VF asks of the PF.
///
/// # Examples
///
/// ```
/// use igb_common::mbx::{Malformed, Rejected, VfRequest, MAILBOX_WORDS};
///
/// let request = VfRequest::SetVlan { vid: 100, add: true };
/// assert_eq!(request.encode().used(), [0x1_0004, 100]);
///
/// let mut words = [0; MAILBOX_WORDS];
/// words[..2].copy_from_slice(&[0x1_0004, 5000]);
/// let error = Rejected::Malformed(Malformed::Vlan(5000));
/// assert!(VfRequest::decode(&words) == Err(error));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VfRequest {
    /// The VF was reset and starts anew. Answered with the address it shall use.
    Reset,
    /// Use this station address.
    SetMac(MacAddr),
    /// Remove all further station addresses. The address means nothing, but a C PF refuses the
    /// message unless it is a station address: send the VF's own. (A C VF sends zero.)
    ClearMacFilters(MacAddr),
    /// Also receive for this station address.
    AddMacFilter(MacAddr),
    /// Receive these multicast groups and no others.
    SetMulticast(MulticastHashes),
    /// Receive (and, with spoof checking, be allowed to send) frames of a VLAN, or stop it.
    SetVlan {
        /// VLAN identifier, 0 to 4095.
        vid: u16,
        /// Whether to add or to remove it.
        add: bool,
    },
    /// Receive frames of up to so many bytes with FCS: 64 to [`MAX_FRAME`].
    SetLpe(u16),
    /// Promiscuous modes.
    SetPromisc {
        /// Receive every unicast frame (refused by every known PF).
        unicast: bool,
        /// Receive every multicast frame.
        multicast: bool,
    },
}

/// A message of a VF that is no request the PF can carry out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rejected {
    /// It carries ACK or NACK: an answer, or a request answered already. To be ignored.
    NotARequest,
    /// An identifier this protocol does not have. To be refused.
    Unknown(u16),
    /// A known identifier with content that makes no sense. To be refused.
    Malformed(Malformed),
}

/// What is wrong with a malformed request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// Reserved bits of the header, or CTS, are set.
    Reserved,
    /// The info byte has a value the request does not have.
    Info(u8),
    /// Zero or a group address in place of a station address.
    Address(MacAddr),
    /// A VLAN identifier above 4095.
    Vlan(u32),
    /// A frame length below 64, or one that is not 16 bits.
    FrameLength(u32),
}

/// The hashes of up to 30 multicast groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MulticastHashes {
    /// Zero behind the last one, so that equal lists are equal values.
    list: [u16; MAX_HASHES],
    total: u8,
}

impl MulticastHashes {
    /// No group.
    pub const EMPTY: Self = Self {
        list: [0; MAX_HASHES],
        total: 0,
    };

    /// The first 30 of `hashes`, and whether there were more.
    pub fn collect(hashes: impl IntoIterator<Item = u16>) -> Self {
        let mut out = Self::EMPTY;
        let mut hashes = hashes.into_iter();
        for (slot, hash) in out.list.iter_mut().zip(hashes.by_ref()) {
            *slot = hash & HASH_MASK;
            // At most 30.
            out.total = out.total.wrapping_add(1);
        }
        // `zip` asks the list first, so no hash is lost when it is full.
        if hashes.next().is_some() {
            out.total = Self::OVERFLOW;
        }
        out
    }

    /// A total that says there are more than 30: what other drivers of this family send for it.
    const OVERFLOW: u8 = 0x80 | MAX_HASHES as u8;

    /// The hashes, each below 4096.
    #[inline]
    pub fn as_slice(&self) -> &[u16] {
        self.list
            .get(..usize::from(self.total))
            .unwrap_or(&self.list)
    }

    /// Whether the VF has more groups than it could say: only all of them will do.
    #[inline]
    pub const fn overflowed(&self) -> bool {
        // CAST: widening.
        self.total as usize > MAX_HASHES
    }

    fn decode(total: u8, words: &Words) -> Self {
        let mut out = Self {
            total,
            ..Self::EMPTY
        };
        let halves = words
            .iter()
            .skip(1)
            // CAST: the lower, then the upper half.
            .flat_map(|word| [*word as u16, (*word >> 16) as u16]);
        for (slot, hash) in out.list.iter_mut().zip(halves).take(usize::from(total)) {
            *slot = hash & HASH_MASK;
        }
        out
    }

    fn payload(&self) -> [u32; MAX_HASHES / 2] {
        let mut words = [0; MAX_HASHES / 2];
        for (word, pair) in words.iter_mut().zip(self.list.chunks_exact(2)) {
            if let [low, high] = pair {
                *word = u32::from(*low) | (u32::from(*high) << 16);
            }
        }
        words
    }
}

impl VfRequest {
    /// Decodes what a VF left in its mailbox. Total: any content gives a request or a reason.
    ///
    /// Dwords a request does not use are not looked at, as they hold earlier messages.
    pub fn decode(words: &Words) -> Result<Self, Rejected> {
        let [word, first, second, ..] = *words;
        let header = Header::from_word(word);
        if header.is_ack() || header.is_nack() {
            return Err(Rejected::NotARequest);
        }
        let request = match header.id() {
            id::RESET => Self::decode_reset(header),
            id::SET_MAC_ADDR => Self::decode_mac(header, MacAddr::from_words([first, second])),
            id::SET_MULTICAST => Ok(Self::SetMulticast(MulticastHashes::decode(
                header.info(),
                words,
            ))),
            id::SET_VLAN => Self::decode_vlan(header, first),
            id::SET_LPE => Self::decode_lpe(header, first),
            id::SET_PROMISC => Self::decode_promisc(header),
            unknown => return Err(Rejected::Unknown(unknown)),
        };
        if header.is_cts() || header.has_reserved() {
            return Err(Rejected::Malformed(Malformed::Reserved));
        }
        request.map_err(Rejected::Malformed)
    }

    fn decode_reset(header: Header) -> Result<Self, Malformed> {
        match header.info() {
            0 => Ok(Self::Reset),
            info => Err(Malformed::Info(info)),
        }
    }

    fn decode_mac(header: Header, mac: MacAddr) -> Result<Self, Malformed> {
        match header.info() {
            INFO_MAC_CLEAR => Ok(Self::ClearMacFilters(mac)),
            0 | INFO_MAC_ADD if !mac.is_station() => Err(Malformed::Address(mac)),
            0 => Ok(Self::SetMac(mac)),
            INFO_MAC_ADD => Ok(Self::AddMacFilter(mac)),
            info => Err(Malformed::Info(info)),
        }
    }

    fn decode_vlan(header: Header, vid: u32) -> Result<Self, Malformed> {
        let add = match header.info() {
            INFO_VLAN_REMOVE => false,
            INFO_VLAN_ADD => true,
            info => return Err(Malformed::Info(info)),
        };
        match u16::try_from(vid) {
            Ok(vid) if vid <= 4095 => Ok(Self::SetVlan { vid, add }),
            _ => Err(Malformed::Vlan(vid)),
        }
    }

    fn decode_lpe(header: Header, frame: u32) -> Result<Self, Malformed> {
        if header.info() != 0 {
            return Err(Malformed::Info(header.info()));
        }
        match u16::try_from(frame) {
            // What the C PF does with a VF that wants more than there is.
            Ok(len) if frame >= MIN_LPE => Ok(Self::SetLpe(len.min(MAX_FRAME))),
            _ => Err(Malformed::FrameLength(frame)),
        }
    }

    fn decode_promisc(header: Header) -> Result<Self, Malformed> {
        let info = header.info();
        if info & !(INFO_PROMISC_UNICAST | INFO_PROMISC_MULTICAST) != 0 {
            return Err(Malformed::Info(info));
        }
        Ok(Self::SetPromisc {
            unicast: info & INFO_PROMISC_UNICAST != 0,
            multicast: info & INFO_PROMISC_MULTICAST != 0,
        })
    }

    /// The request as a message for the mailbox.
    pub fn encode(&self) -> Message {
        match *self {
            Self::Reset => Message::new(self.header(), &[]),
            Self::SetMac(mac) | Self::ClearMacFilters(mac) | Self::AddMacFilter(mac) => {
                Message::new(self.header(), &mac.to_words())
            }
            Self::SetMulticast(hashes) => Message::new(self.header(), &hashes.payload()),
            Self::SetVlan { vid, .. } => Message::new(self.header(), &[u32::from(vid)]),
            Self::SetLpe(frame) => Message::new(self.header(), &[u32::from(frame)]),
            Self::SetPromisc { .. } => Message::new(self.header(), &[]),
        }
    }

    /// The request's header, which the answer to it repeats.
    pub fn header(&self) -> Header {
        match *self {
            Self::Reset => Header::new(id::RESET, 0),
            Self::SetMac(_) => Header::new(id::SET_MAC_ADDR, 0),
            Self::ClearMacFilters(_) => Header::new(id::SET_MAC_ADDR, INFO_MAC_CLEAR),
            Self::AddMacFilter(_) => Header::new(id::SET_MAC_ADDR, INFO_MAC_ADD),
            Self::SetMulticast(hashes) => Header::new(id::SET_MULTICAST, hashes.total),
            Self::SetVlan { add: true, .. } => Header::new(id::SET_VLAN, INFO_VLAN_ADD),
            Self::SetVlan { add: false, .. } => Header::new(id::SET_VLAN, INFO_VLAN_REMOVE),
            Self::SetLpe(_) => Header::new(id::SET_LPE, 0),
            Self::SetPromisc { unicast, multicast } => {
                let unicast = if unicast { INFO_PROMISC_UNICAST } else { 0 };
                let multicast = if multicast { INFO_PROMISC_MULTICAST } else { 0 };
                Header::new(id::SET_PROMISC, unicast | multicast)
            }
        }
    }
}
