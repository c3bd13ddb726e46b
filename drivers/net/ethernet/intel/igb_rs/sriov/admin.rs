// SPDX-License-Identifier: GPL-2.0

//! `ip link set PF vf N ...` and `ip -s link show PF`.
//!
//! Orders take effect at once, whether the PF's interface is up or down and whether the VF has a
//! driver or not, and stay through resets until the VFs are removed.

use igb_common::{
    mac::MacAddr,
    vf_slot::{
        AdminError,
        LinkPolicy,
        PortVlan, //
    }, //
};
use kernel::prelude::*;
use nic::net::{
    self,
    Interface,
    MacAddress,
    Rtnl,
    VfAdmin,
    VfConfig,
    VfLinkState,
    VfStats, //
};

use crate::{
    adapter::Config,
    driver::Igb, //
};

/// The error user space sees.
fn errno(error: AdminError) -> Error {
    match error {
        AdminError::NoVf | AdminError::Address | AdminError::Vlan | AdminError::Qos => EINVAL,
        AdminError::AddressInUse => EADDRINUSE,
        AdminError::NoVlanSpace => ENOSPC,
        AdminError::Rate => ERANGE,
    }
}

/// The number of a VF, as far as it can be one at all.
fn number(vf: u16) -> Result<u8> {
    u8::try_from(vf).map_err(|_| EINVAL)
}

/// Gives an order and carries it out. When an error is returned nothing has changed.
fn order<'bound>(
    interface: &Interface<'bound, Igb>,
    order: impl FnOnce(&mut Config<'bound>) -> Result<(), AdminError>,
) -> Result {
    let adapter = interface.data();
    let mut config = adapter.config().lock();
    order(&mut config).map_err(errno)?;
    adapter.carry_out(&mut config)
}

#[vtable]
impl VfAdmin for Igb {
    fn vf_config<'bound>(
        interface: &Interface<'bound, Self>,
        vf: u16,
        _rtnl: &Rtnl,
    ) -> Result<VfConfig> {
        let vf = number(vf)?;
        let config = interface.data().config().lock();
        let admin = config.bank.slot(vf).ok_or(EINVAL)?.admin();
        Ok(VfConfig {
            // A trusted VF may use another.
            mac: admin
                .mac
                .or(config.bank.vf_mac(vf))
                .map(|mac| MacAddress(mac.bytes())),
            vlan: admin.vlan.map(|vlan| net::PortVlan {
                vid: vlan.vid(),
                qos: vlan.qos(),
            }),
            max_rate: (admin.max_tx_rate != 0).then_some(admin.max_tx_rate),
            spoof_check: admin.spoof_check,
            trusted: admin.trusted,
            link_state: match admin.link {
                LinkPolicy::Auto => VfLinkState::Auto,
                LinkPolicy::Disable => VfLinkState::Disable,
            },
        })
    }

    fn vf_stats<'bound>(
        interface: &Interface<'bound, Self>,
        vf: u16,
        _rtnl: &Rtnl,
    ) -> Result<VfStats> {
        let adapter = interface.data();
        let mut config = adapter.config().lock();
        config.bank.slot(number(vf)?).ok_or(EINVAL)?;
        // A device that is away has counted nothing since.
        let _ = adapter.update_vf_stats(&mut config);
        let stats = config.vf_stats.get(usize::from(vf)).ok_or(EINVAL)?;
        Ok(VfStats {
            rx_packets: stats.rx_packets(),
            tx_packets: stats.tx_packets(),
            rx_bytes: stats.rx_bytes(),
            tx_bytes: stats.tx_bytes(),
            multicast: stats.rx_multicast(),
            rx_dropped: stats.rx_dropped(),
            ..VfStats::default()
        })
    }

    fn vf_set_mac<'bound>(
        interface: &Interface<'bound, Self>,
        vf: u16,
        mac: Option<MacAddress>,
        _rtnl: &Rtnl,
    ) -> Result {
        let vf = number(vf)?;
        let mac = mac.map(|mac| MacAddr::new(mac.0));
        order(interface, |config| config.bank.set_vf_mac(vf, mac))
    }

    fn vf_set_vlan<'bound>(
        interface: &Interface<'bound, Self>,
        vf: u16,
        vlan: Option<net::PortVlan>,
        _rtnl: &Rtnl,
    ) -> Result {
        let vf = number(vf)?;
        let vlan = match vlan {
            Some(vlan) => PortVlan::new(vlan.vid, vlan.qos).map_err(errno)?,
            None => None,
        };
        order(interface, |config| config.bank.set_vf_vlan(vf, vlan))
    }

    fn vf_set_rate<'bound>(
        interface: &Interface<'bound, Self>,
        vf: u16,
        max: Option<u32>,
        _rtnl: &Rtnl,
    ) -> Result {
        let vf = number(vf)?;
        order(interface, |config| {
            config.bank.set_vf_rate(vf, max.unwrap_or(0))
        })
    }

    fn vf_set_spoof_check<'bound>(
        interface: &Interface<'bound, Self>,
        vf: u16,
        on: bool,
        _rtnl: &Rtnl,
    ) -> Result {
        let vf = number(vf)?;
        order(interface, |config| config.bank.set_vf_spoof_check(vf, on))
    }

    fn vf_set_trust<'bound>(
        interface: &Interface<'bound, Self>,
        vf: u16,
        trusted: bool,
        _rtnl: &Rtnl,
    ) -> Result {
        let vf = number(vf)?;
        order(interface, |config| config.bank.set_vf_trusted(vf, trusted))
    }

    fn vf_set_link_state<'bound>(
        interface: &Interface<'bound, Self>,
        vf: u16,
        state: VfLinkState,
        _rtnl: &Rtnl,
    ) -> Result {
        let vf = number(vf)?;
        let link = match state {
            VfLinkState::Auto => LinkPolicy::Auto,
            VfLinkState::Disable => LinkPolicy::Disable,
            VfLinkState::Enable => {
                let adapter = interface.data();
                adapter.config().lock().bank.slot(vf).ok_or(EINVAL)?;
                dev_info!(
                    adapter.dev(),
                    "VF {vf}: the device has no link but the port's: use state auto\n"
                );
                return Err(EOPNOTSUPP);
            }
        };
        order(interface, |config| config.bank.set_vf_link(vf, link))
    }
}
