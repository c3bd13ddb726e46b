// SPDX-License-Identifier: GPL-2.0

//! The mailbox codec: round trips, and the C drivers' view of our words.

use host_tests::{
    reads,
    times,
    Rng,
    Vec, //
};
use igb_common::{
    mac::MacAddr,
    mbx::*, //
};

/// Bits as the C drivers write them.
const ACK: u32 = 0x8000_0000;
const NACK: u32 = 0x4000_0000;
const CTS: u32 = 0x2000_0000;

const MAC: MacAddr = MacAddr::new([0x52, 0x54, 0x00, 0x12, 0x34, 0x56]);

/// A mailbox that held something else before.
fn mailbox(words: &[u32]) -> Words {
    let mut mailbox = [0xdead_beef; MAILBOX_WORDS];
    mailbox[..words.len()].copy_from_slice(words);
    mailbox
}

fn requests() -> Vec<VfRequest> {
    let hashes = |n: u16| MulticastHashes::collect((0..n).map(|i| i * 131));
    let mut all: Vec<_> = [
        VfRequest::Reset,
        VfRequest::SetMac(MAC),
        VfRequest::ClearMacFilters(MAC),
        VfRequest::ClearMacFilters(MacAddr::ZERO),
        VfRequest::AddMacFilter(MAC),
        VfRequest::SetVlan { vid: 0, add: true },
        VfRequest::SetVlan {
            vid: 4095,
            add: false,
        },
        VfRequest::SetLpe(64),
        VfRequest::SetLpe(0x2600),
    ]
    .into_iter()
    .collect();
    for n in [0, 1, 2, 29, 30, 31, 1000] {
        all.push(VfRequest::SetMulticast(hashes(n)));
    }
    for (unicast, multicast) in [(false, false), (false, true), (true, false), (true, true)] {
        all.push(VfRequest::SetPromisc { unicast, multicast });
    }
    all
}

#[test]
fn requests_round_trip() {
    for request in requests() {
        let message = request.encode();
        assert_eq!(VfRequest::decode(message.words()), Ok(request));
        assert_eq!(message.used()[0], request.header().word());
        // What lies behind the used dwords does not matter.
        assert_eq!(VfRequest::decode(&mailbox(message.used())), Ok(request));
    }
}

/// What `igbvf` puts into the mailbox.
#[test]
fn requests_of_the_c_driver() {
    let cases: [(&[u32], VfRequest); 9] = [
        (&[1], VfRequest::Reset),
        (&[2, 0x1200_5452, 0x5634], VfRequest::SetMac(MAC)),
        (&[0x1_0002, 0, 0], VfRequest::ClearMacFilters(MacAddr::ZERO)),
        (
            &[0x2_0002, 0x1200_5452, 0x5634],
            VfRequest::AddMacFilter(MAC),
        ),
        (
            &[0x3_0003, 0x0563_0001, 0x0000_0fff],
            VfRequest::SetMulticast(MulticastHashes::collect([1, 0x563, 0xfff])),
        ),
        (
            &[0x1_0004, 100],
            VfRequest::SetVlan {
                vid: 100,
                add: true,
            },
        ),
        (
            &[0x0004, 100],
            VfRequest::SetVlan {
                vid: 100,
                add: false,
            },
        ),
        (&[5, 1522], VfRequest::SetLpe(1522)),
        // More than there is, as the C PF treats it.
        (&[5, 0xffff], VfRequest::SetLpe(0x2600)),
    ];
    for (words, request) in cases {
        assert_eq!(VfRequest::decode(&mailbox(words)), Ok(request));
        if words != [5, 0xffff] {
            assert_eq!(
                request.encode().used()[..2.min(words.len())],
                words[..2.min(words.len())]
            );
        }
    }
    // A driver of the family with more than 30 groups.
    let words = mailbox(&[0x9e_0003]);
    let Ok(VfRequest::SetMulticast(hashes)) = VfRequest::decode(&words) else {
        panic!();
    };
    assert!(hashes.overflowed());
    assert_eq!(hashes.as_slice().len(), 30);
}

