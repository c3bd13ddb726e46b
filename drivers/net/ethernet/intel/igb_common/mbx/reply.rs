// SPDX-License-Identifier: GPL-2.0

//! What the PF says: replies and notices, built by the PF driver and understood by the VF driver.

use super::{
    id,
    Header,
    Message,
    VfRequest,
    Words, //
};
use crate::mac::MacAddr;

/// What the PF answers. A value: the message built from it has no bytes of anything else in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply {
    /// RESET was carried out; the VF's address is this one, or it may choose if `None`. (Neither
    /// form has CTS: `igbvf` compares the whole dword.)
    Reset(Option<MacAddr>),
    /// The request with this header was carried out.
    Done {
        /// First dword of the request.
        request: Header,
        /// Whether the VF is clear to send.
        cts: bool,
    },
    /// The request with this header was refused.
    Refused {
        /// First dword of the request.
        request: Header,
        /// Whether the VF is clear to send. Without it a VF has to start anew with RESET.
        cts: bool,
    },
    /// Unasked: look at link and mailbox.
    Ping {
        /// Whether the VF is clear to send.
        cts: bool,
    },
    /// Unasked, to a VF that reads its mailbox but has to RESET first: a refusal without subject.
    ResetFirst,
}

impl Reply {
    /// The message. Write all of [`Message::words`].
    pub fn message(self) -> Message {
        match self {
            Self::Reset(Some(mac)) => Message::new(
                Header::new(id::RESET, 0).with(Header::ACK, true),
                &mac.to_words(),
            ),
            Self::Reset(None) => {
                Message::new(Header::new(id::RESET, 0).with(Header::NACK, true), &[])
            }
            Self::Done { request, cts } => Message::new(
                request
                    .subject()
                    .with(Header::ACK, true)
                    .with(Header::CTS, cts),
                &[],
            ),
            Self::Refused { request, cts } => Message::new(
                request
                    .subject()
                    .with(Header::NACK, true)
                    .with(Header::CTS, cts),
                &[],
            ),
            Self::Ping { cts } => {
                Message::new(Header::new(id::PF_CONTROL, 0).with(Header::CTS, cts), &[])
            }
            Self::ResetFirst => Message::new(Header::from_word(Header::NACK), &[]),
        }
    }
}

/// What a VF learns from the reply to a request other than RESET.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Carried out.
    Done,
    /// Refused. The PF goes on listening.
    Refused,
    /// Refused because the PF waits for RESET.
    ResetFirst,
    /// Not the reply to this request: a ping that crossed it, or what is left of an earlier
    /// exchange.
    Other,
}

impl Answer {
    /// What the mailbox content `words` means to a VF that sent `request`.
    pub fn decode(request: &VfRequest, words: &Words) -> Self {
        let [word, ..] = *words;
        let header = Header::from_word(word);
        if header == Header::from_word(Header::NACK) {
            return Self::ResetFirst;
        }
        // The C PF strips the multicast bit from the header it returns for SET_PROMISC.
        let subject_matches = match *request {
            VfRequest::SetPromisc { .. } => header.id() == id::SET_PROMISC,
            _ => header.subject() == request.header(),
        };
        if !subject_matches || header.has_reserved() {
            return Self::Other;
        }
        match (header.is_ack(), header.is_nack(), header.is_cts()) {
            (true, false, _) => Self::Done,
            (false, true, true) => Self::Refused,
            (false, true, false) => Self::ResetFirst,
            (true, true, _) | (false, false, _) => Self::Other,
        }
    }
}

/// What a VF learns from the reply to RESET.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResetAnswer {
    /// The VF is in. Its address is this one; `None` means that it may choose.
    Ready(Option<MacAddr>),
    /// Not the reply to RESET.
    Other,
}

impl ResetAnswer {
    /// What the mailbox content `words` means to a VF that sent RESET. An address that no station can
    /// have counts as none.
    pub fn decode(words: &Words) -> Self {
        let [word, first, second, ..] = *words;
        let reset = Header::new(id::RESET, 0);
        if word == reset.with(Header::ACK, true).word() {
            let mac = MacAddr::from_words([first, second]);
            Self::Ready(Some(mac).filter(|mac| mac.is_station()))
        } else if word == reset.with(Header::NACK, true).word() {
            Self::Ready(None)
        } else {
            Self::Other
        }
    }
}

/// What the PF says unasked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// Something changed, perhaps the link.
    Ping {
        /// Whether the VF is clear to send. If not, it has to RESET before anything else, but only when
        /// the PF is ready for it: after [`Notice::ResetFirst`], or some seconds.
        cts: bool,
    },
    /// The PF waits for RESET.
    ResetFirst,
    /// Neither: what is left of an exchange.
    Other,
}

impl Notice {
    /// What the first dword of the mailbox means to a VF that waits for no reply.
    pub fn decode(word: u32) -> Self {
        let header = Header::from_word(word);
        if header.is_nack() && !header.is_cts() {
            Self::ResetFirst
        } else if header.id() == id::PF_CONTROL && !header.is_ack() && !header.is_nack() {
            Self::Ping {
                cts: header.is_cts(),
            }
        } else {
            Self::Other
        }
    }
}
