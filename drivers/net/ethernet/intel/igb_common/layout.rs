// SPDX-License-Identifier: GPL-2.0

//! Which queues, pools, vectors and interrupt causes belong to which function.
//!
//! Everything follows from the number of VFs. VF `n` has pool `n`: queues `n` and `n + 8`, three
//! vectors. The PF has the pool after the last VF, and what is left of the 25 causes.

/// Most VFs: eight pools, one of them the PF's.
pub const MAX_VFS: u8 = 7;
/// Pools of the VMDq switch.
pub const POOLS: u8 = 8;
/// Queues of each direction.
pub const QUEUES: u8 = 16;
/// Vectors of a VF.
pub const VF_VECTORS: u8 = 3;
/// EIMS, EIAC and EIAM of a VF: its three vectors.
pub const VF_EIMS_ALL: u32 = 0b111;
/// Vectors in the PF's MSI-X table.
pub const PF_VECTORS: u8 = 10;
/// Interrupt causes of the device (EICR bits), shared by all functions.
pub const CAUSES: u8 = 25;
/// Most queues the receive-side scaling of the PF can spread over.
pub const MAX_RSS_QUEUES: u8 = 8;
/// Queues of a pool.
pub const POOL_QUEUES: u8 = 2;

const IVAR_VALID: u32 = 0x80;

/// How the device is divided.
///
/// # Examples
///
/// ```
/// use igb_common::layout::Layout;
///
/// let Some(layout) = Layout::new(7) else {
///     return;
/// };
/// // VF 0 has the queues 0 and 8, the PF what no VF has.
/// assert!(Layout::pool_queues(0).eq([0, 8]));
/// assert_eq!(layout.pf_max_queues(), 2);
/// assert_eq!(layout.pf_queue(0), Some(7));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    vfs: u8,
}

impl Layout {
    /// No VFs: the PF has everything.
    pub const WITHOUT_VFS: Self = Self { vfs: 0 };

    /// The division with `vfs` VFs, or `None` if there cannot be so many.
    #[inline]
    pub const fn new(vfs: u16) -> Option<Self> {
        // CAST: widening, then at most 7.
        if vfs <= MAX_VFS as u16 {
            Some(Self { vfs: vfs as u8 })
        } else {
            None
        }
    }

    /// Number of VFs.
    #[inline]
    pub const fn vfs(self) -> u8 {
        self.vfs
    }

    /// Whether there are VFs, and so pools.
    #[inline]
    pub const fn has_vfs(self) -> bool {
        self.vfs != 0
    }

    /// The VFs' numbers, which are their pools' as well.
    #[inline]
    pub fn vf_pools(self) -> impl Iterator<Item = u8> {
        0..self.vfs
    }

    /// The PF's pool.
    #[inline]
    pub const fn pf_pool(self) -> u8 {
        self.vfs
    }

    /// Most queue pairs the PF can have.
    #[inline]
    pub const fn pf_max_queues(self) -> u8 {
        if self.has_vfs() {
            POOL_QUEUES
        } else {
            MAX_RSS_QUEUES
        }
    }

    /// Hardware queue of the PF's queue pair `index`: the same number for both directions. `None` if
    /// there is no such pair.
    #[inline]
    pub const fn pf_queue(self, index: u8) -> Option<u8> {
        if index >= self.pf_max_queues() {
            None
        } else if self.has_vfs() {
            // Both queues of the pool: N and N + 8, N at most 7.
            Some(self.vfs + index * POOLS)
        } else {
            Some(index)
        }
    }

    /// The hardware queues of pool `pool` where there are VFs.
    #[inline]
    pub fn pool_queues(pool: u8) -> impl Iterator<Item = u8> {
        (pool % POOLS..QUEUES).step_by(POOLS.into())
    }

    /// The pool hardware queue `queue` belongs to.
    #[inline]
    pub const fn pool_of_queue(queue: u8) -> u8 {
        queue % POOLS
    }

    /// How many vectors the PF can use.
    #[inline]
    pub const fn pf_max_vectors(self) -> u8 {
        // `vfs` is at most 7.
        let left = CAUSES - VF_VECTORS * self.vfs;
        if left < PF_VECTORS {
            left
        } else {
            PF_VECTORS
        }
    }

    /// How many queue pairs the PF uses on a machine with `cpus` CPUs when it was granted `vectors`
    /// vectors: one vector is for link and mailbox, each pair has one of its own. `None` if there are
    /// not even two vectors.
    #[inline]
    pub const fn pf_queue_pairs(self, cpus: u32, vectors: u8) -> Option<u8> {
        let usable = if vectors < self.pf_max_vectors() {
            vectors
        } else {
            self.pf_max_vectors()
        };
        if usable < 2 {
            return None;
        }
        let mut pairs = usable - 1;
        if pairs > self.pf_max_queues() {
            pairs = self.pf_max_queues();
        }
        // CAST: widening; then below `pairs`.
        if cpus < pairs as u32 {
            pairs = if cpus == 0 { 1 } else { cpus as u8 };
        }
        Some(pairs)
    }

    /// EICR/EIMS/EIAC bit of the PF's vector `vector`; 0 if it cannot have one.
    #[inline]
    pub const fn pf_cause(self, vector: u8) -> u32 {
        if vector < self.pf_max_vectors() {
            1 << vector
        } else {
            0
        }
    }

    /// EICR/EIMS/EIAC bits of all vectors the PF can use.
    #[inline]
    pub const fn pf_causes(self) -> u32 {
        // At most ten.
        (1 << self.pf_max_vectors()) - 1
    }
}

/// A byte of the interrupt vector allocation registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IvarEntry {
    /// Which IVAR register, 0 to 7.
    pub register: u8,
    /// Lowest bit of the entry in it: 0, 8, 16 or 24.
    pub shift: u8,
}

impl IvarEntry {
    /// The entry of hardware receive queue `queue`.
    #[inline]
    pub const fn rx(queue: u8) -> Self {
        Self {
            register: queue & 7,
            shift: if queue & 8 == 0 { 0 } else { 16 },
        }
    }

    /// The entry of hardware transmit queue `queue`.
    #[inline]
    pub const fn tx(queue: u8) -> Self {
        let rx = Self::rx(queue);
        Self {
            register: rx.register,
            // At most 24.
            shift: rx.shift + 8,
        }
    }

    /// The register's `value` with this entry pointing to `vector`.
    #[inline]
    pub const fn insert(self, value: u32, vector: u8) -> u32 {
        self.remove(value) | (ivar(vector) << (self.shift & 24))
    }

    /// The register's `value` with this entry invalid: the queue raises no interrupt.
    #[inline]
    pub const fn remove(self, value: u32) -> u32 {
        value & !(0xff << (self.shift & 24))
    }
}

/// IVAR_MISC for the PF: link, mailbox and the other causes on `vector`.
#[inline]
pub const fn ivar_misc(vector: u8) -> u32 {
    ivar(vector) << 8
}

/// VTIVAR of a VF whose queue pair 0 receives on vector `rx` and transmits on vector `tx`. QEMU ORs
/// what is written into what was there, so it is written once after each reset.
#[inline]
pub const fn vtivar(rx: u8, tx: u8) -> u32 {
    ivar(rx) | (ivar(tx) << 8)
}

/// VTIVAR_MISC of a VF: mailbox on `vector`.
#[inline]
pub const fn vtivar_misc(vector: u8) -> u32 {
    ivar(vector)
}

#[inline]
const fn ivar(vector: u8) -> u32 {
    // CAST: widening.
    (vector & 0x1f) as u32 | IVAR_VALID
}