#[test]
fn bad_requests() {
    use Malformed::*;
    let group = MacAddr::new([1, 0, 0x5e, 0, 0, 1]);
    let [group0, group1] = group.to_words();
    let cases: [(&[u32], Rejected); 18] = [
        (&[0], Rejected::Unknown(0)),
        (&[7], Rejected::Unknown(7)),
        (&[0x100], Rejected::Unknown(0x100)),
        (&[0xffff], Rejected::Unknown(0xffff)),
        (&[1 | ACK], Rejected::NotARequest),
        (&[u32::MAX], Rejected::NotARequest),
        (&[1 | CTS], Rejected::Malformed(Reserved)),
        (&[0x100_0001], Rejected::Malformed(Reserved)),
        (&[0x1_0001], Rejected::Malformed(Info(1))),
        (&[2, 0, 0], Rejected::Malformed(Address(MacAddr::ZERO))),
        (&[2, group0, group1], Rejected::Malformed(Address(group))),
        (
            &[0x2_0002, 0, 0],
            Rejected::Malformed(Address(MacAddr::ZERO)),
        ),
        (&[0x3_0002, 2, 0], Rejected::Malformed(Info(3))),
        (&[0x2_0004, 5], Rejected::Malformed(Info(2))),
        (&[0x1_0004, 4096], Rejected::Malformed(Vlan(4096))),
        (&[5, 63], Rejected::Malformed(FrameLength(63))),
        // A C PF ORs this into VMOLR: every bit set.
        (&[5, u32::MAX], Rejected::Malformed(FrameLength(u32::MAX))),
        (&[0x4_0006], Rejected::Malformed(Info(4))),
    ];
    for (words, rejected) in cases {
        assert_eq!(
            VfRequest::decode(&mailbox(words)),
            Err(rejected),
            "{words:x?}"
        );
    }
}

/// Any sixteen dwords decode; what decodes to a request is one its encoding says again.
#[test]
fn decoding_is_total() {
    let mut rng = Rng::new(11);
    let mut good = 0;
    for _ in 0..times(1_000_000) {
        let mut words: Words = core::array::from_fn(|_| rng.word());
        if !rng.one_in(4) {
            words[0] = rng.below(8) | if rng.one_in(2) { rng.below(4) << 16 } else { 0 };
        }
        if rng.one_in(2) {
            words[1] = rng.below(6000);
        }
        if let Ok(request) = VfRequest::decode(&words) {
            good += 1;
            assert_eq!(VfRequest::decode(request.encode().words()), Ok(request));
            if let VfRequest::SetMulticast(hashes) = request {
                assert!(hashes.as_slice().len() <= MAX_HASHES);
                assert!(hashes.as_slice().iter().all(|hash| *hash < 4096));
            }
            if let VfRequest::SetLpe(frame) = request {
                assert!((64..=0x2600).contains(&frame));
            }
        }
    }
    assert!(good > times(100_000), "{good}");
}

#[test]
fn collected_hashes() {
    let hashes = MulticastHashes::collect([0xf001, 0x1002]);
    assert_eq!(hashes.as_slice(), [1, 2]);
    assert!(!MulticastHashes::collect(0..30).overflowed());
    assert!(MulticastHashes::collect(0..31).overflowed());
    assert_eq!(MulticastHashes::collect(0..31).as_slice().len(), 30);
    assert!(MulticastHashes::EMPTY.as_slice().is_empty());
}

#[test]
fn replies_are_whole() {
    let request = VfRequest::SetVlan { vid: 7, add: true }.header();
    let cases: [(_, &[u32]); 8] = [
        (Reply::Reset(Some(MAC)), &[1 | ACK, 0x1200_5452, 0x5634]),
        (Reply::Reset(None), &[1 | NACK]),
        (Reply::Done { request, cts: true }, &[0x1_0004 | ACK | CTS]),
        (
            Reply::Refused { request, cts: true },
            &[0x1_0004 | NACK | CTS],
        ),
        (
            Reply::Refused {
                request,
                cts: false,
            },
            &[0x1_0004 | NACK],
        ),
        (Reply::Ping { cts: true }, &[0x100 | CTS]),
        (Reply::Ping { cts: false }, &[0x100]),
        (Reply::ResetFirst, &[NACK]),
    ];
    for (reply, used) in cases {
        let message = reply.message();
        assert_eq!(message.used(), used);
        let mut whole = [0; MAILBOX_WORDS];
        whole[..used.len()].copy_from_slice(used);
        assert_eq!(*message.words(), whole);
    }
    // Only id and info of what a VF sent come back.
    for word in [u32::MAX, 0x1fff_0007, 0x0012_ffff] {
        let request = Header::from_word(word);
        let [reply, ..] = *Reply::Refused { request, cts: true }.message().words();
        assert_eq!(reply, (word & 0x00ff_ffff) | NACK | CTS);
    }
}

