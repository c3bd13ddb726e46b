// SPDX-License-Identifier: GPL-2.0

//! From the kernel's table of functions to [`Operations`]: rebuild the interface, borrow, forward.

use core::marker::PhantomData;

use kernel::{
    error::from_result,
    prelude::*, //
};

use crate::{
    net::{
        interface,
        rtnl,
        ExtAck,
        Interface,
        Rtnl, //
    },
    raw,
    text::Text, //
};

use super::{
    stats,
    Channels,
    Coalesce,
    Identify,
    LinkRequest,
    Operations,
    Pause,
    Rings, //
};

mod queries;
mod rss;
mod tunable;

/// `f` if `condition`: an entry of the table.
macro_rules! when {
    ($condition:expr, $f:path) => {
        if $condition {
            Some($f)
        } else {
            None
        }
    };
}

/// The table for a driver `T`.
pub(super) struct Callbacks<T>(PhantomData<T>);

/// What every callback needs.
///
/// # Safety
///
/// As for [`interface`] and [`rtnl`].
unsafe fn enter<'a, 'bound, T: Operations>(
    dev: *mut raw::net_device,
) -> (&'a Interface<'bound, T>, Rtnl) {
    // SAFETY: by the safety requirement.
    unsafe { (interface::<T>(dev), rtnl()) }
}

/// A number of elements or bytes as C counts them; all of ours are small constants or few.
fn to_int(n: usize) -> c_int {
    c_int::try_from(n).unwrap_or(0)
}

impl<T: Operations> Callbacks<T> {
    const RMON_TABLE: &'static [raw::ethtool_rmon_hist_range] = &stats::rmon_table(T::RMON_RANGES);

    /// Refuses to compile a driver whose names the core would cut off.
    const NAMES_FIT: () = {
        assert!(
            stats::names_fit(T::STATS, 0),
            "a statistic's name is too long"
        );
        assert!(stats::names_fit(T::TESTS, 0), "a test's name is too long");
        assert!(
            stats::names_fit(T::RX_QUEUE_STATS, stats::QUEUE_PREFIX),
            "a queue statistic's name is too long"
        );
    };

