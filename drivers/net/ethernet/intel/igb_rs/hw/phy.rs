// SPDX-License-Identifier: GPL-2.0

//! The internal PHY, reached through MDIC (82576 datasheet 3.5.2.2, 8.2.4).

use kernel::{
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    },
};

use crate::regs::{
    ctrl::{
        CTRL,
        EEMNGCTL,
        MANC,
        STATUS, //
    },
    phy::{
        PhyRegister,
        MDIC,
        PHPM,
        PHY_ID1,
        PHY_ID2, //
    },
};

use super::{
    swfw::{
        Held,
        Resource, //
    },
    Hw, //
};

/// Address of the internal PHY.
const PHY_ADDRESS: u8 = 1;

/// Last register that MDIC can address.
const MAX_REGISTER: u8 = 31;

/// Milliseconds within which the PHY is configured from the NVM, as the C driver has it.
const CONFIG_MS: i64 = 100;

/// Milliseconds in which the PHY may still be written to after it is said to be configured, as the C driver has it.
const SETTLE_MS: i64 = 100;

/// MDIC operation: write.
const MDIC_WRITE: u8 = 1;

/// MDIC operation: read.
const MDIC_READ: u8 = 2;

impl<'bound> Hw<'bound> {
    /// Reads PHY register `register`, 0 to 31. Sleeps. `EINVAL` beyond, `EIO` if the PHY has no such register.
    pub(crate) fn phy_read(&self, register: u8) -> Result<u16> {
        let held = self.acquire(Resource::Phy)?;

        self.mdic(&held, MDIC_READ, register, 0)
    }

    /// Writes PHY register `register`, 0 to 31. Sleeps. `EINVAL` beyond, `EIO` if the PHY has no such register.
    pub(crate) fn phy_write(&self, register: u8, value: u16) -> Result {
        let held = self.acquire(Resource::Phy)?;

        self.mdic(&held, MDIC_WRITE, register, value).map(|_| ())
    }

    /// Reads a PHY register by type. Sleeps.
    pub(super) fn phy<R: PhyRegister>(&self) -> Result<R> {
        self.phy_read(R::ADDRESS).map(R::from)
    }

    /// Writes a PHY register by type. Sleeps.
    pub(super) fn set_phy<R: PhyRegister>(&self, value: R) -> Result {
        self.phy_write(R::ADDRESS, value.into())
    }

    /// Makes one access and returns the data.
    fn mdic(&self, _held: &Held<'_, 'bound>, op: u8, register: u8, data: u16) -> Result<u16> {
        if register > MAX_REGISTER {
            return Err(EINVAL);
        }
        self.regs.write(
            MDIC::zeroed()
                .try_with_op(op)?
                .try_with_phyadd(PHY_ADDRESS)?
                .try_with_regadd(register)?
                .with_data(data),
        )?;

        let mdic = self
            .regs
            .wait_for::<MDIC>(Delta::from_micros(50), Delta::from_millis(32), |r| {
                r.ready()
            })
            .inspect_err(|_| dev_err!(self.regs.dev(), "the PHY does not answer\n"))?;
        if mdic.error() {
            return Err(EIO);
        }
        Ok(mdic.data().into())
    }

    /// Returns the identifier of the PHY. Sleeps.
    pub(crate) fn phy_id(&self) -> Result<u32> {
        let high: u16 = self.phy::<PHY_ID1>()?.id().into();
        let low: u16 = self.phy::<PHY_ID2>()?.id().into();

        Ok(u32::from(high) << 16 | u32::from(low))
    }

    /// Whether the management controller redirects a console or disk over the PHY's link, which has to stay as it
    /// is for that.
    pub(crate) fn phy_in_use(&self) -> Result<bool> {
        Ok(self.regs.read::<MANC>()?.blk_phy_rst_on_ide())
    }

    /// Resets the PHY. The link is lost until [`Self::configure_link`]. Sleeps, up to
    /// [`CONFIG_MS`] and [`SETTLE_MS`]. `ENODEV` if there is no PHY.
    pub(crate) fn phy_init(&self) -> Result {
        {
            let _held = self.acquire(Resource::Phy)?;

            // 82576 datasheet 4.2.1.6.4: the pin is held for at least 100 us.
            self.regs.update::<CTRL>(|r| r.with_phy_rst(true))?;
            self.regs.flush()?;
            fsleep(Delta::from_micros(100));
            self.regs.update::<CTRL>(|r| r.with_phy_rst(false))?;
            self.regs.flush()?;
            fsleep(Delta::from_micros(150));
        }
        self.wait_for_phy_config()?;

        let id = self.phy_id()?;
        if id == 0 || id == u32::MAX {
            dev_err!(self.regs.dev(), "no PHY found\n");
            return Err(ENODEV);
        }

        // Its default comes from the NVM and may be on.
        self.set_phy(self.phy::<PHPM>()?.with_d0_lplu(false))
    }

    /// Waits until the PHY has been configured from the NVM after its reset: what is written to it before
    /// would be overwritten.
    fn wait_for_phy_config(&self) -> Result {
        let port: u8 = self.regs.read::<STATUS>()?.lan_id().into();

        let configured = self.regs.wait_for::<EEMNGCTL>(
            Delta::from_millis(1),
            Delta::from_millis(CONFIG_MS),
            |r| {
                if port == 0 {
                    r.cfg_done0()
                } else {
                    r.cfg_done1()
                }
            },
        );
        match configured {
            // QEMU never sets the bits, and neither may firmware that has nothing to configure.
            Err(e) if e == ETIMEDOUT => {
                dev_dbg!(self.regs.dev(), "no word of the PHY's configuration\n");
            }
            other => drop(other?),
        }
        fsleep(Delta::from_millis(SETTLE_MS));
        Ok(())
    }
}
