// SPDX-License-Identifier: GPL-2.0

//! The mailbox between the PF and its VFs: message formats.
//!
//! A mailbox is 16 dwords that both sides can read and write. The first dword is a header, the rest
//! payload; what a sender did not write is left over from earlier messages. The formats are
//! those of the C drivers (`igb`, `igbvf`), which have no version negotiation, so each side works
//! with the C driver on the other.
//!
//! [`VfRequest`] is what a VF asks, [`Reply`] what the PF answers, [`Answer`] what a VF makes of it,
//! [`Notice`] what the PF says unasked.

mod reply;
mod request;

pub use self::reply::{
    Answer,
    Notice,
    Reply,
    ResetAnswer, //
};
pub use self::request::{
    Malformed,
    MulticastHashes,
    Rejected,
    VfRequest,
    MAX_HASHES, //
};

/// Dwords of a mailbox (VMBMEM).
pub const MAILBOX_WORDS: usize = 16;

/// All dwords of a mailbox.
pub type Words = [u32; MAILBOX_WORDS];

/// What a message is about (bits 15:0 of the header).
pub mod id {
    /// VF: I was reset, let me in.
    pub const RESET: u16 = 0x01;
    /// VF: my MAC address, or a further one (see the `info` of [`Header`](super::Header)).
    pub const SET_MAC_ADDR: u16 = 0x02;
    /// VF: the hashes of my multicast groups.
    pub const SET_MULTICAST: u16 = 0x03;
    /// VF: add or remove a VLAN.
    pub const SET_VLAN: u16 = 0x04;
    /// VF: my longest frame.
    pub const SET_LPE: u16 = 0x05;
    /// VF: promiscuous modes.
    pub const SET_PROMISC: u16 = 0x06;
    /// PF: something changed, look at link and mailbox.
    pub const PF_CONTROL: u16 = 0x100;
}

/// The first dword of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header(u32);

impl Header {
    /// The request was carried out.
    const ACK: u32 = 1 << 31;
    /// The request was refused.
    const NACK: u32 = 1 << 30;
    /// The VF is clear to send: its last RESET still holds.
    const CTS: u32 = 1 << 29;
    /// Bits nobody uses.
    const RESERVED: u32 = 0x1f << 24;

    /// A header for message `id` with `info`.
    #[inline]
    pub const fn new(id: u16, info: u8) -> Self {
        // CAST: widening.
        Self(id as u32 | ((info as u32) << 16))
    }

    /// Wraps a dword of a mailbox.
    #[inline]
    pub const fn from_word(word: u32) -> Self {
        Self(word)
    }

    /// The dword.
    #[inline]
    pub const fn word(self) -> u32 {
        self.0
    }

    /// What the message is about.
    #[inline]
    pub const fn id(self) -> u16 {
        // CAST: bits 15:0.
        self.0 as u16
    }

    /// The byte some messages have parameters in (bits 23:16).
    #[inline]
    pub const fn info(self) -> u8 {
        // CAST: bits 23:16.
        (self.0 >> 16) as u8
    }

    /// Whether the request was carried out.
    #[inline]
    pub const fn is_ack(self) -> bool {
        self.0 & Self::ACK != 0
    }

    /// Whether the request was refused.
    #[inline]
    pub const fn is_nack(self) -> bool {
        self.0 & Self::NACK != 0
    }

    /// Whether the VF is clear to send.
    #[inline]
    pub const fn is_cts(self) -> bool {
        self.0 & Self::CTS != 0
    }

    /// Whether bits are set that no message of this protocol has.
    #[inline]
    const fn has_reserved(self) -> bool {
        self.0 & Self::RESERVED != 0
    }

    /// The header's id and info alone.
    #[inline]
    const fn subject(self) -> Self {
        Self(self.0 & 0x00ff_ffff)
    }

    #[inline]
    const fn with(self, bits: u32, set: bool) -> Self {
        if set {
            Self(self.0 | bits)
        } else {
            self
        }
    }
}

/// A message to send: all 16 dwords, zero behind the last used one, so that nothing leaks and nothing
/// old is left in the buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    words: Words,
    len: u8,
}

impl Message {
    /// A message whose payload is the start of `payload`; what does not fit is left out.
    #[inline]
    fn new(header: Header, payload: &[u32]) -> Self {
        let mut words = [0; MAILBOX_WORDS];
        let mut len = 0;
        let content = core::iter::once(&header.0).chain(payload);
        for (word, value) in words.iter_mut().zip(content) {
            *word = *value;
            // At most 16.
            len = u8::wrapping_add(len, 1);
        }
        Self { words, len }
    }

    /// The whole mailbox.
    #[inline]
    pub const fn words(&self) -> &Words {
        &self.words
    }

    /// The dwords that mean something.
    #[inline]
    pub fn used(&self) -> &[u32] {
        self.words.get(..usize::from(self.len)).unwrap_or(&[])
    }
}
