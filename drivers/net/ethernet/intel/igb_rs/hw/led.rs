// SPDX-License-Identifier: GPL-2.0

//! The lights of the port (82576 datasheet 8.2.9).

use kernel::prelude::*;

use crate::regs::ctrl::LEDCTL;

use super::Hw;

/// LEDCTL, of each light: on (mode 0xe), blinking (bit 7).
const BLINK: u32 = 0x8e8e_8e8e;

/// What the lights showed before they were made to blink.
#[derive(Clone, Copy)]
pub(crate) struct Lights(u32);

impl Hw<'_> {
    /// Makes all lights of the port blink; the device does so by itself. Returns what they showed.
    pub(crate) fn blink_lights(&self) -> Result<Lights> {
        let before = self.regs.read::<LEDCTL>()?;

        self.regs.write(LEDCTL::from(BLINK))?;
        Ok(Lights(before.into()))
    }

    /// Makes the lights show what they did.
    pub(crate) fn restore_lights(&self, lights: Lights) -> Result {
        self.regs.write(LEDCTL::from(lights.0))
    }
}
