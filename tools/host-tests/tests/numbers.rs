// SPDX-License-Identifier: GPL-2.0

//! Sizes, layout, moderation, receive-side scaling, multicast hash, quotas.

use host_tests::{
    times,
    Rng,
    Vec, //
};
use igb_common::{
    frame::*,
    itr::{
        self,
        Interval, //
    },
    layout::*,
    mac::MacAddr,
    multicast::{
        self,
        MulticastTable, //
    },
    quota::*,
    rss::*, //
};

#[test]
fn mtu_limits() {
    for (mtu, good) in [(67, false), (68, true), (9216, true), (9217, false)] {
        assert_eq!(Mtu::new(mtu).is_some(), good);
    }
    assert_eq!(Mtu::DEFAULT.max_frame(), 1526);
    for mtu in MIN_MTU..=MAX_MTU {
        let mtu = Mtu::new(mtu).unwrap();
        assert!(mtu.max_frame() <= MAX_FRAME);
    }
}

#[test]
fn spans_cover_the_frame() {
    assert_eq!(tx_spans(0), None);
    assert_eq!(tx_spans(MAX_TX_LEN + 1), None);
    assert_eq!(tx_span_ranges(0).count(), 0);
    for len in [1, 60, 16384, 16385, 40_000, MAX_TX_LEN] {
        let spans: Vec<_> = tx_span_ranges(len).collect();
        assert_eq!(spans.len() as u32, tx_spans(len).unwrap());
        assert!(spans.len() < usize::from(MAX_TX_DESCRIPTORS));
        let mut next = 0;
        for (offset, part) in spans {
            assert_eq!(offset, next);
            assert!(part > 0 && part <= TX_SPAN_LEN);
            next += u32::from(part);
        }
        assert_eq!(next, len);
    }
}

#[test]
fn flow_control() {
    // 64 KiB, less a jumbo frame in flight and one waiting.
    assert_eq!(flow_thresholds(64, 1526), Some((54272, 54256)));
    assert_eq!(flow_thresholds(8, 1526), None);
    assert_eq!(flow_thresholds(0, 0xffff), None);
}

#[test]
fn queues_belong_to_one_function() {
    assert!(Layout::new(8).is_none());
    for vfs in 0..=7 {
        let layout = Layout::new(vfs).unwrap();
        let mut seen = 0_u32;
        let mut is_new = |queue: u8| {
            let before = seen;
            seen |= 1 << queue;
            seen != before
        };
        let pf: Vec<_> = (0..20).filter_map(|i| layout.pf_queue(i)).collect();
        assert_eq!(pf.len(), usize::from(layout.pf_max_queues()));
        for queue in &pf {
            assert!(is_new(*queue) && *queue < QUEUES);
            if layout.has_vfs() {
                assert_eq!(Layout::pool_of_queue(*queue), layout.pf_pool());
            }
        }
        for vf in layout.vf_pools() {
            assert!(Layout::pool_queues(vf).eq([vf, vf + 8]));
            assert!(is_new(vf) && is_new(vf + 8));
        }
    }
}

#[test]
fn causes_belong_to_one_function() {
    for vfs in 0..=7 {
        let layout = Layout::new(vfs).unwrap();
        let mut seen = 0_u32;
        for vector in 0..layout.pf_max_vectors() {
            seen |= layout.pf_cause(vector);
        }
        assert_eq!(seen.count_ones(), layout.pf_max_vectors().into());
        assert_eq!(seen, layout.pf_causes());
        assert_eq!(layout.pf_cause(layout.pf_max_vectors()), 0);
        for vf in layout.vf_pools() {
            // Three a VF, and VF 0 has the highest.
            let causes = 0b111 << (22 - 3 * vf);
            assert_eq!(seen & causes, 0);
            seen |= causes;
        }
        assert!(seen < 1 << CAUSES);
    }
    let seven = Layout::new(7).unwrap();
    assert_eq!(seven.pf_max_vectors(), 4);
    assert_eq!(Layout::new(5).unwrap().pf_max_vectors(), 10);
}

#[test]
fn queue_pairs_of_the_pf() {
    let none = Layout::WITHOUT_VFS;
    assert_eq!(none.pf_queue_pairs(4, 10), Some(4));
    assert_eq!(none.pf_queue_pairs(64, 10), Some(8));
    assert_eq!(none.pf_queue_pairs(64, 3), Some(2));
    assert_eq!(none.pf_queue_pairs(0, 10), Some(1));
    assert_eq!(none.pf_queue_pairs(4, 1), None);
    let seven = Layout::new(7).unwrap();
    assert_eq!(seven.pf_queue_pairs(8, 10), Some(2));
    assert_eq!(seven.pf_queue_pairs(1, 10), Some(1));
}

