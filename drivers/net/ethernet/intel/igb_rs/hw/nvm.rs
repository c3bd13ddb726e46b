// SPDX-License-Identifier: GPL-2.0

//! Contents of the NVM (82576 datasheet 3.3, chapter 6).

use kernel::{
    fmt,
    prelude::*,
    time::Delta, //
};

use crate::regs::{
    ctrl::STATUS,
    nvm::{
        EECD,
        EERD, //
    },
};

use super::{
    link::FlowControl,
    swfw::Resource,
    Hw, //
};

/// Words of the device address.
const WORD_MAC: u16 = 0x00;

/// Version of the image.
const WORD_VERSION: u16 = 0x05;

/// Number of the board.
const WORD_PBA: u16 = 0x08;

/// In place of the number's first half: the second points to a text.
const PBA_IS_TEXT: u16 = 0xfafa;

/// Initialization control 2, and what it says of PAUSE frames.
const WORD_CONTROL_2: u16 = 0x0f;
const PAUSE_MASK: u16 = 0x3000;
const PAUSE_ASYMMETRIC: u16 = 0x2000;

/// Pointer to alternate addresses.
const WORD_ALTERNATE_MAC: u16 = 0x37;

/// Word that makes the sum of the first 64 come out right.
const WORD_CHECKSUM: u16 = 0x3f;

/// What the first 64 words add up to.
const CHECKSUM: u16 = 0xbaba;

/// Unique number of the image, low and high half.
const WORD_ETRACK: u16 = 0x42;

/// Top bits of the high half that mark the number as present.
const ETRACK_MASK: u16 = 0xf000;

/// Their value then.
const ETRACK_VALID: u16 = 0x8000;

/// Largest size that the access by register can address, in words.
const MAX_WORDS: u16 = 1 << 14;

/// Version of the NVM image, which brings the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NvmVersion {
    /// Images without a unique number.
    Plain {
        /// Major version.
        major: u8,
        /// Minor version.
        minor: u8,
        /// Image.
        build: u8,
    },
    /// Images with a unique number.
    Tracked {
        /// Major version.
        major: u8,
        /// Minor version.
        minor: u8,
        /// Unique number.
        etrack: u32,
    },
}

impl NvmVersion {
    /// Decodes the version word and the words of the unique number.
    fn new(version: u16, etrack_low: u16, etrack_high: u16) -> Self {
        let [low, high] = version.to_le_bytes();
        let major = high >> 4;
        let middle = high << 4 | low >> 4;

        if etrack_high & ETRACK_MASK != ETRACK_VALID {
            return Self::Plain {
                major,
                minor: middle,
                build: low & 0xf,
            };
        }

        // The minor version is in decimal digits; older images hold it in the low byte.
        let digits = if high & 0xf == 0 { low } else { middle };
        Self::Tracked {
            major,
            minor: (digits >> 4) * 10 + (digits & 0xf),
            etrack: u32::from(etrack_high) << 16 | u32::from(etrack_low),
        }
    }
}

impl fmt::Display for NvmVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Plain {
                major,
                minor,
                build,
            } => write!(f, "{major}.{minor}.{build}"),
            Self::Tracked {
                major,
                minor,
                etrack,
            } => write!(f, "{major}.{minor}, {etrack:#010x}"),
        }
    }
}

/// A board's number, as it is printed on it.
#[derive(Clone, Copy)]
pub(crate) struct BoardId(u16, u16);

impl fmt::Display for BoardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(high, low) = self;
        write!(f, "{high:04X}{:02X}-{:03X}", low >> 8, low & 0xff)
    }
}

