// SPDX-License-Identifier: GPL-2.0

//! Virtual functions: creating and removing them.

use igb_common::layout::Layout;
use kernel::prelude::*;
use nic::{
    net::{
        Interface,
        Rtnl, //
    },
    pci::{
        SriovDisable,
        SriovEnable,
        SriovEnabled, //
    }, //
};

use crate::{
    adapter::{
        Adapter,
        Config, //
    },
    driver::Igb, //
};

mod admin;
pub(crate) mod mailbox;

/// `echo N > sriov_numvfs`: divides the device, then lets the VFs appear.
///
/// The PF's queues stand still while the device is divided, nothing is reset. VF drivers probe
/// inside this call and talk to the mailbox thread, so no lock is held then.
pub(crate) fn enable<'bound, 'cb>(
    interface: &Interface<'bound, Igb>,
    enable: SriovEnable<'cb>,
) -> Result<SriovEnabled<'cb>> {
    let adapter = interface.data();
    let count = enable.num_vfs();
    let layout = Layout::new(count).ok_or(ERANGE)?;
    if layout.pf_max_vectors() < 2 {
        dev_err!(
            adapter.dev(),
            "{count} VFs would leave the PF no interrupt vectors\n"
        );
        return Err(ENOSPC);
    }
    divide(interface, layout)?;
    enable.enable().inspect_err(|_| {
        if let Err(e) = divide(interface, Layout::WITHOUT_VFS) {
            dev_err!(adapter.dev(), "taking the VFs' share back failed: {e:?}\n");
        }
    })
}

/// `echo 0 > sriov_numvfs`: lets the VFs disappear, then takes their share back.
pub(crate) fn disable(interface: &Interface<'_, Igb>, disable: SriovDisable<'_>) {
    disable.disable();
    let adapter = interface.data();
    if let Err(e) = divide(interface, Layout::WITHOUT_VFS) {
        dev_err!(adapter.dev(), "taking the VFs' share back failed: {e:?}\n");
    }
}

/// Logs which VFs sent packets with a source address or VLAN that is not theirs, which the device
/// dropped. Called every two seconds, which is how often a VF can make it log.
pub(crate) fn report_spoofing<'bound>(adapter: &Adapter<'bound>, config: &Config<'bound>) {
    let layout = config.bank.layout();
    if !layout.has_vfs() {
        return;
    }
    let Ok(events) = adapter.hw().take_spoof_events() else {
        return;
    };
    for vf in layout.vf_pools() {
        // Addresses in the low byte, VLANs in the high one.
        if events & (0x0101 << (vf & 7)) != 0 {
            dev_warn!(adapter.dev(), "Spoof event(s) detected on VF {vf}\n");
        }
    }
}

/// Divides the device anew. On error the old division is in force, and unless memory was short the
/// queues run again.
fn divide(interface: &Interface<'_, Igb>, layout: Layout) -> Result {
    let adapter = interface.data();
    let rtnl = Rtnl::lock();
    let mut config = adapter.config().lock();
    let old = config.bank.layout();
    let was_running = !config.running.is_empty();

    let pairs = config.pairs_wanted.min(adapter.pairs_for(layout)).max(1);
    let memory = if was_running {
        Some(adapter.allocate_pairs(pairs, config.rx_size, config.tx_size)?)
    } else {
        None
    };
    // What our queues have counted, before they are others'. A device that is gone has no more to say.
    let _ = adapter.update_stats(&mut config);
    adapter.stop_queues(interface, &mut config, &rtnl);

    let result = set_layout(adapter, &mut config, layout).and_then(|()| match memory {
        Some(memory) => adapter.launch(interface, &mut config, memory, &rtnl),
        None => Ok(()),
    });
    if result.is_err() {
        // It was in force a moment ago, with the same addresses.
        set_layout(adapter, &mut config, old)?;
        if was_running {
            adapter.start_queues(interface, &mut config, &rtnl)?;
        }
    }
    result
}

/// Divides the device anew while the PF's queues stand still.
fn set_layout<'bound>(
    adapter: &Adapter<'bound>,
    config: &mut Config<'bound>,
    layout: Layout,
) -> Result {
    config.bank.set_layout(layout).map_err(|_| {
        dev_err!(
            adapter.dev(),
            "too few receive address registers: remove unicast addresses from the PF first\n"
        );
        ENOSPC
    })?;
    adapter.apply_layout(config)?;
    adapter.apply_receive(config)?;
    adapter.clear_vf_stats(config)
}