    pub(super) const OPS: raw::ethtool_ops = raw::ethtool_ops {
        supported_coalesce_params: {
            let () = Self::NAMES_FIT;
            T::COALESCE.0
        },
        get_drvinfo: when!(T::HAS_FIRMWARE_VERSION, Self::get_drvinfo),
        get_msglevel: when!(T::HAS_MESSAGES, Self::get_msglevel),
        set_msglevel: when!(T::HAS_MESSAGES && T::HAS_SET_MESSAGES, Self::set_msglevel),
        get_wol: Some(Self::get_wol),
        set_wol: Some(Self::set_wol),
        get_link: Some(raw::ethtool_op_get_link),
        get_ts_info: Some(raw::ethtool_op_get_ts_info),
        get_link_ksettings: when!(T::HAS_LINK_SETTINGS, Self::get_link_ksettings),
        set_link_ksettings: when!(T::HAS_SET_LINK_SETTINGS, Self::set_link_ksettings),
        nway_reset: when!(T::HAS_RESTART_AUTONEG, Self::nway_reset),
        get_ringparam: when!(T::HAS_RINGS, Self::get_ringparam),
        set_ringparam: when!(T::HAS_RINGS && T::HAS_SET_RINGS, Self::set_ringparam),
        get_channels: when!(T::HAS_CHANNELS, Self::get_channels),
        set_channels: when!(T::HAS_CHANNELS && T::HAS_SET_CHANNELS, Self::set_channels),
        get_coalesce: when!(T::HAS_COALESCE, Self::get_coalesce),
        set_coalesce: when!(T::HAS_SET_COALESCE, Self::set_coalesce),
        get_pauseparam: when!(T::HAS_PAUSE, Self::get_pauseparam),
        set_pauseparam: when!(T::HAS_PAUSE && T::HAS_SET_PAUSE, Self::set_pauseparam),
        get_regs_len: when!(T::HAS_READ_REGISTERS, Self::get_regs_len),
        get_regs: when!(T::HAS_READ_REGISTERS, Self::get_regs),
        get_eeprom_len: when!(T::HAS_READ_EEPROM, Self::get_eeprom_len),
        get_eeprom: when!(T::HAS_READ_EEPROM, Self::get_eeprom),
        get_sset_count: Some(Self::get_sset_count),
        get_strings: Some(Self::get_strings),
        get_ethtool_stats: Some(Self::get_ethtool_stats),
        get_eth_mac_stats: when!(T::HAS_MAC_STATS, Self::get_eth_mac_stats),
        get_rmon_stats: when!(T::HAS_RMON_STATS, Self::get_rmon_stats),
        get_pause_stats: when!(T::HAS_PAUSE_STATS, Self::get_pause_stats),
        get_rxnfc: when!(T::EMPTY_RULES, Self::get_rxnfc),
        get_rx_ring_count: when!(T::HAS_RX_RINGS, Self::get_rx_ring_count),
        get_rxfh_indir_size: when!(T::HAS_RSS, Self::get_rxfh_indir_size),
        get_rxfh_key_size: when!(T::HAS_RSS, Self::get_rxfh_key_size),
        get_rxfh: when!(T::HAS_RSS, Self::get_rxfh),
        set_rxfh: when!(T::HAS_RSS && T::HAS_SET_RSS, Self::set_rxfh),
        get_rxfh_fields: when!(T::HAS_HASH_FIELDS, Self::get_rxfh_fields),
        set_rxfh_fields: when!(
            T::HAS_HASH_FIELDS && T::HAS_SET_HASH_FIELDS,
            Self::set_rxfh_fields
        ),
        get_tunable: when!(T::HAS_RX_COPYBREAK, Self::get_tunable),
        set_tunable: when!(T::HAS_SET_RX_COPYBREAK, Self::set_tunable),
        self_test: when!(T::HAS_SELF_TEST, Self::self_test),
        set_phys_id: when!(T::HAS_IDENTIFY, Self::set_phys_id),
        ..pin_init::zeroed()
    };

    unsafe extern "C" fn get_drvinfo(dev: *mut raw::net_device, info: *mut raw::ethtool_drvinfo) {
        // SAFETY: callback of our device, RTNL held; the core passes a structure to add to.
        let ((interface, rtnl), info) = unsafe { (enter::<T>(dev), &mut *info) };
        // A failure of the driver's leaves what it wrote.
        let _ = T::firmware_version(interface, &mut Text::new(&mut info.fw_version), &rtnl);
    }

    unsafe extern "C" fn get_link_ksettings(
        dev: *mut raw::net_device,
        settings: *mut raw::ethtool_link_ksettings,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held; the core passes zeroed settings to fill in.
        let ((interface, rtnl), to) = unsafe { (enter::<T>(dev), &mut *settings) };
        from_result(|| {
            T::link_settings(interface, &rtnl)?.fill(to);
            Ok(0)
        })
    }

    unsafe extern "C" fn set_link_ksettings(
        dev: *mut raw::net_device,
        settings: *const raw::ethtool_link_ksettings,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held; the core passes settings to read.
        let ((interface, rtnl), from) = unsafe { (enter::<T>(dev), &*settings) };
        from_result(|| {
            T::set_link_settings(interface, &LinkRequest::new(from)?, &rtnl)?;
            Ok(0)
        })
    }

    unsafe extern "C" fn nway_reset(dev: *mut raw::net_device) -> c_int {
        // SAFETY: callback of our device, RTNL held.
        let (interface, rtnl) = unsafe { enter::<T>(dev) };
        from_result(|| T::restart_autoneg(interface, &rtnl).map(|()| 0))
    }

    unsafe extern "C" fn get_ringparam(
        dev: *mut raw::net_device,
        ring: *mut raw::ethtool_ringparam,
        _kernel_ring: *mut raw::kernel_ethtool_ringparam,
        _ack: *mut raw::netlink_ext_ack,
    ) {
        // SAFETY: callback of our device, RTNL held; the core passes a structure to fill in.
        let ((interface, rtnl), to) = unsafe { (enter::<T>(dev), &mut *ring) };
        let rings = T::rings(interface, &rtnl);
        to.rx_max_pending = *T::RING_LIMITS.rx.end();
        to.tx_max_pending = *T::RING_LIMITS.tx.end();
        to.rx_pending = rings.rx;
        to.tx_pending = rings.tx;
    }

