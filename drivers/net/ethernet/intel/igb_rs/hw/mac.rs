// SPDX-License-Identifier: GPL-2.0

//! Reset, and the receive and transmit paths of the function as a whole.

use igb_common::frame::MAX_FRAME;

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
        CTRL_EXT,
        FCAH,
        FCAL,
        FCT,
        FCTTV,
        GCR,
        STATUS,
        VET,
        WUC, //
    },
    nvm::EECD,
    rx::{
        RCTL,
        RFCTL,
        RLPML,
        RXCSUM, //
    },
    tx::{
        DTXCTL,
        TCTL, //
    },
};

use super::Hw;

/// EtherType of VLAN tags.
const ETHERTYPE_VLAN: u16 = 0x8100;

impl Hw<'_> {
    /// Resets the device and leaves it quiet: interrupts masked, receiver, transmitter and queues
    /// off, all filters empty, no virtualization. Virtual functions see the reset and wait for
    /// [`Self::signal_reset_done`].
    ///
    /// The link is down from here to the next [`Self::configure_link`]. Sleeps, some 25 ms.
    pub(crate) fn reset(&self) -> Result {
        self.quiesce_bus()?;
        self.prepare_completion_timeout()?;

        self.disable_all_interrupts()?;
        self.disable_rx()?;
        self.disable_tx()?;
        self.regs.flush()?;
        // Packets in flight reach memory or the wire.
        fsleep(Delta::from_millis(10));

        // 82576 datasheet 4.2.1.6.1: nothing may be accessed for 1 ms.
        self.regs.update::<CTRL>(|r| r.with_rst(true))?;
        fsleep(Delta::from_millis(2));
        self.regs
            .wait_for::<CTRL>(Delta::from_millis(1), Delta::from_millis(50), |r| !r.rst())
            .inspect_err(|_| dev_err!(self.regs.dev(), "reset does not end\n"))?;
        self.wait_for_nvm_load()?;

        self.disable_all_interrupts()?;
        self.regs.write(WUC::zeroed())?;
        // The reset turns on queue 0, with a ring at address 0.
        self.stop_rx_queue(0)?;
        self.stop_tx_queue(0)?;
        self.clear_filters()?;
        self.clear_virtualization()?;
        self.program_flow_control_frame()?;
        self.regs.write(VET::zeroed().with_vet(ETHERTYPE_VLAN))?;
        self.configure_offloads()
    }

    /// Stops bus accesses of the device so that the reset does not cut one short.
    fn quiesce_bus(&self) -> Result {
        // 82576 datasheet 5.2.3.2. The timeout is not an error: the reset follows all the same.
        self.regs
            .update::<CTRL>(|r| r.with_gio_master_disable(true))?;

        match self
            .regs
            .wait_for::<STATUS>(Delta::from_micros(100), Delta::from_millis(80), |r| {
                !r.gio_master_enable()
            }) {
            Err(e) if e == ETIMEDOUT => {
                dev_dbg!(self.regs.dev(), "bus accesses still pending before reset\n");
                Ok(())
            }
            other => other.map(|_| ()),
        }
    }

    /// Makes sure that a lost completion is noticed and not asked for again.
    fn prepare_completion_timeout(&self) -> Result {
        // 82576 datasheet 8.6.1. A repeated read could write stale data to memory that has a new
        // owner. Functions with version 2 of the capability have their timeout in it, set at probe.
        self.regs.update::<GCR>(|r| {
            let r = r.with_completion_timeout_resend(false);

            if r.completion_timeout() == 0 && !r.capability_version_2() {
                r.with_const_completion_timeout::<1>()
            } else {
                r
            }
        })
    }

    /// Waits for the device to load its settings from the NVM.
    fn wait_for_nvm_load(&self) -> Result {
        // QEMU never sets the bit, and a device without NVM does not either.
        match self
            .regs
            .wait_for::<EECD>(Delta::from_millis(1), Delta::from_millis(20), |r| {
                r.auto_rd()
            }) {
            Err(e) if e == ETIMEDOUT => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Sets the frame with which the device asks its link partner to pause.
    fn program_flow_control_frame(&self) -> Result {
        // IEEE 802.3 annex 31B: 01:80:C2:00:00:01, EtherType 8808.
        self.regs.write(FCAL::from(0x00c2_8001))?;
        self.regs.write(FCAH::from(0x0000_0100))?;
        self.regs.write(FCT::from(0x0000_8808))?;
        self.regs.write(FCTTV::from(0x0000_ffff))
    }

    /// Sets what is the same for all queues and all uses of the device.
    fn configure_offloads(&self) -> Result {
        self.regs.write(
            RXCSUM::zeroed()
                .with_pcsd(true)
                .with_crcofl(true)
                .with_tuofl(true)
                .with_ipofl(true),
        )?;
        // Erratum: the device hangs on some chains of IPv6 extension headers.
        self.regs.update::<RFCTL>(|r| r.with_ipv6_ex_dis(true))?;
        self.regs.update::<DTXCTL>(|r| r.with_vlan_added(true))
    }

    /// Tells the firmware whether a driver is in charge of the device.
    pub(crate) fn set_driver_loaded(&self, loaded: bool) -> Result {
        self.regs.update::<CTRL_EXT>(|r| r.with_drv_load(loaded))
    }

    /// Tells the virtual functions that the physical function is ready for their messages.
    pub(crate) fn signal_reset_done(&self) -> Result {
        self.regs.update::<CTRL_EXT>(|r| r.with_pfrstd(true))
    }

    /// Lets the device start bus accesses and receive into the queues that run.
    ///
    /// Leaves the promiscuous modes as they are, accepts broadcast and long packets, strips the
    /// CRC.
    pub(crate) fn enable_rx(&self) -> Result {
        self.regs.update::<RCTL>(|r| {
            r.with_rxen(true)
                .with_bam(true)
                .with_lpe(true)
                .with_secrc(true)
        })
    }

    /// Stops the receiver of the whole device, that of the virtual functions included.
    pub(crate) fn disable_rx(&self) -> Result {
        self.regs.update::<RCTL>(|r| r.with_rxen(false))
    }

    /// Starts the transmitter.
    pub(crate) fn enable_tx(&self) -> Result {
        // 82576 datasheet 8.12.1, values for full duplex.
        self.regs.write(
            TCTL::zeroed()
                .with_rtlc(true)
                .with_const_cold::<0x40>()
                .with_const_ct::<0x0f>()
                .with_psp(true)
                .with_en(true),
        )
    }

    /// Stops the transmitter of the whole device, that of the virtual functions included.
    pub(crate) fn disable_tx(&self) -> Result {
        self.regs.write(TCTL::zeroed().with_psp(true))
    }

    /// Sets the longest frame received, with header, VLAN tag and CRC. With pools, each pool has
    /// a limit of its own as well.
    pub(crate) fn set_max_frame(&self, bytes: u16) -> Result {
        self.regs
            .write(RLPML::zeroed().try_with_rlpml(bytes.min(MAX_FRAME))?)
    }

    /// Turns stripping of VLAN tags on or off. With pools, each pool has a setting
    /// of its own ([`Self::set_pf_pool`]).
    pub(crate) fn set_vlan_strip(&self, strip: bool) -> Result {
        self.regs.update::<CTRL>(|r| r.with_vme(strip))
    }
}
