// SPDX-License-Identifier: GPL-2.0

//! Arenas, regions, buffers and rings of a real device, in a domain of its own and by the DMA API.

use core::marker::PhantomData;

use host_tests::Rng;
use kernel::{
    device::Bound,
    page::PAGE_SIZE,
    pci,
    prelude::*,
    sync::Arc, //
};
use nic::{
    dma::{
        ledger,
        Access,
        Arena,
        Backing,
        Descriptor,
        DescriptorRing,
        Kind,
        Region,
        Slots, //
    },
    pci::Scope, //
};

use crate::loan::{
    ensure,
    failed,
    Trial, //
};

/// Something to try in an arena.
trait Use: 'static {
    fn run<'bound>(arena: &Arc<Arena<'bound>>, scope: Scope<'bound>) -> Result<(), u32>;
}

/// A trial in an arena that is mapped through the DMA API, or has a domain of its own.
struct In<T, const DMA_API: bool>(PhantomData<T>);

impl<T: Use, const DMA_API: bool> Trial for In<T, DMA_API> {
    /// Nothing is left of the arena afterwards, and there is no other in the binding.
    fn run<'bound>(dev: &'bound pci::Device<Bound>, scope: Scope<'bound>) -> Result<(), u32> {
        let backing = if DMA_API {
            Backing::DmaApi
        } else {
            Backing::Auto
        };
        let arena = Arena::new(dev, scope, backing).map_err(|_| line!())?;
        ensure!((arena.protection().kind() == Kind::Private) != DMA_API);
        ensure!((ledger().arenas, ledger().bytes) == (1, 0));
        T::run(&arena, scope)?;
        drop(arena);
        ensure!((ledger().arenas, ledger().bytes) == (0, 0));
        ensure!(Arena::new(dev, scope, backing).is_err_and(|e| e == EBUSY));
        ensure!(ledger().arenas == 0);
        Ok(())
    }
}

/// Tries `T` in an arena of either kind. Returns as [`failed`].
fn failed_in_either<T: Use>() -> u32 {
    match failed::<In<T, false>>() {
        0 => failed::<In<T, true>>(),
        line => line,
    }
}

/// Whether all of a region reads as `byte`.
fn is_filled(region: &Region<'_>, byte: u8) -> bool {
    let mut part = [!byte; 512];
    (0..region.len()).step_by(part.len()).all(|offset| {
        region.read_at(offset, &mut part).is_ok() && part.iter().all(|found| *found == byte)
    })
}

fn first_and_last(region: &Region<'_>) -> (u64, u64) {
    let first = region.base().to_bits();
    (first, first + (region.len() as u64 - 1))
}

struct Regions;

impl Use for Regions {
    /// At random taken and given back: aligned, empty, nobody else's, and the arena knows how much there is.
    fn run<'bound>(arena: &Arc<Arena<'bound>>, _scope: Scope<'bound>) -> Result<(), u32> {
        let mut rng = Rng::new(31);
        let mut held: KVec<(Region<'_>, u8)> = KVec::new();
        for round in 0..200_u32 {
            if held.len() < 16 && rng.one_in(2) {
                let access =
                    [Access::Ring, Access::TxPayload, Access::RxPayload][rng.below(3) as usize];
                let magnitude = 1 << (1 + rng.below(18));
                let (len, align) = (1 + rng.below(magnitude) as usize, 1 << rng.below(17));
                let mut region = arena.region(access, len, align).map_err(|_| line!())?;
                let (first, last) = first_and_last(&region);
                ensure!(region.len() == len.next_multiple_of(PAGE_SIZE));
                ensure!(first % align.max(PAGE_SIZE) as u64 == 0);
                ensure!(held.iter().all(|(other, _): &(Region<'_>, u8)| {
                    let (begin, end) = first_and_last(other);
                    last < begin || end < first
                }));
                ensure!(is_filled(&region, 0));
                let mark = round as u8 | 1;
                for offset in (0..region.len()).step_by(512) {
                    ensure!(region.write_at(offset, &[mark; 512]).is_ok());
                }
                held.push((region, mark), GFP_KERNEL).map_err(|_| line!())?;
            } else if !held.is_empty() {
                let index = rng.below(held.len() as u32) as usize;
                let (region, mark) = held.remove(index).map_err(|_| line!())?;
                ensure!(is_filled(&region, mark));
            }
            let bytes = arena.status().map_err(|_| line!())?.bytes();
            ensure!(ledger().bytes == bytes as u64);
            ensure!(bytes >= held.iter().map(|(region, _)| region.len()).sum());
        }
        Ok(())
    }
}

struct Bounds;

impl Use for Bounds {
    /// What is outside is refused, whatever the numbers, and what cannot be had leaves nothing behind.
    fn run<'bound>(arena: &Arc<Arena<'bound>>, _scope: Scope<'bound>) -> Result<(), u32> {
        for (len, align) in [
            (0, 64),
            (Region::MAX_LEN + 1, 64),
            (usize::MAX, 64),
            (4096, 0),
            (4096, 3),
            (4096, 2 * Region::MAX_LEN),
        ] {
            ensure!(arena
                .region(Access::Ring, len, align)
                .is_err_and(|e| e == EINVAL));
        }
        for (count, size) in [
            (0, 64),
            (1, 32),
            (1, 65),
            (1, 2 * Region::MAX_LEN),
            (usize::MAX, 64),
            (usize::MAX / 64 + 1, 64),
            (usize::MAX / 64 - 1, 64),
        ] {
            ensure!(Slots::new(arena, Access::Ring, count, size).is_err_and(|e| e == EINVAL));
        }
        for len in [0, 4, 65, Ring::MAX_LEN + 8, u32::MAX - 7] {
            ensure!(Ring::new(arena, len).is_err_and(|e| e == EINVAL));
        }
        ensure!(ledger().bytes == 0);

