// SPDX-License-Identifier: GPL-2.0

//! Register access that notices when the device is gone.
//!
//! A function that has been unplugged, is being reset, or whose bus link has failed, answers every
//! read with all ones. [`Registers`] checks for that, and from then on refuses access: nothing waits
//! for a bit that never comes and nothing takes garbage for data. Once it answers again, whoever is
//! able to set it up anew may readmit it.

use igb_queue::Doorbell;

use kernel::{
    device::Bound,
    io::{
        poll::read_poll_timeout,
        register::{
            FixedRegister,
            Register,
            RegisterArray,
            WithBase, //
        },
        Io, //
    },
    pci,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    time::Delta, //
};

use core::marker::PhantomData;

/// Offset of STATUS, the same in a physical and a virtual function. Its reserved bits read zero,
/// so it is never all ones while the device answers.
const STATUS: usize = 0x8;

/// A register of 32 bits, as all of them are.
pub trait Word: Register<Storage = u32> + From<u32> + Into<u32> {}

impl<R> Word for R where R: Register<Storage = u32> + From<u32> + Into<u32> {}

/// Access is allowed.
const PRESENT: u32 = 0;
/// The device has stopped answering.
const LOST: u32 = 1;
/// The device is in somebody else's hands.
const BLOCKED: u32 = 2;

/// The mapped registers of one function.
///
/// Single accesses may come from any context. Reading, changing and writing back a register is
/// not atomic: whoever does it holds the lock that protects that register.
pub struct Registers<'bound, const SIZE: usize> {
    dev: &'bound pci::Device<Bound>,
    bar: pci::Bar<'bound, SIZE>,
    /// `PRESENT`, `LOST` or `BLOCKED`.
    access: Atomic<u32>,
}

/// Location of the registers of one queue: a base that was checked to lie within the BAR.
///
/// `Family` is the base family of the registers found there.
pub struct Block<Family> {
    base: usize,
    family: PhantomData<fn(Family)>,
}

impl<Family> Clone for Block<Family> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Family> Copy for Block<Family> {}

impl<Family> Block<Family> {
    /// Returns block `index` of `count` blocks which start at `first` and are `stride` bytes
    /// apart, or `EINVAL` if there is no such block.
    pub fn new(first: usize, stride: usize, count: u8, index: u8) -> Result<Self> {
        if index >= count {
            return Err(EINVAL);
        }

        Ok(Self {
            base: first + stride * usize::from(index),
            family: PhantomData,
        })
    }
}

/// Location of a tail register.
///
/// # Invariants
///
/// The offset is that of a 32-bit register within the BAR of the function it was made for.
#[derive(Clone, Copy)]
pub(crate) struct TailReg(u32);

/// The tail register of a running queue.
pub struct Tail<'bound, const SIZE: usize> {
    regs: Arc<Registers<'bound, SIZE>>,
    reg: TailReg,
}

impl<const SIZE: usize> Doorbell for Tail<'_, SIZE> {
    #[inline]
    fn ring(&self, tail: u16) {
        self.regs.write_tail(self.reg, tail.into());
    }
}

impl<'bound, const SIZE: usize> Registers<'bound, SIZE> {
    /// Takes over the BAR `bar` of `dev`.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the device does not answer.
    pub fn new(dev: &'bound pci::Device<Bound>, bar: pci::Bar<'bound, SIZE>) -> Result<Self> {
        let regs = Self {
            dev,
            bar,
            access: Atomic::new(PRESENT),
        };

        if regs.check_alive() {
            Ok(regs)
        } else {
            Err(ENODEV)
        }
    }

