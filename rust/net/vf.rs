// SPDX-License-Identifier: GPL-2.0

//! Administration of virtual functions through the physical function's interface
//! (`ip link set PF vf N ...`).
//!
//! C headers: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h),
//! [`include/uapi/linux/if_link.h`](srctree/include/uapi/linux/if_link.h)

use core::marker::PhantomData;

use kernel::{
    error::from_result,
    prelude::*, //
};

use crate::raw;

use super::{
    callbacks::{
        interface,
        rtnl,
        Callbacks, //
    },
    Interface,
    MacAddress,
    Operations,
    Rtnl, //
};

const MAX_VLAN: u16 = 4095;
const MAX_QOS: u8 = 7;

/// An 802.1Q tag put on all a VF sends and taken off all it receives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PortVlan {
    /// At most 4095; 0 for a priority without VLAN.
    pub vid: u16,
    /// At most 7.
    pub qos: u8,
}

/// The link that a VF is shown.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum VfLinkState {
    /// The port's.
    #[default]
    Auto,
    /// Up, so that VFs can talk to each other without the port's link; `EOPNOTSUPP` from a device
    /// that has no such link.
    Enable,
    /// Down; the VF sends and receives nothing.
    Disable,
}

impl VfLinkState {
    fn from_raw(state: c_int) -> Result<Self> {
        Ok(match u32::try_from(state)? {
            raw::IFLA_VF_LINK_STATE_AUTO => Self::Auto,
            raw::IFLA_VF_LINK_STATE_ENABLE => Self::Enable,
            raw::IFLA_VF_LINK_STATE_DISABLE => Self::Disable,
            _ => return Err(EINVAL),
        })
    }

    fn to_raw(self) -> u32 {
        match self {
            Self::Auto => raw::IFLA_VF_LINK_STATE_AUTO,
            Self::Enable => raw::IFLA_VF_LINK_STATE_ENABLE,
            Self::Disable => raw::IFLA_VF_LINK_STATE_DISABLE,
        }
    }
}

/// What `ip link show` tells of a VF.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct VfConfig {
    /// Its address; `None` while it has none.
    pub mac: Option<MacAddress>,
    /// Its port VLAN.
    pub vlan: Option<PortVlan>,
    /// Limit of what it sends, in Mbit/s.
    pub max_rate: Option<u32>,
    /// Whether packets with a foreign source address or VLAN are stopped.
    pub spoof_check: bool,
    /// Whether it may do what untrusted ones may not.
    pub trusted: bool,
    /// The link it is shown.
    pub link_state: VfLinkState,
}

/// Counters of a VF, from the VF's point of view.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct VfStats {
    /// Packets received.
    pub rx_packets: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Broadcasts received.
    pub broadcast: u64,
    /// Multicasts received.
    pub multicast: u64,
    /// Packets dropped on their way to it.
    pub rx_dropped: u64,
    /// Packets from it that were dropped.
    pub tx_dropped: u64,
}

/// A physical function's driver that lets the administrator rule its VFs; registered with
/// [`super::Builder::register_with_vfs`].
///
/// Functions run in process context with the RTNL lock held and may sleep, whether the interface is
/// up or down. `vf` is whatever the user gave: `EINVAL` when there is no such VF. Setting what is
/// already set succeeds. Orders the driver does not implement are `EOPNOTSUPP`.
///
/// The core gives these functions no place for a message beside the error.
#[vtable]
pub trait VfAdmin: Operations {
    /// How VF `vf` is set up. The core asks for as many VFs as the device has enabled.
    fn vf_config<'bound>(
        interface: &Interface<'bound, Self>,
        vf: u16,
        rtnl: &Rtnl,
    ) -> Result<VfConfig>;

    /// What VF `vf` has sent and received.
    fn vf_stats<'bound>(
        interface: &Interface<'bound, Self>,
        vf: u16,
        rtnl: &Rtnl,
    ) -> Result<VfStats> {
        let _ = (interface, vf, rtnl);
        Err(EOPNOTSUPP)
    }

    /// Gives VF `vf` the unicast address `mac`, which it then cannot change; `None` gives the choice
    /// back to it.
    fn vf_set_mac<'bound>(
        interface: &Interface<'bound, Self>,
        vf: u16,
        mac: Option<MacAddress>,
        rtnl: &Rtnl,
    ) -> Result {
        let _ = (interface, vf, mac, rtnl);
        Err(EOPNOTSUPP)
    }

    /// Puts VF `vf` into a VLAN, or out of it with `None`.
    fn vf_set_vlan<'bound>(
        interface: &Interface<'bound, Self>,
        vf: u16,
        vlan: Option<PortVlan>,
        rtnl: &Rtnl,
    ) -> Result {
        let _ = (interface, vf, vlan, rtnl);
        Err(EOPNOTSUPP)
    }

    /// Limits what VF `vf` sends to `max` Mbit/s; `None` lifts the limit.
    fn vf_set_rate<'bound>(
        interface: &Interface<'bound, Self>,
        vf: u16,
        max: Option<u32>,
        rtnl: &Rtnl,
    ) -> Result {
        let _ = (interface, vf, max, rtnl);
        Err(EOPNOTSUPP)
    }

    /// Turns the check of source addresses and VLANs of VF `vf` on or off.
    fn vf_set_spoof_check<'bound>(
        interface: &Interface<'bound, Self>,
        vf: u16,
        on: bool,
        rtnl: &Rtnl,
    ) -> Result {
        let _ = (interface, vf, on, rtnl);
        Err(EOPNOTSUPP)
    }

    /// Trusts VF `vf` or no longer does.
    fn vf_set_trust<'bound>(
        interface: &Interface<'bound, Self>,
        vf: u16,
        trusted: bool,
        rtnl: &Rtnl,
    ) -> Result {
        let _ = (interface, vf, trusted, rtnl);
        Err(EOPNOTSUPP)
    }

    /// Chooses the link that VF `vf` is shown.
    fn vf_set_link_state<'bound>(
        interface: &Interface<'bound, Self>,
        vf: u16,
        state: VfLinkState,
        rtnl: &Rtnl,
    ) -> Result {
        let _ = (interface, vf, state, rtnl);
        Err(EOPNOTSUPP)
    }
}