    unsafe extern "C" fn set_ringparam(
        dev: *mut raw::net_device,
        ring: *mut raw::ethtool_ringparam,
        _kernel_ring: *mut raw::kernel_ethtool_ringparam,
        ack: *mut raw::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held; the core passes a structure to read and a place
        // for a message.
        let ((interface, rtnl), ring, mut ack) =
            unsafe { (enter::<T>(dev), &*ring, ExtAck::new(ack)) };
        from_result(|| {
            let wanted = Rings {
                rx: ring.rx_pending,
                tx: ring.tx_pending,
            };
            if ring.rx_mini_pending != 0 || ring.rx_jumbo_pending != 0 {
                return Err(EINVAL);
            }
            let limits = T::RING_LIMITS;
            for (name, n, range) in [("RX", wanted.rx, &limits.rx), ("TX", wanted.tx, &limits.tx)] {
                if !range.contains(&n) || n.checked_rem(limits.step) != Some(0) {
                    ack.format(format_args!(
                        "{name} ring size must be a multiple of {} from {} to {}",
                        limits.step,
                        range.start(),
                        range.end()
                    ));
                    return Err(EINVAL);
                }
            }
            if wanted != T::rings(interface, &rtnl) {
                T::set_rings(interface, wanted, &mut ack, &rtnl)?;
            }
            Ok(0)
        })
    }

    unsafe extern "C" fn get_channels(
        dev: *mut raw::net_device,
        channels: *mut raw::ethtool_channels,
    ) {
        // SAFETY: callback of our device, RTNL held; the core passes a structure to fill in.
        let ((interface, rtnl), to) = unsafe { (enter::<T>(dev), &mut *channels) };
        let now = T::channels(interface, &rtnl);
        to.max_combined = now.max_combined;
        to.combined_count = now.combined;
        to.max_other = now.other;
        to.other_count = now.other;
    }

    unsafe extern "C" fn set_channels(
        dev: *mut raw::net_device,
        channels: *mut raw::ethtool_channels,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held; the core passes a structure to read.
        let ((interface, rtnl), wanted) = unsafe { (enter::<T>(dev), &*channels) };
        from_result(|| {
            let now: Channels = T::channels(interface, &rtnl);
            let combined = wanted.combined_count;
            if wanted.rx_count != 0
                || wanted.tx_count != 0
                || wanted.other_count != now.other
                || combined == 0
                || combined > now.max_combined
            {
                return Err(EINVAL);
            }
            if combined != now.combined {
                T::set_channels(interface, combined, &rtnl)?;
            }
            Ok(0)
        })
    }

    unsafe extern "C" fn get_coalesce(
        dev: *mut raw::net_device,
        coalesce: *mut raw::ethtool_coalesce,
        _kernel_coalesce: *mut raw::kernel_ethtool_coalesce,
        _ack: *mut raw::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held; the core passes a structure to fill in.
        let ((interface, rtnl), to) = unsafe { (enter::<T>(dev), &mut *coalesce) };
        from_result(|| {
            T::coalesce(interface, &rtnl)?.fill(to);
            Ok(0)
        })
    }

    unsafe extern "C" fn set_coalesce(
        dev: *mut raw::net_device,
        coalesce: *mut raw::ethtool_coalesce,
        _kernel_coalesce: *mut raw::kernel_ethtool_coalesce,
        ack: *mut raw::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held; the core passes a structure to read and a place
        // for a message.
        let ((interface, rtnl), from, mut ack) =
            unsafe { (enter::<T>(dev), &*coalesce, ExtAck::new(ack)) };
        from_result(|| {
            let wanted = Coalesce::new(from);
            if wanted != T::coalesce(interface, &rtnl)? {
                T::set_coalesce(interface, wanted, &mut ack, &rtnl)?;
            }
            Ok(0)
        })
    }

