// SPDX-License-Identifier: GPL-2.0

//! Descriptors against words derived by hand from the datasheet's tables.

use host_tests::{
    times,
    Rng, //
};
use igb_common::desc::*;
use nic::dma::Iova;

fn data(offload: &TxOffload, frame_len: u32, len: u16) -> [u64; 2] {
    let frame = offload.frame(frame_len, TxContextSlot::First).unwrap();
    let addr = Iova::for_test(0x1_0000_2000);
    TxDescriptor::data(addr, len, &frame, TxPosition::Only, true).to_words()
}

#[test]
fn plain_frame() {
    let [addr, word] = data(&TxOffload::none(), 60, 60);
    assert_eq!(addr, 0x1_0000_2000);
    // DTYP data, EOP, IFCS, RS, DEXT; length 60; PAYLEN 60.
    assert_eq!(word, 0x000f_0000_2b30_003c);
    assert!(TxOffload::none().context().is_none());
}

#[test]
fn checksum_frame() {
    let offload = TxOffload::checksum(L4Proto::Tcp, 14, 20).unwrap();
    let context = offload.context().unwrap();
    let [low, high] = context.descriptor(TxContextSlot::First).to_words();
    assert_eq!(low, 0x0000_0000_0000_1c14);
    assert_eq!(high, 0x0000_0000_2020_0800);
    // TXSM, and PAYLEN is the whole frame.
    assert_eq!(
        data(&offload, 1514, 1514)[1],
        (0x017a_8200_u64 << 32) | 0x2b30_05ea
    );
}

#[test]
fn l4_protocols() {
    for (proto, tucmd) in [
        (L4Proto::Udp, 0x2020_0000),
        (L4Proto::Tcp, 0x2020_0800),
        (L4Proto::Sctp, 0x2020_1000),
    ] {
        let offload = TxOffload::checksum(proto, 14, 40).unwrap();
        let words = offload
            .context()
            .unwrap()
            .descriptor(TxContextSlot::First)
            .to_words();
        assert_eq!(words[1], tucmd);
    }
}

#[test]
fn segmented_frame() {
    let offload = TxOffload::segment(L4Proto::Tcp, IpVersion::V4, 14, 20, 32, 1448)
        .unwrap()
        .with_vlan(0x6064);
    let [low, high] = offload
        .context()
        .unwrap()
        .descriptor(TxContextSlot::Second)
        .to_words();
    assert_eq!(low, 0x6064_1c14);
    // MSS 1448, L4LEN 32, IDX; DEXT, context, TCP, IPv4.
    assert_eq!(high, (0x05a8_2010_u64 << 32) | 0x2020_0c00);
    assert_eq!(offload.header_len(), 66);

    let frame = offload.frame(66 + 20_000, TxContextSlot::Second).unwrap();
    let addr = Iova::for_test(0x4000);
    let [_, first] = TxDescriptor::data(addr, 16384, &frame, TxPosition::First, false).to_words();
    // TSE, VLE, DEXT, IFCS, data; PAYLEN 20000 without headers, TXSM, IXSM, IDX.
    assert_eq!(first as u32, 0xe230_4000);
    assert_eq!((first >> 32) as u32, (20_000 << 14) | 0x310);
    let [_, last] = TxDescriptor::data(addr, 3682, &frame, TxPosition::Last, true).to_words();
    assert_eq!(last as u32, 0xeb30_0e62);
    assert_eq!(last >> 32, 0);
}

#[test]
fn ipv6_segments_need_no_ip_checksum() {
    let offload = TxOffload::segment(L4Proto::Tcp, IpVersion::V6, 14, 40, 20, 1440).unwrap();
    let words = data(&offload, 9000, 9000);
    assert_eq!((words[1] >> 32) as u32 & 0x300, 0x200);
    let [_, high] = offload
        .context()
        .unwrap()
        .descriptor(TxContextSlot::First)
        .to_words();
    assert_eq!(high as u32, 0x2020_0800);
}

#[test]
fn vlan_alone_needs_a_context() {
    let offload = TxOffload::none().with_vlan(100);
    let [low, high] = offload
        .context()
        .unwrap()
        .descriptor(TxContextSlot::First)
        .to_words();
    assert_eq!(low, (100 << 16) | (14 << 9));
    assert_eq!(high, 0x2020_0000);
    // VLE, no TXSM.
    assert_eq!(data(&offload, 60, 60)[1], 0x000f_0000_6b30_003c);
}