/// The table for a driver `T` with VFs.
pub(super) struct VfCallbacks<T>(PhantomData<T>);

impl<T: VfAdmin> VfCallbacks<T> {
    pub(super) const OPS: raw::net_device_ops = raw::net_device_ops {
        ndo_get_vf_config: Some(Self::get_vf_config),
        ndo_get_vf_stats: if T::HAS_VF_STATS {
            Some(Self::get_vf_stats)
        } else {
            None
        },
        ndo_set_vf_mac: Some(Self::set_vf_mac),
        ndo_set_vf_vlan: Some(Self::set_vf_vlan),
        ndo_set_vf_rate: Some(Self::set_vf_rate),
        ndo_set_vf_spoofchk: Some(Self::set_vf_spoofchk),
        ndo_set_vf_trust: Some(Self::set_vf_trust),
        ndo_set_vf_link_state: Some(Self::set_vf_link_state),
        ..Callbacks::<T>::OPS
    };

    /// Borrows and forwards.
    ///
    /// # Safety
    ///
    /// `dev` must be a device registered by the builder for `T`, from one of its callbacks that
    /// run with RTNL held.
    unsafe fn forward(
        dev: *mut raw::net_device,
        vf: c_int,
        f: impl FnOnce(&Interface<'_, T>, u16, &Rtnl) -> Result,
    ) -> c_int {
        // SAFETY: by the safety requirement.
        let (interface, rtnl) = unsafe { (interface::<T>(dev), rtnl()) };
        from_result(|| f(interface, u16::try_from(vf)?, &rtnl).map(|()| 0))
    }

    unsafe extern "C" fn get_vf_config(
        dev: *mut raw::net_device,
        vf: c_int,
        info: *mut raw::ifla_vf_info,
    ) -> c_int {
        let get = |interface: &Interface<'_, T>, vf: u16, rtnl: &Rtnl| {
            let config = T::vf_config(interface, vf, rtnl)?;
            let mut mac = [0; 32];
            for (to, from) in mac.iter_mut().zip(config.mac.unwrap_or_default().0) {
                *to = from;
            }
            let vlan = config.vlan.unwrap_or(PortVlan { vid: 0, qos: 0 });
            let filled = raw::ifla_vf_info {
                vf: vf.into(),
                mac,
                vlan: vlan.vid.into(),
                qos: vlan.qos.into(),
                spoofchk: config.spoof_check.into(),
                linkstate: config.link_state.to_raw(),
                min_tx_rate: 0,
                max_tx_rate: config.max_rate.unwrap_or(0),
                // All ones: there is no such setting.
                rss_query_en: u32::MAX,
                trusted: config.trusted.into(),
                // CAST: a 16-bit number by nature.
                vlan_proto: (raw::ETH_P_8021Q as u16).to_be(),
            };
            // SAFETY: the core passes a structure to fill in, which one of its callers leaves
            // uninitialised.
            unsafe { info.write(filled) };
            Ok(())
        };
        // SAFETY: callback of our device, RTNL held.
        unsafe { Self::forward(dev, vf, get) }
    }

