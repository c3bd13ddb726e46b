// SPDX-License-Identifier: GPL-2.0

//! Pools, the switch between them, and what virtual functions may do (82576 datasheet 7.10,
//! 4.5.11, 8.14).

use kernel::prelude::*;

use crate::regs::{
    mbx::{
        VFRE,
        VFTE, //
    },
    rx::QDE,
    tx::{
        RTTBCNRC,
        RTTBCNRM,
        RTTDQSEL, //
    },
    virt::{
        DTXSWC,
        RPLOLR,
        VMOLR,
        VMVIR,
        VT_CTL,
        WVBR, //
    },
};

use super::{
    queues::POOLS,
    Hw, //
};

/// Memory window of the rate limiter for frames of up to 9.5 KiB, in units of 1 KiB.
const RATE_WINDOW: u32 = 0x14;

/// Shift of the fraction in a rate factor.
const RATE_FRACTION_BITS: u32 = 14;

/// What a pool receives.
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

/// VLAN that everything a virtual function sends is put in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PortVlan {
    /// VLAN, 0 to 4095.
    pub(crate) vid: u16,
    /// Priority, 0 to 7.
    pub(crate) qos: u8,
}

impl Hw<'_> {
    /// Turns pools on: packets that no filter claims go to pool `default_pool`, the physical
    /// function's, and packets between pools are switched in the device.
    pub(crate) fn enable_virtualization(&self, default_pool: u8) -> Result {
        self.regs.write(
            VT_CTL::zeroed()
                .with_vm_repl_en(true)
                .try_with_default_pool(default_pool)?,
        )?;
        self.regs
            .write(RPLOLR::zeroed().with_strvlan(true).with_strcrc(true))?;
        // A pool without free descriptors must not hold up the others.
        self.regs.write(QDE::zeroed().with_queues(u16::MAX))?;
        self.set_loopback(true)
    }

    /// Turns pools off.
    pub(crate) fn disable_virtualization(&self) -> Result {
        self.regs.write(DTXSWC::zeroed())?;
        self.regs.write(QDE::zeroed())?;
        self.regs.write(RPLOLR::zeroed())?;
        self.regs.write(VT_CTL::zeroed())
    }

    /// Puts everything about pools back to rest, after a reset: the reset leaves them enabled.
    pub(super) fn clear_virtualization(&self) -> Result {
        self.disable_virtualization()?;
        self.regs.write(VFRE::zeroed())?;
        self.regs.write(VFTE::zeroed())?;
        self.regs.fill::<VMVIR>(0)?;
        self.regs.fill::<VMOLR>(0)
    }

    /// Sets what pool `pool` receives.
    pub(crate) fn set_pool(&self, pool: u8, config: &PoolConfig) -> Result {
        self.regs.write_at(
            usize::from(pool),
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

    /// Sets whether pool `pool` may receive and may send.
    pub(crate) fn set_pool_enabled(&self, pool: u8, rx: bool, tx: bool) -> Result {
        let bit = pool_bit(pool)?;
        let set = |pools: u8, on: bool| if on { pools | bit } else { pools & !bit };

        self.regs
            .update::<VFRE>(|r| r.with_pools(set(r.pools().into(), rx)))?;
        self.regs
            .update::<VFTE>(|r| r.with_pools(set(r.pools().into(), tx)))
    }

    /// Puts everything pool `vf` sends in a VLAN, or with `None` leaves tags to its driver.
    pub(crate) fn set_port_vlan(&self, vf: u8, vlan: Option<PortVlan>) -> Result {
        let vmvir = match vlan {
            Some(vlan) => VMVIR::zeroed()
                .with_const_vlana::<1>()
                .try_with_priority(vlan.qos)?
                .try_with_vid(vlan.vid)?,
            None => VMVIR::zeroed(),
        };

        self.regs.write_at(usize::from(vf), vmvir)
    }

    /// Sets whether the source address (`mac`) and the VLAN tag (`vlan`) of what virtual function
    /// `vf` sends are checked. Not for the physical function's own pool, which sends for others.
    pub(crate) fn set_spoof_check(&self, vf: u8, mac: bool, vlan: bool) -> Result {
        let bit = pool_bit(vf)?;
        let set = |pools: u8, on: bool| if on { pools | bit } else { pools & !bit };

        self.regs.update::<DTXSWC>(|r| {
            r.with_vlan_spoof(set(r.vlan_spoof().into(), vlan))
                .with_mac_spoof(set(r.mac_spoof().into(), mac))
        })
    }

    /// Sets whether packets between pools are switched in the device.
    pub(crate) fn set_loopback(&self, on: bool) -> Result {
        self.regs.update::<DTXSWC>(|r| r.with_loopback(on))
    }

    /// Returns which pools sent packets with a false address (low byte) or a false VLAN (high
    /// byte) since the last call.
    pub(crate) fn take_spoof_events(&self) -> Result<u16> {
        Ok(self.regs.read::<WVBR>()?.pools().into())
    }

    /// Limits what virtual function `vf` sends to `limit` Mb/s on a link of `link_mbps`, or lifts
    /// the limit. `ERANGE` if the limit is not between 1 and the speed of the link.
    ///
    /// 82576 datasheet 7.2.2.7. QEMU has no rate limiter.
    pub(crate) fn set_vf_rate(&self, vf: u8, link_mbps: u32, limit: Option<u32>) -> Result {
        pool_bit(vf)?;
        let bcnrc = match limit {
            None => RTTBCNRC::zeroed(),
            Some(rate) if rate == 0 || rate > link_mbps => return Err(ERANGE),
            Some(rate) => {
                let fraction = ((link_mbps % rate) << RATE_FRACTION_BITS) / rate;

                RTTBCNRC::zeroed()
                    .with_rs_ena(true)
                    .try_with_rf_int(link_mbps / rate)?
                    .try_with_rf_dec(fraction)?
            }
        };

        self.regs.write(RTTBCNRM::from(RATE_WINDOW))?;
        // The pool's second queue would be a way round the limit.
        for queue in [vf, vf + POOLS] {
            self.regs.write(RTTDQSEL::zeroed().try_with_queue(queue)?)?;
            self.regs.write(bcnrc)?;
        }
        Ok(())
    }
}

/// Returns the mask bit of pool `pool`.
fn pool_bit(pool: u8) -> Result<u8> {
    if pool >= POOLS {
        return Err(EINVAL);
    }
    Ok(1 << pool)
}