#[test]
fn positions() {
    assert_eq!(TxPosition::of(0, 1), TxPosition::Only);
    assert_eq!(TxPosition::of(0, 3), TxPosition::First);
    assert_eq!(TxPosition::of(1, 3), TxPosition::Middle);
    assert_eq!(TxPosition::of(2, 3), TxPosition::Last);
    assert_eq!(TxPosition::of(u32::MAX, 3), TxPosition::Last);
}

#[test]
fn what_does_not_fit_is_refused() {
    use OffloadError::*;
    let checksum = |mac, ip| TxOffload::checksum(L4Proto::Udp, mac, ip);
    assert!(checksum(127, 511).is_ok());
    assert_eq!(checksum(128, 20), Err(HeaderLength));
    assert_eq!(checksum(0, 20), Err(HeaderLength));
    assert_eq!(checksum(14, 512), Err(HeaderLength));
    assert_eq!(checksum(14, usize::MAX), Err(HeaderLength));
    let segment = |l4, mss| TxOffload::segment(L4Proto::Tcp, IpVersion::V4, 14, 20, l4, mss);
    assert!(segment(255, 65535).is_ok());
    assert_eq!(segment(256, 1448), Err(HeaderLength));
    assert_eq!(segment(20, 0), Err(SegmentSize));
    assert_eq!(segment(20, 65536), Err(SegmentSize));
    let frame = |len| segment(20, 1448).unwrap().frame(len, TxContextSlot::First);
    assert_eq!(frame(54), Err(FrameLength));
    assert_eq!(frame(0), Err(FrameLength));
    assert!(frame(55).is_ok());
    assert!(frame(54 + 262_143).is_ok());
    assert_eq!(frame(54 + 262_144), Err(FrameLength));
    assert_eq!(frame(u32::MAX), Err(FrameLength));
    assert_eq!(
        TxOffload::none().frame(0, TxContextSlot::First),
        Err(FrameLength)
    );
}

#[test]
fn done_bit_of_a_transmit_descriptor() {
    let mut rng = Rng::new(1);
    for _ in 0..10_000 {
        let word = rng.bits();
        assert_eq!(TxDescriptor::done(word), (word >> 32) & 1 == 1);
    }
    // Nothing the driver writes looks done.
    let offload = TxOffload::segment(L4Proto::Tcp, IpVersion::V4, 127, 511, 255, 65535).unwrap();
    for len in [894, 1000, 65536] {
        for slot in [TxContextSlot::First, TxContextSlot::Second] {
            let frame = offload.frame(len, slot).unwrap();
            let desc = TxDescriptor::data(Iova::for_test(!0), !0, &frame, TxPosition::Only, true);
            assert!(!TxDescriptor::done(desc.to_words()[1]));
            let context = offload.context().unwrap().descriptor(slot);
            assert!(!TxDescriptor::done(context.to_words()[1]));
        }
    }
}

/// A queue that executes what the driver sends it always has the context a frame names.
#[test]
fn contexts_are_where_frames_look_for_them() {
    let mut rng = Rng::new(2);
    let offloads = [
        TxOffload::none(),
        TxOffload::none().with_vlan(5),
        TxOffload::checksum(L4Proto::Udp, 14, 20).unwrap(),
        TxOffload::checksum(L4Proto::Tcp, 14, 20).unwrap(),
        TxOffload::segment(L4Proto::Tcp, IpVersion::V4, 14, 20, 20, 1448).unwrap(),
    ];
    let mut contexts = TxContexts::new();
    let mut queue: [Option<[u64; 2]>; 2] = [None; 2];
    let mut sent = 0;
    for round in 0..20_000 {
        if rng.one_in(1000) {
            contexts.clear();
            queue = [None; 2];
        }
        // Phases in which two alternate, and phases of everything.
        let index = if round % 2000 < 1000 {
            3 + rng.below(2)
        } else {
            rng.below(5)
        };
        let offload = &offloads[index as usize];
        let (slot, desc) = contexts.select(offload.context());
        let idx = usize::from(slot == TxContextSlot::Second);
        if let Some(desc) = desc {
            let words = desc.to_words();
            assert_eq!((words[1] >> 36) & 1, idx as u64);
            queue[idx] = Some(words);
            sent += 1;
        }
        if let Some(context) = offload.context() {
            assert_eq!(queue[idx], Some(context.descriptor(slot).to_words()));
        }
    }
    // Alternating pairs cost nothing.
    assert!(sent < 10_000, "{sent}");
}