    /// Returns the device, for messages.
    pub fn dev(&self) -> &'bound pci::Device<Bound> {
        self.dev
    }

    /// Returns whether access is refused, until [`Self::readmit`].
    #[inline]
    pub fn is_gone(&self) -> bool {
        self.access.load(Relaxed) != PRESENT
    }

    /// Asks the device for a sign of life and returns whether it gave one. Any context.
    pub fn check_alive(&self) -> bool {
        if self.is_gone() {
            return false;
        }

        if self.answers() {
            return true;
        }

        if self.access.cmpxchg(PRESENT, LOST, Relaxed).is_ok() {
            dev_err!(
                self.dev,
                "device reads all ones, stopping access: it was removed, reset, or its link failed\n"
            );
        }
        false
    }

    /// Refuses access until [`Self::readmit`]. Any context.
    pub fn block(&self) {
        self.access.store(BLOCKED, Relaxed);
    }

    /// Allows access again if the device answers; it has to be reset then. Not for a device that was
    /// blocked, but by who blocked it. `ENODEV` if it does not answer.
    pub fn readmit(&self) -> Result {
        if !self.answers() {
            return Err(ENODEV);
        }
        self.access.store(PRESENT, Relaxed);
        Ok(())
    }

    fn answers(&self) -> bool {
        !matches!(self.bar.try_read32(STATUS), Ok(u32::MAX))
    }

    /// Reads the 32-bit register at `offset`.
    pub fn read_offset(&self, offset: usize) -> Result<u32> {
        if self.is_gone() {
            return Err(ENODEV);
        }

        let value = self.bar.try_read32(offset)?;

        // Some registers may rightly hold all ones, STATUS may not.
        if value == u32::MAX && !self.check_alive() {
            return Err(ENODEV);
        }
        Ok(value)
    }

    /// Writes the 32-bit register at `offset`.
    pub fn write_offset(&self, offset: usize, value: u32) -> Result {
        if self.is_gone() {
            return Err(ENODEV);
        }

        self.bar.try_write32(value, offset)
    }

    /// Reads a register.
    pub fn read<R: Word + FixedRegister>(&self) -> Result<R> {
        self.read_offset(R::OFFSET).map(Into::into)
    }

    /// Writes a register.
    pub fn write<R: Word + FixedRegister>(&self, value: R) -> Result {
        self.write_offset(R::OFFSET, value.into())
    }

    /// Reads a register, changes the value by `change`, and writes it back.
    pub fn update<R: Word + FixedRegister>(&self, change: impl FnOnce(R) -> R) -> Result {
        self.write(change(self.read()?))
    }

    /// Reads element `index` of a register array; `EINVAL` if there is no such element.
    pub fn read_at<R: Word + RegisterArray>(&self, index: usize) -> Result<R> {
        self.read_offset(element::<R>(index)?).map(Into::into)
    }

    /// Writes element `index` of a register array; `EINVAL` if there is no such element.
    pub fn write_at<R: Word + RegisterArray>(&self, index: usize, value: R) -> Result {
        self.write_offset(element::<R>(index)?, value.into())
    }

    /// Reads, changes and writes back element `index` of a register array.
    pub fn update_at<R: Word + RegisterArray>(
        &self,
        index: usize,
        change: impl FnOnce(R) -> R,
    ) -> Result {
        self.write_at(index, change(self.read_at(index)?))
    }

    /// Writes `value` to every element of a register array.
    pub fn fill<R: Word + RegisterArray>(&self, value: u32) -> Result {
        for index in 0..R::SIZE {
            self.write_at::<R>(index, value.into())?;
        }
        Ok(())
    }

    /// Reads a register of `block`.
    pub fn read_in<R>(&self, block: Block<R::BaseFamily>) -> Result<R>
    where
        R: Word + WithBase,
    {
        self.read_offset(block.base + R::OFFSET).map(Into::into)
    }

    /// Writes a register of `block`.
    pub fn write_in<R>(&self, block: Block<R::BaseFamily>, value: R) -> Result
    where
        R: Word + WithBase,
    {
        self.write_offset(block.base + R::OFFSET, value.into())
    }

    /// Returns the tail register `R` of `block`.
    pub(crate) fn tail_in<R>(
        self: &Arc<Self>,
        block: Block<R::BaseFamily>,
    ) -> Result<Tail<'bound, SIZE>>
    where
        R: Word + WithBase,
    {
        let offset = block.base + R::OFFSET;

        if offset >= SIZE || offset % 4 != 0 {
            return Err(EINVAL);
        }
        Ok(Tail {
            regs: Arc::clone(self),
            // INVARIANT: Just checked.
            reg: TailReg(offset.try_into()?),
        })
    }

    /// Writes a tail register: one posted write, ordered after earlier writes to memory. Any
    /// context. Not asked whether the device is there: a lost one drops the write, and before it is
    /// given into other hands its queues are stopped.
    #[inline(always)]
    fn write_tail(&self, tail: TailReg, value: u32) {
        const { assert!(SIZE.is_power_of_two() && SIZE > 4) };
        // By the type invariant of `TailReg` the mask changes nothing; with it the compiler sees
        // that the access is in bounds and leaves the check out.
        // CAST: `u32` fits `usize` on every platform with PCI.
        let offset = tail.0 as usize & (SIZE - 4);

        self.bar.write32(value, offset);
    }

    /// Writes a register, unless access is refused. For hot paths, any context.
    ///
    /// A device that is blocked is spared for certain only by who holds a lock that the one who blocks
    /// holds; others may just have looked.
    #[inline(always)]
    pub fn post<R: Word + FixedRegister>(&self, value: R) {
        if !self.is_gone() {
            self.bar.write32(value.into(), R::OFFSET);
        }
    }

    /// Returns whether the register at `offset` keeps what is written to the bits in `mask`. It has
    /// its old value afterwards.
    pub fn holds(&self, offset: usize, mask: u32) -> Result<bool> {
        let before = self.read_offset(offset)?;
        let mut good = true;

        for pattern in [0x5a5a_5a5a, 0xa5a5_a5a5, 0, u32::MAX] {
            self.write_offset(offset, pattern & mask)?;
            good &= self.read_offset(offset)? & mask == pattern & mask;
        }
        self.write_offset(offset, before)?;
        Ok(good)
    }

    /// Waits until `done` accepts the value of a register, and returns that value.
    ///
    /// Sleeps `pause` between reads. `ETIMEDOUT` after `limit`.
    pub fn wait_for<R: Word + FixedRegister>(
        &self,
        pause: Delta,
        limit: Delta,
        mut done: impl FnMut(R) -> bool,
    ) -> Result<R> {
        read_poll_timeout(
            || self.read_offset(R::OFFSET),
            |&raw| done(raw.into()),
            pause,
            limit,
        )
        .map(Into::into)
    }

    /// As [`Self::wait_for`], for a register of `block`.
    pub fn wait_for_in<R>(
        &self,
        block: Block<R::BaseFamily>,
        pause: Delta,
        limit: Delta,
        mut done: impl FnMut(R) -> bool,
    ) -> Result<R>
    where
        R: Word + WithBase,
    {
        let offset = block.base + R::OFFSET;

        read_poll_timeout(
            || self.read_offset(offset),
            |&raw| done(raw.into()),
            pause,
            limit,
        )
        .map(Into::into)
    }

    /// Makes sure that all earlier writes have reached the device.
    pub fn flush(&self) -> Result {
        self.read_offset(STATUS).map(|_| ())
    }
}

/// Returns the offset of element `index` of a register array.
fn element<R: RegisterArray>(index: usize) -> Result<usize> {
    if index >= R::SIZE {
        return Err(EINVAL);
    }
    Ok(R::OFFSET + index * R::STRIDE)
}