#[test]
fn interrupt_vector_allocation() {
    let mut registers = [0_u32; 8];
    for queue in 0..16 {
        for entry in [IvarEntry::rx(queue), IvarEntry::tx(queue)] {
            let value = &mut registers[usize::from(entry.register)];
            *value = entry.insert(*value, queue);
        }
    }
    // Bytes: RX n, TX n, RX n + 8, TX n + 8.
    for (n, value) in (0..8).zip(registers) {
        assert_eq!(
            value.to_le_bytes(),
            [0x80 | n, 0x80 | n, 0x88 | n, 0x88 | n]
        );
    }
    assert_eq!(IvarEntry::tx(9).remove(registers[1]), 0x0089_8181);
    assert_eq!(IvarEntry::rx(0).insert(0xffff_ffff, 3), 0xffff_ff83);
    assert_eq!(ivar_misc(2), 0x8200);
    assert_eq!(vtivar(0, 1), 0x8180);
    assert_eq!(vtivar_misc(2), 0x82);
}

#[test]
fn moderation() {
    assert_eq!(Interval::from_usecs(1).unwrap().eitr(), 0x8000_0004);
    assert_eq!(
        Interval::from_usecs(250).unwrap().eitr(),
        0x8000_0000 | 1000
    );
    assert_eq!(
        Interval::from_usecs(itr::MAX_USECS).unwrap().eitr(),
        0x8000_7ffc
    );
    assert_eq!(Interval::from_usecs(itr::MAX_USECS + 1), None);
    assert_eq!(Interval::clamped(u32::MAX).usecs(), itr::MAX_USECS);
    assert_eq!(Interval::clamped(20).usecs(), 20);
}

#[test]
fn redirection_table() {
    let with_vfs = Layout::new(3).unwrap();
    let spread = Reta::spread(4);
    let registers: Vec<_> = spread.registers(Layout::WITHOUT_VFS).collect();
    assert_eq!(registers.len(), RETA_ENTRIES / 4);
    assert!(registers.iter().all(|value| *value == 0x0302_0100));
    let registers: Vec<_> = Reta::spread(2).registers(with_vfs).collect();
    assert!(registers.iter().all(|value| *value == 0x0800_0800));
    assert_eq!(Reta::spread(0), Reta::spread(1));

    let mut entries = [0; RETA_ENTRIES];
    entries[5] = 3;
    let table = Reta::from_entries(&entries, 4).unwrap();
    assert_eq!(
        table.registers(Layout::WITHOUT_VFS).nth(1),
        Some(0x0000_0300)
    );
    assert_eq!(table.entries()[5], 3);
    assert!(Reta::from_entries(&entries, 3).is_none());
    entries[5] = 256;
    assert!(Reta::from_entries(&entries, 4).is_none());
}

#[test]
fn hash_key_and_fields() {
    let mut key: Key = [0; KEY_LEN];
    key[..5].copy_from_slice(&[1, 2, 3, 4, 5]);
    let registers: Vec<_> = key_registers(&key).collect();
    assert_eq!(registers.len(), KEY_LEN / 4);
    assert_eq!(registers[..2], [0x0403_0201, 5]);

    let none = HashFields::default();
    let both = HashFields {
        udp4: true,
        udp6: true,
    };
    assert_eq!(mrqc(Layout::WITHOUT_VFS, 4, none), 0x0037_0002);
    assert_eq!(mrqc(Layout::WITHOUT_VFS, 4, both), 0x00f7_0002);
    let with_vfs = Layout::new(1).unwrap();
    assert_eq!(mrqc(with_vfs, 1, none) & 7, 3);
    assert_eq!(mrqc(with_vfs, 2, none) & 7, 5);
}

#[test]
fn multicast_hash() {
    let mac = MacAddr::new([0x01, 0xaa, 0x00, 0x12, 0x34, 0x56]);
    assert_eq!(multicast::hash(mac), 0x563);
    assert_eq!(multicast::hash(MacAddr::new([0xff; 6])), 0xfff);
}

#[test]
fn multicast_table_is_the_union() {
    let mut table = MulticastTable::new();
    let mut registers = [0xaaaa_aaaa_u32; multicast::MTA_REGISTERS];
    let mut rng = Rng::new(5);
    for round in 0..times(500) {
        let mut hashes = |n| (0..n).map(|_| rng.below(4096) as u16).collect::<Vec<_>>();
        let (pf, vfs) = (hashes(20), hashes(100));
        table.set_pf(pf.iter().copied());
        table.rebuild(vfs.iter().copied());
        if round == times(250) {
            registers = [0x5555_5555; multicast::MTA_REGISTERS];
            table.invalidate();
        }
        let mut writes = 0;
        table.flush(|index, value| {
            registers[usize::from(index)] = value;
            writes += 1;
        });
        assert!(writes <= multicast::MTA_REGISTERS);
        for hash in 0..4096_u16 {
            let set = registers[usize::from(hash >> 5)] & (1 << (hash & 31)) != 0;
            assert_eq!(set, pf.contains(&hash) || vfs.contains(&hash));
            assert_eq!(set, table.contains(hash));
        }
        table.flush(|_, _| panic!("nothing changed"));
    }
}