    unsafe extern "C" fn get_pauseparam(
        dev: *mut raw::net_device,
        pause: *mut raw::ethtool_pauseparam,
    ) {
        // SAFETY: callback of our device, RTNL held; the core passes a structure to fill in.
        let ((interface, rtnl), to) = unsafe { (enter::<T>(dev), &mut *pause) };
        T::pause(interface, &rtnl).fill(to);
    }

    unsafe extern "C" fn set_pauseparam(
        dev: *mut raw::net_device,
        pause: *mut raw::ethtool_pauseparam,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held; the core passes a structure to read.
        let ((interface, rtnl), from) = unsafe { (enter::<T>(dev), &*pause) };
        from_result(|| {
            let wanted = Pause::new(from);
            if wanted != T::pause(interface, &rtnl) {
                T::set_pause(interface, wanted, &rtnl)?;
            }
            Ok(0)
        })
    }

    unsafe extern "C" fn get_regs_len(_dev: *mut raw::net_device) -> c_int {
        to_int(T::REGISTERS * size_of::<u32>())
    }

    unsafe extern "C" fn get_regs(
        dev: *mut raw::net_device,
        regs: *mut raw::ethtool_regs,
        buffer: *mut c_void,
    ) {
        // SAFETY: callback of our device, RTNL held; the buffer is zeroed, page-aligned and as long
        // as `get_regs_len` said.
        let ((interface, rtnl), out) = unsafe {
            (*regs).version = T::REGISTERS_VERSION;
            (
                enter::<T>(dev),
                core::slice::from_raw_parts_mut(buffer.cast::<u32>(), T::REGISTERS),
            )
        };
        T::read_registers(interface, out, &rtnl);
    }

    unsafe extern "C" fn get_eeprom_len(dev: *mut raw::net_device) -> c_int {
        // SAFETY: callback of our device, RTNL held.
        let (interface, rtnl) = unsafe { enter::<T>(dev) };
        to_int(T::eeprom_len(interface, &rtnl))
    }

    unsafe extern "C" fn get_eeprom(
        dev: *mut raw::net_device,
        eeprom: *mut raw::ethtool_eeprom,
        data: *mut u8,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held; the buffer is as long as the request, which is
        // within `get_eeprom_len`.
        let ((interface, rtnl), offset, out) = unsafe {
            (*eeprom).magic = T::EEPROM_MAGIC;
            let len = (*eeprom).len as usize;
            (
                enter::<T>(dev),
                (*eeprom).offset as usize,
                core::slice::from_raw_parts_mut(data, len),
            )
        };
        from_result(|| T::read_eeprom(interface, offset, out, &rtnl).map(|()| 0))
    }

    unsafe extern "C" fn get_sset_count(dev: *mut raw::net_device, set: c_int) -> c_int {
        // SAFETY: callback of our device.
        let interface = unsafe { interface::<T>(dev) };
        match u32::try_from(set) {
            Ok(raw::ethtool_stringset_ETH_SS_STATS) => to_int(stats::count(interface)),
            Ok(raw::ethtool_stringset_ETH_SS_TEST) if T::HAS_SELF_TEST => to_int(T::TESTS.len()),
            _ => EOPNOTSUPP.to_errno(),
        }
    }

    unsafe extern "C" fn get_strings(dev: *mut raw::net_device, set: u32, data: *mut u8) {
        // SAFETY: callback of our device.
        let interface = unsafe { interface::<T>(dev) };
        let count = match set {
            raw::ethtool_stringset_ETH_SS_STATS => stats::count(interface),
            raw::ethtool_stringset_ETH_SS_TEST => T::TESTS.len(),
            _ => return,
        };
        // SAFETY: the core's buffer has a slot for each of as many names as `get_sset_count` said.
        let data = unsafe { core::slice::from_raw_parts_mut(data, count * stats::NAME_LEN) };
        if set == raw::ethtool_stringset_ETH_SS_STATS {
            stats::fill_names(interface, data);
        } else {
            stats::fill_strings(T::TESTS, data.chunks_exact_mut(stats::NAME_LEN));
        }
    }

