// SPDX-License-Identifier: GPL-2.0

//! Resources shared with the firmware and with the driver of the other port (82576 datasheet
//! 4.6.9, 8.6.11 to 8.6.13).

use kernel::{
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    },
};

use crate::regs::ctrl::{
    STATUS,
    SWSM,
    SW_FW_SYNC, //
};

use super::Hw;

/// A resource with an owner.
#[derive(Clone, Copy)]
pub(super) enum Resource {
    /// The NVM.
    Nvm,
    /// The PHY of this port.
    Phy,
}

/// Bits of the PHYs of ports 0 to 3 in SW_FW_SYNC.
const PHY_BITS: [u16; 4] = [0x02, 0x04, 0x20, 0x40];

/// Bit of the NVM in SW_FW_SYNC.
const NVM_BIT: u16 = 0x01;

/// Milliseconds to wait for a semaphore. Its owner holds it for a few register accesses, but may be another
/// port's driver, which sleeps meanwhile and may be kept from going on.
const SEMAPHORE_MS: i64 = 1000;

/// How often to ask for a resource that somebody else holds, 5 ms apart.
const ATTEMPTS: u32 = 200;

/// Right to use a resource, given back when dropped.
pub(super) struct Held<'a, 'bound> {
    hw: &'a Hw<'bound>,
    bits: u16,
}

impl<'bound> Hw<'bound> {
    /// Waits up to about a second for `resource` and takes it. Sleeps.
    ///
    /// `EBUSY` if its owner does not let go.
    pub(super) fn acquire(&self, resource: Resource) -> Result<Held<'_, 'bound>> {
        let bits = match resource {
            Resource::Nvm => NVM_BIT,
            Resource::Phy => {
                let port: u8 = self.regs.read::<STATUS>()?.lan_id().into();
                // The mask only tells the compiler what the two bits of the field say already.
                PHY_BITS[usize::from(port & 3)]
            }
        };

        for _ in 0..ATTEMPTS {
            self.lock_sync()?;
            let taken = self.try_take(bits);
            self.unlock_sync()?;

            if taken? {
                return Ok(Held { hw: self, bits });
            }
            fsleep(Delta::from_millis(5));
        }

        dev_err!(
            self.regs.dev(),
            "firmware does not release resource {:#x}\n",
            bits
        );
        Err(EBUSY)
    }

    /// Takes the resource `bits` if nobody has it. With the semaphores held.
    fn try_take(&self, bits: u16) -> Result<bool> {
        let sync = self.regs.read::<SW_FW_SYNC>()?;
        let (fw, sw): (u16, u16) = (sync.fw().into(), sync.sw().into());

        if (fw | sw) & bits != 0 {
            return Ok(false);
        }
        self.regs.write(sync.with_sw(sw | bits))?;
        Ok(true)
    }

    /// Takes both semaphores that guard SW_FW_SYNC.
    fn lock_sync(&self) -> Result {
        let pause = Delta::from_micros(50);
        let limit = Delta::from_millis(SEMAPHORE_MS);

        // The read that finds SMBI clear has set it.
        let free = |r: SWSM| !r.smbi();
        if let Err(e) = self.regs.wait_for::<SWSM>(pause, limit, free) {
            if e != ETIMEDOUT {
                return Err(e);
            }
            // Nobody holds it that long: its owner died. The datasheet has software clear it. If the owner
            // had the firmware's semaphore too, that is taken over below: cleared, it would let the
            // firmware in beside an owner that lives after all.
            dev_warn!(
                self.regs.dev(),
                "clearing a semaphore that an earlier driver left\n"
            );
            self.regs.update::<SWSM>(|r| r.with_smbi(false))?;
            self.regs.wait_for::<SWSM>(pause, limit, free)?;
        }

        // SWESMBI stays clear as long as the firmware has it.
        let taken = self
            .regs
            .update::<SWSM>(|r| r.with_swesmbi(true))
            .and_then(|()| {
                self.regs.wait_for::<SWSM>(pause, limit, |r| {
                    r.swesmbi() || {
                        // An error shows in the next read.
                        let _ = self.regs.write(r.with_swesmbi(true));
                        false
                    }
                })
            });
        if let Err(e) = taken {
            self.unlock_sync()?;
            dev_err!(self.regs.dev(), "firmware does not release its semaphore\n");
            return Err(e);
        }
        Ok(())
    }

    /// Releases both semaphores.
    fn unlock_sync(&self) -> Result {
        self.regs.write(SWSM::zeroed())
    }
}

impl Drop for Held<'_, '_> {
    fn drop(&mut self) {
        let release = || {
            self.hw.lock_sync()?;
            let cleared = self.hw.regs.update::<SW_FW_SYNC>(|r| {
                let sw: u16 = r.sw().into();
                r.with_sw(sw & !self.bits)
            });
            self.hw.unlock_sync()?;
            cleared
        };

        // A lost device has nothing to release, and other failures have been reported.
        let _ = release();
    }
}