#[test]
fn bucket_never_gives_more_than_it_says() {
    for seed in 0..times(20).into() {
        let mut rng = Rng::new(seed);
        let (burst, interval) = (1 + rng.below(70), 1 + u64::from(rng.below(300)));
        let mut bucket = TokenBucket::new(burst, interval);
        let mut now = rng.bits() >> 20;
        let mut taken = Vec::new();
        for _ in 0..3000 {
            now += u64::from(rng.below(interval as u32));
            let wait = bucket.wait(now);
            let got = bucket.take(now);
            assert_eq!(got, wait == 0);
            if got {
                taken.push(now);
            }
        }
        // Any burst + k + 1 tokens took at least k + 1 intervals less one of slack.
        for k in 0..50 {
            for window in taken.windows(burst as usize + k + 1) {
                let time = window[window.len() - 1] - window[0];
                assert!(time >= interval * k as u64, "{time} {interval} {k}");
            }
        }
    }
}

#[test]
fn bucket_survives_odd_clocks() {
    let mut bucket = TokenBucket::new(2, 0);
    assert!(bucket.take(u64::MAX) && bucket.take(0) && !bucket.take(0));
    assert!(bucket.wait(0) <= 1);
    let mut none = TokenBucket::new(0, 10);
    assert!(!none.take(1000) && !none.take(u64::MAX));
}

#[test]
fn pacer() {
    let mut pacer = Pacer::new(2000);
    assert!(pacer.allow(5));
    assert!(!pacer.allow(6) && !pacer.allow(2004) && !pacer.allow(0));
    assert!(pacer.allow(2005));
    assert!(!pacer.allow(2006));
}

/// The beginning of a TCP segment, IPv4 with `words` of header or IPv6, and the length of its headers.
fn segment(ip_words: u8, tcp_words: u8) -> ([u8; BEGINNING], usize) {
    let mut frame = [0x55; BEGINNING];
    frame[0] = 2;
    let ip = if ip_words != 0 {
        frame[12..15].copy_from_slice(&[8, 0, 0x40 | ip_words]);
        frame[20..24].copy_from_slice(&[0x40, 0, 64, 6]);
        usize::from(ip_words) * 4
    } else {
        frame[12..15].copy_from_slice(&[0x86, 0xdd, 0x60]);
        frame[20] = 6;
        40
    };
    frame[14 + ip + 12] = tcp_words << 4;
    (frame, 14 + ip + usize::from(tcp_words) * 4)
}

#[test]
fn tcp_headers_found() {
    for ip_words in [0, 5, 6, 15] {
        for tcp_words in 0..16 {
            let (frame, end) = segment(ip_words, tcp_words);
            let good = tcp_words >= 5 && end <= BEGINNING;
            assert_eq!(
                tcp_headers(&frame),
                good.then_some(end),
                "{ip_words} {tcp_words}"
            );
        }
    }
    for ip_words in 1..5 {
        assert_eq!(tcp_headers(&segment(ip_words, 5).0), None);
    }
}

#[test]
fn tcp_headers_of_nothing_else() {
    // Byte, value: a group, a tag, another version, fragments, another protocol.
    for (at, value) in [
        (0, 3),
        (12, 0x81),
        (13, 1),
        (14, 0x65),
        (20, 0x20),
        (20, 1),
        (21, 1),
        (23, 17),
    ] {
        let (mut frame, _) = segment(5, 5);
        frame[at] = value;
        assert_eq!(tcp_headers(&frame), None, "{at} {value:#x}");
    }
    for (at, value) in [(0, 0xff), (12, 8), (14, 0x45), (20, 0), (20, 17)] {
        let (mut frame, _) = segment(0, 5);
        frame[at] = value;
        assert_eq!(tcp_headers(&frame), None, "{at} {value:#x}");
    }
    let mut rng = Rng::new(4);
    for _ in 0..times(100_000) {
        let mut frame = [0; BEGINNING];
        frame.iter_mut().for_each(|byte| *byte = rng.bits() as u8);
        if let Some(end) = tcp_headers(&frame) {
            assert!((14 + 20 + 20..=BEGINNING).contains(&end));
        }
    }
}