    unsafe extern "C" fn get_ethtool_stats(
        dev: *mut raw::net_device,
        _stats: *mut raw::ethtool_stats,
        data: *mut u64,
    ) {
        // SAFETY: callback of our device, RTNL held.
        let (interface, rtnl) = unsafe { enter::<T>(dev) };
        // SAFETY: the core's buffer has as many values as `get_sset_count` said, for us to fill in.
        let data = unsafe { core::slice::from_raw_parts_mut(data, stats::count(interface)) };
        let (own, queues) = data.split_at_mut(T::STATS.len());
        T::hw_stats(interface, own, &rtnl);
        stats::fill_queues(interface, queues, &rtnl);
    }

    unsafe extern "C" fn get_eth_mac_stats(
        dev: *mut raw::net_device,
        stats: *mut raw::ethtool_eth_mac_stats,
    ) {
        // SAFETY: callback of our device, RTNL held; the core passes a structure to fill in.
        let ((interface, rtnl), to) = unsafe { (enter::<T>(dev), &mut *stats) };
        T::mac_stats(interface, &rtnl).fill(to);
    }

    unsafe extern "C" fn get_rmon_stats(
        dev: *mut raw::net_device,
        stats: *mut raw::ethtool_rmon_stats,
        ranges: *mut *const raw::ethtool_rmon_hist_range,
    ) {
        // SAFETY: callback of our device, RTNL held; the core passes a structure to fill in and a
        // place for a pointer to a table that ends with an empty range.
        let ((interface, rtnl), to) = unsafe {
            *ranges = Self::RMON_TABLE.as_ptr();
            (enter::<T>(dev), &mut *stats)
        };
        T::rmon_stats(interface, &rtnl).fill(to);
    }

    unsafe extern "C" fn get_pause_stats(
        dev: *mut raw::net_device,
        stats: *mut raw::ethtool_pause_stats,
    ) {
        // SAFETY: callback of our device, RTNL held; the core passes a structure to fill in.
        let ((interface, rtnl), to) = unsafe { (enter::<T>(dev), &mut *stats) };
        T::pause_stats(interface, &rtnl).fill(to);
    }

    unsafe extern "C" fn self_test(
        dev: *mut raw::net_device,
        test: *mut raw::ethtool_test,
        data: *mut u64,
    ) {
        // SAFETY: callback of our device, RTNL held; the core passes a structure to read and write,
        // and a buffer for as many results as `get_sset_count` said, zeroed.
        let ((interface, rtnl), test, results) = unsafe {
            (
                enter::<T>(dev),
                &mut *test,
                core::slice::from_raw_parts_mut(data, T::TESTS.len()),
            )
        };
        let offline = test.flags & raw::ethtool_test_flags_ETH_TEST_FL_OFFLINE != 0;
        if !T::self_test(interface, offline, results, &rtnl) {
            test.flags |= raw::ethtool_test_flags_ETH_TEST_FL_FAILED;
        }
    }

    unsafe extern "C" fn set_phys_id(
        dev: *mut raw::net_device,
        state: raw::ethtool_phys_id_state,
    ) -> c_int {
        // SAFETY: callback of our device, RTNL held.
        let (interface, rtnl) = unsafe { enter::<T>(dev) };
        from_result(|| {
            let state = match state {
                raw::ethtool_phys_id_state_ETHTOOL_ID_ACTIVE => Identify::Start,
                raw::ethtool_phys_id_state_ETHTOOL_ID_ON => Identify::On,
                raw::ethtool_phys_id_state_ETHTOOL_ID_OFF => Identify::Off,
                raw::ethtool_phys_id_state_ETHTOOL_ID_INACTIVE => Identify::Stop,
                _ => return Err(EINVAL),
            };
            let rate = T::identify(interface, state, &rtnl)?;
            // Elsewhere the core would take a number for a failure.
            Ok(if state == Identify::Start {
                c_int::try_from(rate)?
            } else {
                0
            })
        })
    }
}
