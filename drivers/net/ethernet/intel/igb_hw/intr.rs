// SPDX-License-Identifier: GPL-2.0

//! Interrupt vectors: enabling, firing, moderation (82576 datasheet 7.3, 8.8, 8.26).
//!
//! The registers are at the same place in the physical and in the virtual function, which has the
//! first three bits and entries of them. A mask has bit n set for vector n.

use igb_common::{
    itr::{
        Coalescing,
        Interval,
        MAX_USECS, //
    },
    layout::CAUSES,
};

use kernel::{
    io::{
        register,
        register::{
            Register,
            RegisterArray, //
        }, //
    },
    num::Bounded,
    prelude::*,
    sync::Arc, //
};

use nic::{
    ethtool::Coalesce,
    moderation::{
        Moderation,
        Timer, //
    },
    net::ExtAck, //
};

use crate::access::Registers;

register! {
    /// Fires vectors.
    pub(crate) EICS(u32) @ 0x1520 {
        24:0    vectors;
    }

    /// Enables vectors.
    pub(crate) EIMS(u32) @ 0x1524 {
        24:0    vectors;
    }

    /// Disables vectors.
    pub(crate) EIMC(u32) @ 0x1528 {
        24:0    vectors;
    }

    /// Vectors whose cause clears itself when they fire.
    pub(crate) EIAC(u32) @ 0x152c {
        24:0    vectors;
    }

    /// Vectors that are disabled when they fire.
    pub(crate) EIAM(u32) @ 0x1530 {
        24:0    vectors;
    }

    /// Causes per vector; write one to clear.
    pub(crate) EICR(u32) @ 0x1580 {
        24:0    vectors;
    }

    /// Moderation of one vector; `igb_common::itr` has the encoding.
    pub(crate) EITR(u32)[25] @ 0x1680 {
        31:0    value;
    }
}

/// Offsets of the registers with the state of all vectors, for dumps.
pub const READABLE: [usize; 3] = [EIMS::OFFSET, EIAC::OFFSET, EIAM::OFFSET];

/// Offset of the moderation of vector 0, and bytes from one vector's to the next one's, for dumps.
pub const MODERATION: (usize, usize) = (EITR::OFFSET, EITR::STRIDE);

impl<const SIZE: usize> Registers<'_, SIZE> {
    /// Makes the causes of the vectors in `mask` clear themselves, and the vectors disable
    /// themselves, when they fire. All other vectors, those of virtual functions among them, do so no
    /// longer.
    ///
    /// QEMU does the first only: a handler may run again before it has enabled its vector.
    pub fn auto_clear_vectors(&self, mask: u32) -> Result {
        let mask = vectors(mask);

        self.write(EIAC::zeroed().with_vectors(mask))?;
        self.write(EIAM::zeroed().with_vectors(mask))
    }

    /// Enables the vectors in `mask`. Any context.
    #[inline]
    pub fn enable_vectors(&self, mask: u32) {
        self.post(EIMS::zeroed().with_vectors(vectors(mask)));
    }

    /// Disables the vectors in `mask`. Any context.
    #[inline]
    pub fn disable_vectors(&self, mask: u32) {
        self.post(EIMC::zeroed().with_vectors(vectors(mask)));
    }

    /// Fires the vectors in `mask`. Any context.
    #[inline]
    pub fn trigger_vectors(&self, mask: u32) {
        self.post(EICS::zeroed().with_vectors(vectors(mask)));
    }

    /// Disables the vectors in `mask`, which are all the function has, and takes back what
    /// [`Self::auto_clear_vectors`] set.
    pub fn silence_vectors(&self, mask: u32) -> Result {
        self.write(EIMC::zeroed().with_vectors(vectors(mask)))?;
        self.write(EIAC::zeroed())?;
        self.write(EIAM::zeroed())?;
        self.flush()
    }

    /// Forgets that the vectors in `mask` are to fire.
    pub fn forget_vectors(&self, mask: u32) -> Result {
        self.write(EICR::zeroed().with_vectors(vectors(mask)))
    }

    /// Sets the least time between interrupts of `vector`. Any context. `EINVAL` if there is no
    /// such vector.
    pub fn set_moderation(&self, vector: u8, interval: Interval) -> Result {
        self.write_at(usize::from(vector), EITR::from(interval.eitr()))
    }
}

/// Returns the vectors of `mask` that exist.
#[inline(always)]
fn vectors(mask: u32) -> Bounded<u32, 25> {
    Bounded::<u32, 25>::from_expr(mask & ((1 << CAUSES) - 1))
}

/// The timer of a vector.
pub struct VectorTimer<'bound, const SIZE: usize> {
    regs: Arc<Registers<'bound, SIZE>>,
    vector: u8,
}

impl<'bound, const SIZE: usize> VectorTimer<'bound, SIZE> {
    /// The timer of `vector` of the function with the registers `regs`.
    pub fn new(regs: &Arc<Registers<'bound, SIZE>>, vector: u8) -> Self {
        Self {
            regs: Arc::clone(regs),
            vector,
        }
    }
}

impl<const SIZE: usize> Timer for VectorTimer<'_, SIZE> {
    fn set_usecs(&self, usecs: u32) {
        // A device that is gone has no interrupts to hold back.
        let _ = self
            .regs
            .set_moderation(self.vector, Interval::clamped(usecs));
    }
}

/// What the user's setting means to a vector.
pub fn moderation(coalescing: Coalescing) -> Moderation {
    if coalescing.adaptive {
        Moderation::Adaptive
    } else {
        Moderation::Fixed(coalescing.fixed.usecs())
    }
}

/// The setting as ethtool shows it.
pub fn coalesce(coalescing: Coalescing) -> Coalesce {
    Coalesce {
        rx_usecs: coalescing.fixed.usecs(),
        adaptive_rx: coalescing.adaptive,
        ..Coalesce::default()
    }
}

/// The setting that ethtool asks for; `EINVAL`, with a message, if the device has no such.
pub fn coalescing(asked: &Coalesce, ack: &mut ExtAck<'_>) -> Result<Coalescing> {
    let Some(fixed) = Interval::from_usecs(asked.rx_usecs) else {
        ack.format(format_args!("rx-usecs must be at most {MAX_USECS}"));
        return Err(EINVAL);
    };
    Ok(Coalescing {
        adaptive: asked.adaptive_rx,
        fixed,
    })
}
