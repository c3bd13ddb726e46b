// SPDX-License-Identifier: GPL-2.0

//! Pools of queues, one for each function (82576 datasheet 7.10, 4.5.11, 8.14).

use igb_common::layout::Layout;

use kernel::prelude::*;

use crate::regs::{
    mbx::{
        VFRE,
        VFTE, //
    },
    rx::QDE,
    virt::{
        DTXSWC,
        IOVCTL,
        RPLOLR,
        VMOLR,
        VMVIR,
        VT_CTL,
        WVBR, //
    },
};

use super::Hw;

/// Milliseconds the device takes to hand over queues: those the C driver waits. Nothing says when it is done.
pub(crate) const REUSE_MS: i64 = 100;

/// What the pool of the physical function receives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PoolConfig {
    /// Longest frame, with header, VLAN tag and CRC.
    pub(crate) max_frame: u16,
    /// Spread packets over the pool's two queues by RSS.
    pub(crate) rss: bool,
    /// Packets without a VLAN tag.
    pub(crate) untagged: bool,
    /// Broadcast.
    pub(crate) broadcast: bool,
    /// Multicast that matches the multicast table.
    pub(crate) multicast_hash: bool,
    /// Unicast that matches the unicast table.
    pub(crate) unicast_hash: bool,
    /// All multicast. QEMU ignores this.
    pub(crate) multicast_promisc: bool,
    /// Strip VLAN tags.
    pub(crate) strip_vlan: bool,
}

impl Hw<'_> {
    /// Turns pools on; packets that no filter claims go to the pool of the physical function.
    ///
    /// The switch between pools and what each may do are the filters' business: [`Self::apply`].
    pub(crate) fn enable_virtualization(&self, layout: Layout) -> Result {
        // The queues are those of VFs that are there, or come now.
        self.regs.write(IOVCTL::zeroed())?;
        self.regs.write(
            VT_CTL::zeroed()
                .with_vm_repl_en(true)
                .try_with_default_pool(layout.pf_pool())?,
        )?;
        self.regs
            .write(RPLOLR::zeroed().with_strvlan(true).with_strcrc(true))?;
        // A pool without free descriptors must not hold up the others.
        self.regs.write(QDE::zeroed().with_queues(u16::MAX))
    }

    /// Turns pools off.
    pub(crate) fn disable_virtualization(&self) -> Result {
        self.regs.write(QDE::zeroed())?;
        self.regs.write(RPLOLR::zeroed())?;
        self.regs.write(VT_CTL::zeroed())
    }

    /// Lets the physical function use the queues of virtual functions, which are gone. What they had
    /// under way must have ended; the device takes [`REUSE_MS`] to hand the queues over.
    ///
    /// QEMU hands them over by itself and has no such register.
    pub(crate) fn reuse_vf_queues(&self) -> Result {
        self.regs.write(IOVCTL::zeroed().with_reuse_vfq(true))?;
        self.regs.flush()
    }

    /// Puts everything about pools back to rest, after a reset: the reset leaves them enabled.
    pub(super) fn clear_virtualization(&self) -> Result {
        self.disable_virtualization()?;
        self.regs.write(DTXSWC::zeroed())?;
        self.regs.write(VFRE::zeroed())?;
        self.regs.write(VFTE::zeroed())?;
        self.regs.fill::<VMVIR>(0)?;
        self.regs.fill::<VMOLR>(0)
    }

    /// Sets what the pool of the physical function receives.
    pub(crate) fn set_pf_pool(&self, layout: Layout, config: &PoolConfig) -> Result {
        self.regs.write_at(
            usize::from(layout.pf_pool()),
            VMOLR::zeroed()
                .with_strcrc(true)
                .with_strvlan(config.strip_vlan)
                .with_mpme(config.multicast_promisc)
                .with_bam(config.broadcast)
                .with_rope(config.unicast_hash)
                .with_rompe(config.multicast_hash)
                .with_aupe(config.untagged)
                .with_rsse(config.rss)
                .with_lpe(true)
                .try_with_rlpml(config.max_frame)?,
        )
    }

    /// Returns which pools sent packets with a false address (low byte) or a false VLAN (high
    /// byte) since the last call.
    pub(crate) fn take_spoof_events(&self) -> Result<u16> {
        Ok(self.regs.read::<WVBR>()?.pools().into())
    }
}