/// The comparisons of `igbvf` (vf.c), on our replies.
#[test]
fn replies_as_the_c_driver_reads_them() {
    for request in requests() {
        let sent = request.header().word();
        for cts in [true, false] {
            let header = request.header();
            let [done, ..] = *Reply::Done {
                request: header,
                cts,
            }
            .message()
            .words();
            assert_ne!(done & !CTS, sent | NACK);
            let [refused, ..] = *Reply::Refused {
                request: header,
                cts,
            }
            .message()
            .words();
            assert_eq!(refused & !CTS, sent | NACK);
        }
    }
}

#[test]
fn answers() {
    for request in requests() {
        if request == VfRequest::Reset {
            continue;
        }
        let header = request.header();
        let answer = |reply: Reply| Answer::decode(&request, reply.message().words());
        let (request, cts) = (header, true);
        assert_eq!(answer(Reply::Done { request, cts }), Answer::Done);
        assert_eq!(answer(Reply::Refused { request, cts }), Answer::Refused);
        let cts = false;
        assert_eq!(answer(Reply::Done { request, cts }), Answer::Done);
        assert_eq!(answer(Reply::Refused { request, cts }), Answer::ResetFirst);
        assert_eq!(answer(Reply::ResetFirst), Answer::ResetFirst);
        assert_eq!(answer(Reply::Ping { cts: true }), Answer::Other);
        assert_eq!(answer(Reply::Reset(Some(MAC))), Answer::Other);
        // The request itself, still in the mailbox.
        assert_eq!(
            Answer::decode(&requests()[1], &mailbox(&[2])),
            Answer::Other
        );
    }
    // The C PF strips what it understood from the header of SET_PROMISC.
    let promisc = VfRequest::SetPromisc {
        unicast: false,
        multicast: true,
    };
    let words = mailbox(&[6 | ACK | CTS]);
    assert_eq!(Answer::decode(&promisc, &words), Answer::Done);
    // An answer to another request.
    let vlan = VfRequest::SetVlan { vid: 1, add: true };
    let words = mailbox(&[0x0004 | ACK | CTS]);
    assert_eq!(Answer::decode(&vlan, &words), Answer::Other);
}

#[test]
fn answers_to_reset() {
    let decode = |words: &[u32]| ResetAnswer::decode(&mailbox(words));
    let reply = Reply::Reset(Some(MAC)).message();
    assert_eq!(
        ResetAnswer::decode(reply.words()),
        ResetAnswer::Ready(Some(MAC))
    );
    assert_eq!(decode(&[1 | NACK]), ResetAnswer::Ready(None));
    assert_eq!(decode(&[1 | ACK, 0, 0]), ResetAnswer::Ready(None));
    assert_eq!(decode(&[1 | ACK | CTS]), ResetAnswer::Other);
    assert_eq!(decode(&[1]), ResetAnswer::Other);
    assert_eq!(decode(&[0x100]), ResetAnswer::Other);
}

#[test]
fn notices() {
    assert_eq!(Notice::decode(0x100), Notice::Ping { cts: false });
    assert_eq!(Notice::decode(0x100 | CTS), Notice::Ping { cts: true });
    assert_eq!(Notice::decode(NACK), Notice::ResetFirst);
    assert_eq!(Notice::decode(4 | NACK), Notice::ResetFirst);
    assert_eq!(Notice::decode(4 | NACK | CTS), Notice::Other);
    assert_eq!(Notice::decode(4 | ACK | CTS), Notice::Other);
    assert_eq!(Notice::decode(0x100 | ACK), Notice::Other);
    assert_eq!(Notice::decode(0), Notice::Other);
}

/// Whatever a PF says is understood somehow.
#[test]
fn vf_side_is_total() {
    let mut rng = Rng::new(12);
    let all = requests();
    for _ in 0..times(200_000) {
        let words: Words = core::array::from_fn(|_| rng.word());
        let _ = Notice::decode(words[0]);
        if let ResetAnswer::Ready(Some(mac)) = ResetAnswer::decode(&words) {
            assert!(mac.is_station());
        }
        for request in &all {
            let _ = Answer::decode(request, &words);
        }
    }
}

#[test]
fn addresses() {
    assert!(reads(MAC, "52:54:00:12:34:56"));
    assert!(MAC.is_station());
    assert!(!MacAddr::ZERO.is_station() && MacAddr::ZERO.is_zero());
    let group = MacAddr::new([0x33, 0x33, 0, 0, 0, 1]);
    assert!(group.is_multicast() && !group.is_station());
    let mut rng = Rng::new(13);
    for _ in 0..1000 {
        let words = [rng.word(), rng.word()];
        let mac = MacAddr::from_words(words);
        assert_eq!(mac.to_words(), [words[0], words[1] & 0xffff]);
        assert_eq!(MacAddr::new(mac.bytes()), mac);
    }
}