#[test]
fn receive_read_format() {
    let pkt = Iova::for_test(0x1_0000_0800);
    assert_eq!(
        RxDescriptor::read_format(pkt, None).to_words(),
        [0x1_0000_0800, 0]
    );
    let hdr = Iova::for_test(0x2_0000_0041);
    let [_, word1] = RxDescriptor::read_format(pkt, Some(hdr)).to_words();
    assert_eq!(word1, 0x2_0000_0040);
    assert!(!RxWriteback::done(word1));
}

#[test]
fn receive_write_back() {
    // IPv4 TCP hash 0xdeadbeef, header of 54 bytes split off; DD, EOP, VP, TCPCS, IPCS, LB, 1514
    // bytes, VLAN 5 priority 3.
    let desc = RxWriteback::from_words([0xdead_beef_86c0_0111, 0x6005_05ea_0004_006b]);
    assert!(desc.is_done() && desc.is_end());
    assert_eq!(desc.length(), 1514);
    assert_eq!(desc.vlan_tag(), Some(0x6005));
    assert_eq!(desc.checksum(1514), ChecksumVerdict::Unnecessary);
    assert_eq!(
        desc.rss(),
        Some(RssHash {
            hash: 0xdead_beef,
            kind: RssType::Ipv4Tcp
        })
    );
    assert!(!desc.errors().any());
}

#[test]
fn receive_checksum_verdicts() {
    let verdict = |status: u64, len| RxWriteback::from_words([0, status]).checksum(len);
    assert_eq!(verdict(0x03, 100), ChecksumVerdict::None);
    assert_eq!(verdict(0x13, 100), ChecksumVerdict::Unnecessary);
    assert_eq!(verdict(0x23, 100), ChecksumVerdict::Unnecessary);
    // IXSM wins over everything.
    assert_eq!(verdict(0x6000_0027, 100), ChecksumVerdict::None);
    assert_eq!(
        verdict(0x4000_0023, 100),
        ChecksumVerdict::Bad(BadChecksum::Ip)
    );
    assert_eq!(
        verdict(0x2000_0023, 100),
        ChecksumVerdict::Bad(BadChecksum::L4)
    );
    // The SCTP erratum: says nothing at 60 bytes.
    assert_eq!(verdict(0x2000_0023, 60), ChecksumVerdict::None);
}

#[test]
fn receive_errors() {
    let errors = |status: u64| RxWriteback::from_words([0, status]).errors();
    assert!(errors(1 << 24).crc() && !errors(1 << 24).frame());
    for bit in [25, 26, 28, 31] {
        assert!(errors(1 << bit).any() && errors(1 << bit).frame() && !errors(1 << bit).crc());
    }
    // Checksum errors are not errors of the frame.
    assert!(!errors(3 << 29).any());
}

#[test]
fn rss_types() {
    let kinds = (0..16).filter_map(|kind| RxWriteback::from_words([kind, 0]).rss());
    let l4 = [true, false, true, false, false, true, true, true, true];
    assert!(kinds.map(|rss| rss.kind.is_l4()).eq(l4));
    assert!(RxWriteback::from_words([0, 0]).rss().is_none());
    assert!(RxWriteback::from_words([15, 0]).rss().is_none());
}

/// Whatever the device writes decodes into something in range.
#[test]
fn any_write_back_decodes() {
    let mut rng = Rng::new(3);
    for _ in 0..times(1_000_000) {
        let words = [rng.bits(), rng.bits()];
        let desc = RxWriteback::from_words(words);
        assert_eq!(desc.is_done(), RxWriteback::done(words[1]));
        assert_eq!(desc.vlan_tag().is_some(), words[1] & 8 != 0);
        let bad = matches!(desc.checksum(100), ChecksumVerdict::Bad(_));
        assert_eq!(bad, words[1] & 4 == 0 && words[1] & (3 << 29) != 0);
        let _ = (desc.length(), desc.rss(), desc.errors(), desc.is_end());
    }
}