impl Hw<'_> {
    /// Returns the size of the NVM in 16-bit words.
    pub(crate) fn nvm_word_count(&self) -> Result<u16> {
        // 82576 datasheet 8.4.1: 0 is 128 bytes.
        let size: u8 = self.regs.read::<EECD>()?.size().into();

        Ok(64u16
            .checked_shl(size.into())
            .map_or(MAX_WORDS, |words| words.min(MAX_WORDS)))
    }

    /// Reads consecutive words from word `first`. Sleeps.
    ///
    /// `EINVAL` beyond the end, `EIO` if the device does not answer.
    pub(crate) fn nvm_read(&self, first: u16, out: &mut [u16]) -> Result {
        let end = usize::from(first).checked_add(out.len()).ok_or(EINVAL)?;
        if end > usize::from(self.nvm_word_count()?) {
            return Err(EINVAL);
        }

        let _held = self.acquire(Resource::Nvm)?;
        for (address, word) in (first..).zip(out) {
            self.regs
                .write(EERD::zeroed().with_start(true).try_with_addr(address)?)?;
            *word = self
                .regs
                .wait_for::<EERD>(Delta::from_micros(5), Delta::from_millis(10), |r| r.done())
                .map_err(|e| {
                    dev_err!(self.regs.dev(), "NVM word {:#x} cannot be read\n", address);
                    if e == ETIMEDOUT {
                        EIO
                    } else {
                        e
                    }
                })?
                .data()
                .into();
        }
        Ok(())
    }

    /// Reads one word. Sleeps.
    fn nvm_word(&self, address: u16) -> Result<u16> {
        let mut word = [0];

        self.nvm_read(address, &mut word)?;
        Ok(word[0])
    }

    /// Verifies the checksum of the NVM; `EIO` if it is wrong. Sleeps.
    pub(crate) fn nvm_validate(&self) -> Result {
        let mut words = [0; WORD_CHECKSUM as usize + 1];

        self.nvm_read(0, &mut words)?;
        let sum = words.iter().fold(0u16, |sum, &word| sum.wrapping_add(word));
        if sum != CHECKSUM {
            dev_err!(
                self.regs.dev(),
                "NVM checksum is wrong: words add up to {:#06x} instead of {:#06x}\n",
                sum,
                CHECKSUM
            );
            return Err(EIO);
        }
        Ok(())
    }

    /// Returns the address of this port from the NVM. Sleeps.
    ///
    /// `EADDRNOTAVAIL` if there is none or it is not that of a station.
    pub(crate) fn permanent_mac(&self) -> Result<[u8; 6]> {
        let port: u8 = self.regs.read::<STATUS>()?.lan_id().into();

        if let Some(addr) = self.alternate_mac(port)? {
            return Ok(addr);
        }

        // 82576 datasheet 6.2.1: the NVM holds the address of port 0; the other ports count up in
        // its last bits.
        let mut addr = self.nvm_mac(WORD_MAC)?;
        addr[5] ^= port;
        if !is_station(&addr) {
            dev_err!(self.regs.dev(), "NVM holds no valid MAC address\n");
            return Err(EADDRNOTAVAIL);
        }
        Ok(addr)
    }

    /// Returns the address that replaces the one from the factory, if there is one.
    fn alternate_mac(&self, port: u8) -> Result<Option<[u8; 6]>> {
        // 82576 datasheet 6.4.1: three words for each port, behind the pointer.
        let pointer = self.nvm_word(WORD_ALTERNATE_MAC)?;
        if pointer == 0 || pointer == u16::MAX {
            return Ok(None);
        }

        match pointer
            .checked_add(3 * u16::from(port))
            .map(|word| self.nvm_mac(word))
        {
            Some(Ok(addr)) => Ok(is_station(&addr).then_some(addr)),
            // The pointer leads nowhere.
            None => Ok(None),
            Some(Err(e)) if e == EINVAL => Ok(None),
            Some(Err(e)) => Err(e),
        }
    }

    /// Reads the address at word `first`.
    fn nvm_mac(&self, first: u16) -> Result<[u8; 6]> {
        let mut words = [0; 3];

        self.nvm_read(first, &mut words)?;
        let [[a, b], [c, d], [e, f]] = words.map(u16::to_le_bytes);
        Ok([a, b, c, d, e, f])
    }

    /// Returns the board's number (PBA), unless the NVM has it in the newer form, as text. Sleeps.
    pub(crate) fn board_id(&self) -> Result<Option<BoardId>> {
        let mut words = [0; 2];

        self.nvm_read(WORD_PBA, &mut words)?;
        Ok(match words {
            [PBA_IS_TEXT, _] | [0 | u16::MAX, 0 | u16::MAX] => None,
            [high, low] => Some(BoardId(high, low)),
        })
    }

    /// Returns what the board is to offer of flow control. Sleeps.
    pub(crate) fn nvm_flow_control(&self) -> Result<FlowControl> {
        // 82576 datasheet 6.2.6, as the C driver reads it.
        Ok(match self.nvm_word(WORD_CONTROL_2)? & PAUSE_MASK {
            0 => FlowControl {
                rx: false,
                tx: false,
            },
            PAUSE_ASYMMETRIC => FlowControl {
                rx: false,
                tx: true,
            },
            _ => FlowControl { rx: true, tx: true },
        })
    }

    /// Returns the version of the NVM image. Sleeps.
    pub(crate) fn nvm_version(&self) -> Result<NvmVersion> {
        let version = self.nvm_word(WORD_VERSION)?;
        let mut words = [0; 2];

        self.nvm_read(WORD_ETRACK, &mut words)?;
        let [low, high] = words;
        Ok(NvmVersion::new(version, low, high))
    }
}

/// Returns whether `addr` is the address of a station: neither zero nor that of a group.
fn is_station(addr: &[u8; 6]) -> bool {
    addr[0] & 1 == 0 && *addr != [0; 6]
}