    unsafe extern "C" fn get_vf_stats(
        dev: *mut raw::net_device,
        vf: c_int,
        stats: *mut raw::ifla_vf_stats,
    ) -> c_int {
        let get = |interface: &Interface<'_, T>, vf: u16, rtnl: &Rtnl| {
            let values = T::vf_stats(interface, vf, rtnl)?;
            let filled = raw::ifla_vf_stats {
                rx_packets: values.rx_packets,
                tx_packets: values.tx_packets,
                rx_bytes: values.rx_bytes,
                tx_bytes: values.tx_bytes,
                broadcast: values.broadcast,
                multicast: values.multicast,
                rx_dropped: values.rx_dropped,
                tx_dropped: values.tx_dropped,
            };
            // SAFETY: the core passes a structure to fill in.
            unsafe { stats.write(filled) };
            Ok(())
        };
        // SAFETY: callback of our device, RTNL held.
        unsafe { Self::forward(dev, vf, get) }
    }

    unsafe extern "C" fn set_vf_mac(dev: *mut raw::net_device, vf: c_int, mac: *mut u8) -> c_int {
        // SAFETY: the core passes at least the six bytes of an address.
        let mac = MacAddress(unsafe { mac.cast::<[u8; 6]>().read_unaligned() });
        let set = |interface: &Interface<'_, T>, vf: u16, rtnl: &Rtnl| {
            let mac = match mac {
                MacAddress([0, 0, 0, 0, 0, 0]) => None,
                mac if mac.is_valid() => Some(mac),
                _ => return Err(EINVAL),
            };
            T::vf_set_mac(interface, vf, mac, rtnl)
        };
        // SAFETY: callback of our device, RTNL held.
        unsafe { Self::forward(dev, vf, set) }
    }

    unsafe extern "C" fn set_vf_vlan(
        dev: *mut raw::net_device,
        vf: c_int,
        vid: u16,
        qos: u8,
        proto: raw::__be16,
    ) -> c_int {
        let set = |interface: &Interface<'_, T>, vf: u16, rtnl: &Rtnl| {
            if u32::from(u16::from_be(proto)) != raw::ETH_P_8021Q {
                return Err(EPROTONOSUPPORT);
            }
            if vid > MAX_VLAN || qos > MAX_QOS {
                return Err(EINVAL);
            }
            let vlan = PortVlan { vid, qos };
            let none = PortVlan { vid: 0, qos: 0 };
            T::vf_set_vlan(interface, vf, (vlan != none).then_some(vlan), rtnl)
        };
        // SAFETY: callback of our device, RTNL held.
        unsafe { Self::forward(dev, vf, set) }
    }

    unsafe extern "C" fn set_vf_rate(
        dev: *mut raw::net_device,
        vf: c_int,
        min: c_int,
        max: c_int,
    ) -> c_int {
        let set = |interface: &Interface<'_, T>, vf: u16, rtnl: &Rtnl| {
            if min != 0 {
                return Err(EOPNOTSUPP);
            }
            let max = Some(u32::try_from(max)?).filter(|max| *max != 0);
            T::vf_set_rate(interface, vf, max, rtnl)
        };
        // SAFETY: callback of our device, RTNL held.
        unsafe { Self::forward(dev, vf, set) }
    }

    unsafe extern "C" fn set_vf_spoofchk(
        dev: *mut raw::net_device,
        vf: c_int,
        setting: bool,
    ) -> c_int {
        let set = |interface: &Interface<'_, T>, vf: u16, rtnl: &Rtnl| {
            T::vf_set_spoof_check(interface, vf, setting, rtnl)
        };
        // SAFETY: callback of our device, RTNL held.
        unsafe { Self::forward(dev, vf, set) }
    }

    unsafe extern "C" fn set_vf_trust(
        dev: *mut raw::net_device,
        vf: c_int,
        setting: bool,
    ) -> c_int {
        let set = |interface: &Interface<'_, T>, vf: u16, rtnl: &Rtnl| {
            T::vf_set_trust(interface, vf, setting, rtnl)
        };
        // SAFETY: callback of our device, RTNL held.
        unsafe { Self::forward(dev, vf, set) }
    }

    unsafe extern "C" fn set_vf_link_state(
        dev: *mut raw::net_device,
        vf: c_int,
        state: c_int,
    ) -> c_int {
        let set = |interface: &Interface<'_, T>, vf: u16, rtnl: &Rtnl| {
            T::vf_set_link_state(interface, vf, VfLinkState::from_raw(state)?, rtnl)
        };
        // SAFETY: callback of our device, RTNL held.
        unsafe { Self::forward(dev, vf, set) }
    }
}
