// SPDX-License-Identifier: GPL-2.0

//! KUnit suites: code of both modules with the kernel's flags and checkers, in the kernel. Loading the
//! module runs them. The cases are fewer than those of tools/host-tests, and chosen for arithmetic that
//! the kernel's compiler options may treat otherwise: overflow checks, KASAN, UBSAN.

use kernel::prelude::*;

module! {
    type: Suites,
    name: "igb_kunit",
    authors: ["The igb_rs authors"],
    description: "KUnit suites of igb_rs and igbvf_rs",
    license: "GPL v2",
}

// tools/lab/build adds one more suite, `nic_examples`: the examples of the documentation.

struct Suites;

impl kernel::Module for Suites {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}

/// A small deterministic generator (xorshift64*).
struct Rng(u64);

impl Rng {
    fn word(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.word()) * u64::from(bound)) >> 32) as u32
    }
}

#[kunit_tests(igb_common_ring)]
mod ring {
    use super::*;
    use igb_common::ring::*;

    #[test]
    fn sizes() {
        for count in 0..=u16::MAX {
            let good = (64..=4096).contains(&count) && count % 8 == 0;
            assert!(RingSize::new(count).map(RingSize::get) == good.then_some(count));
        }
    }

    /// Every slot comes out in the order it went in, and full and empty are told apart.
    #[test]
    fn behaves_like_a_queue() {
        for count in [64, 72, 4096] {
            let Some(size) = RingSize::new(count) else {
                assert!(false);
                return;
            };
            let (mut producer, mut consumer) = (Producer::new(size), Consumer::new(size));
            let (mut pushed, mut popped) = (0u64, 0u64);
            let mut rng = Rng(u64::from(count) * 2 + 1);
            for _ in 0..20_000 {
                let pending = consumer.pending(producer.position());
                assert_eq!(u64::from(pending), pushed - popped);
                assert_eq!(producer.free(consumer.position()) + pending + 1, count);
                if rng.below(2) == 0 {
                    for _ in 0..rng.below(40).min((count - 1 - pending).into()) {
                        assert_eq!(u64::from(producer.push()), pushed % u64::from(count));
                        pushed += 1;
                    }
                } else {
                    for _ in 0..rng.below(40).min(pending.into()) {
                        assert_eq!(u64::from(consumer.pop()), popped % u64::from(count));
                        popped += 1;
                    }
                }
            }
            assert!(popped > u64::from(count));
        }
    }
}

#[kunit_tests(igb_common_mbx)]
mod mbx {
    use super::*;
    use igb_common::{
        mac::MacAddr,
        mbx::*, //
    };

    /// Any words decode, and a request says its words again.
    #[test]
    fn decoding_is_total() {
        let mut rng = Rng(11);
        let mut good = 0;
        for _ in 0..50_000 {
            let mut words: Words = core::array::from_fn(|_| rng.word());
            if rng.below(4) != 0 {
                words[0] = rng.below(8) | (rng.below(4) << 16);
                words[1] &= 0x2fff;
            }
            if let Ok(request) = VfRequest::decode(&words) {
                good += 1;
                assert!(VfRequest::decode(request.encode().words()) == Ok(request));
            }
        }
        assert!(good > 1000);
    }

    #[test]
    fn refuses_a_group_address() {
        let [low, high] = MacAddr::new([1, 0, 0x5e, 0, 0, 1]).to_words();
        let mut words: Words = [0; MAILBOX_WORDS];
        (words[0], words[1], words[2]) = (2, low, high);
        assert!(VfRequest::decode(&words).is_err());
    }
}

#[kunit_tests(igb_common_quota)]
mod quota {
    use super::*;
    use igb_common::quota::*;

    /// Whatever the clock does, no more than the burst and one token an interval.
    #[test]
    fn bucket_never_gives_more_than_it_says() {
        for (burst, interval) in [(1, 1), (20, 50), (64, 300)] {
            let mut bucket = TokenBucket::new(burst, interval);
            let mut rng = Rng(interval * 2 + 1);
            let (start, mut now, mut taken) = (1u64 << 40, 1u64 << 40, 0u64);
            for _ in 0..3000 {
                now += u64::from(rng.below(interval as u32 + 1));
                taken += u64::from(bucket.take(now));
            }
            assert!(taken <= u64::from(burst) + (now - start) / interval + 1);
        }
        let mut odd = TokenBucket::new(2, 0);
        assert!(odd.take(u64::MAX) && odd.take(0) && !odd.take(0));
    }
}

#[kunit_tests(igb_common_vf_bank)]
mod vf_bank {
    use super::*;
    use igb_common::{
        layout::*,
        mac::MacAddr,
        vf_bank::VfBank, //
    };

    #[test]
    fn divisions_follow_each_other() {
        let Ok(mut bank) = KBox::new(VfBank::new(), GFP_KERNEL) else {
            assert!(false);
            return;
        };
        assert!(bank.set_pf_mac(MacAddr::new([2, 0, 0, 0, 0, 1])).is_ok());
        for vfs in [7, 0, 1, 0, 7] {
            let Some(layout) = Layout::new(vfs) else {
                assert!(false);
                return;
            };
            bank.set_layout(layout);
            assert_eq!(bank.layout().has_vfs(), vfs != 0);
        }
    }
}

#[kunit_tests(nic_dma)]
mod dma {
    /// No device is bound to this module, so nothing is mapped.
    #[test]
    fn ledger_is_empty() {
        let ledger = nic::dma::ledger();
        assert!((ledger.arenas, ledger.bytes) == (0, 0));
    }
}