        let mut region = arena
            .region(Access::TxPayload, 100, 1)
            .map_err(|_| line!())?;
        let len = region.len();
        for offset in [len - 3, len, len + 1, usize::MAX - 3, usize::MAX] {
            ensure!(region.write_at(offset, &[1; 4]).is_err());
            ensure!(region.read_at(offset, &mut [1; 4]).is_err());
        }
        ensure!(region.read_words(len - 8, &mut [0; 2]).is_err());
        ensure!(region.read_words(4, &mut [0; 2]).is_err());
        ensure!(region.iova(len).is_none() && region.iova(usize::MAX).is_none());
        ensure!(is_filled(&region, 0));
        Ok(())
    }
}

struct Reuse;

impl Use for Reuse {
    /// The largest regions come and go by the one block.
    fn run<'bound>(arena: &Arc<Arena<'bound>>, _scope: Scope<'bound>) -> Result<(), u32> {
        for _ in 0..20 {
            let mut region = arena
                .region(Access::RxPayload, Region::MAX_LEN, 2048)
                .map_err(|_| line!())?;
            ensure!(ledger().bytes == Region::MAX_LEN as u64);
            ensure!(is_filled(&region, 0));
            ensure!(region.write_at(Region::MAX_LEN - 1, &[1]).is_ok());
        }
        Ok(())
    }
}

struct Buffers;

impl Use for Buffers {
    /// Each buffer is whole, aligned and nobody else's, in however many regions.
    fn run<'bound>(arena: &Arc<Arena<'bound>>, _scope: Scope<'bound>) -> Result<(), u32> {
        for (count, size) in [
            (1, 64),
            (3, 64),
            (100, 2048),
            (4096, 2048),
            (300, 16384),
            (2, Region::MAX_LEN),
        ] {
            let slots = Slots::new(arena, Access::RxPayload, count, size).map_err(|_| line!())?;
            ensure!((slots.len(), slots.size()) == (count, size));
            let mut addresses = KVec::with_capacity(count, GFP_KERNEL).map_err(|_| line!())?;
            for index in 0..count {
                let (region, offset) = slots.at(index, size).ok_or(line!())?;
                let address = slots.iova(index).ok_or(line!())?;
                ensure!(region.iova(offset) == Some(address));
                ensure!(offset + size <= region.len());
                ensure!(address.to_bits() % size as u64 == 0);
                ensure!(
                    slots.at(index, size + 1).is_none() && slots.at(index, usize::MAX).is_none()
                );
                addresses
                    .push(address.to_bits(), GFP_KERNEL)
                    .map_err(|_| line!())?;
            }
            addresses.sort_unstable();
            ensure!(addresses
                .windows(2)
                .all(|pair| pair[1] - pair[0] >= size as u64));
            for index in [count, count.next_power_of_two(), usize::MAX] {
                ensure!(slots.at(index, 1).is_none() && slots.iova(index).is_none());
                ensure!(!slots.is_sole(index));
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Words([u64; 2]);

impl Descriptor for Words {
    fn to_words(self) -> [u64; 2] {
        self.0
    }

    fn from_words(words: [u64; 2]) -> Self {
        Self(words)
    }

    fn is_done(word1: u64) -> bool {
        word1 & 1 != 0
    }
}

type Ring<'bound> = DescriptorRing<'bound, Words>;

struct Descriptors;

impl Use for Descriptors {
    /// Every descriptor is itself, and an index beyond the end changes none but those it wraps to.
    fn run<'bound>(arena: &Arc<Arena<'bound>>, _scope: Scope<'bound>) -> Result<(), u32> {
        for len in [8, 64, 72, 4096, Ring::MAX_LEN] {
            let ring = Ring::new(arena, len).map_err(|_| line!())?;
            ensure!(ring.len() == len && ring.base().to_bits() % 128 == 0);
            for index in 0..len {
                ensure!(ring.poll(index).is_none());
            }
            let words = |index: u32| Words([!u64::from(index), u64::from(index) << 32 | 1]);
            for index in 0..len {
                ring.write(index, words(index));
            }
            for beyond in [len, u32::MAX] {
                ring.write(beyond, words(beyond & (len.next_power_of_two() - 1)));
            }
            for index in 0..len {
                ensure!(ring.poll(index) == Some(words(index)));
            }
        }
        Ok(())
    }
}

struct Second;

impl Use for Second {
    /// A device has one arena at a time.
    fn run<'bound>(arena: &Arc<Arena<'bound>>, scope: Scope<'bound>) -> Result<(), u32> {
        for backing in [Backing::Auto, Backing::DmaApi] {
            let second = Arena::new(arena.device(), scope, backing);
            ensure!(second.is_err_and(|e| e == EBUSY));
        }
        Ok(())
    }
}

#[kunit_tests(nic_dma)]
mod suite {
    use super::*;

    #[test]
    fn regions() {
        assert_eq!(failed_in_either::<Regions>(), 0);
    }

    #[test]
    fn bounds() {
        assert_eq!(failed_in_either::<Bounds>(), 0);
    }

    #[test]
    fn reuse() {
        assert_eq!(failed_in_either::<Reuse>(), 0);
    }

    #[test]
    fn buffers() {
        assert_eq!(failed_in_either::<Buffers>(), 0);
    }

    #[test]
    fn second() {
        assert_eq!(failed_in_either::<Second>(), 0);
    }

    #[test]
    fn descriptors() {
        assert_eq!(failed_in_either::<Descriptors>(), 0);
    }
}
