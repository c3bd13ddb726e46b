// SPDX-License-Identifier: GPL-2.0

//! Virtual functions: creating and removing them.

use igb_common::layout::Layout;
use kernel::{
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    }, //
};
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
        queues::PairMemory,
        Adapter,
        Config, //
    },
    driver::Igb,
    hw::REUSE_MS, //
};

mod admin;
pub(crate) mod mailbox;

/// `echo N > sriov_numvfs`: divides the device, then lets the VFs appear.
///
/// The PF's queues stand still while the device is divided, nothing is reset. VF drivers probe
/// inside this call and talk to the mailbox service, so no lock is held then.
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
    enable.enable().inspect_err(|_| reclaim(interface))
}

/// `echo 0 > sriov_numvfs`: lets the VFs disappear, then takes their share back.
pub(crate) fn disable(interface: &Interface<'_, Igb>, disable: SriovDisable<'_>) {
    disable.disable();
    reclaim(interface);
}

/// Counts and logs which VFs sent packets with a source address or VLAN that is not theirs, which the
/// device dropped. Called every two seconds, which is how often a VF can make it log.
pub(crate) fn report_spoofing<'bound>(adapter: &Adapter<'bound>, config: &mut Config<'bound>) {
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
            config.bank.spoofed(vf, adapter.uptime_ms());
            dev_warn!(adapter.dev(), "Spoof event(s) detected on VF {vf}\n");
        }
    }
}

/// Divides the device, which was the PF's alone, among PF and VFs. On error it is the PF's alone.
fn divide(interface: &Interface<'_, Igb>, layout: Layout) -> Result {
    let rtnl = Rtnl::lock();
    let mut config = interface.data().config().lock();
    // While nothing has changed yet.
    let memory = memory_for(interface, &config, layout)?;
    rearrange(interface, &mut config, layout, Ok(memory), &rtnl)
        .inspect_err(|_| take_back(interface, &mut config, &rtnl))
}

/// Takes back the share of VFs that are gone. Sleeps.
fn reclaim(interface: &Interface<'_, Igb>) {
    let adapter = interface.data();
    // Their transactions have ended: the PCI core waits a second after it has cleared VF Enable.
    let released = {
        let _config = adapter.config().lock();
        adapter.hw().reuse_vf_queues()
    };
    match released {
        Ok(()) => fsleep(Delta::from_millis(REUSE_MS)),
        // There is no device to wait for, which the rest says.
        Err(e) => dev_dbg!(adapter.dev(), "the VFs' queues are not released: {e:?}\n"),
    }
    let rtnl = Rtnl::lock();
    let mut config = adapter.config().lock();
    take_back(interface, &mut config, &rtnl);
}

/// Makes the device the PF's alone. If it, or memory for its queues, is not to be had, the watchdog goes on
/// from here: the VFs are gone in any case.
fn take_back<'bound>(interface: &Interface<'bound, Igb>, config: &mut Config<'bound>, rtnl: &Rtnl) {
    let layout = Layout::WITHOUT_VFS;
    let memory = memory_for(interface, config, layout);
    if let Err(e) = rearrange(interface, config, layout, memory, rtnl) {
        let adapter = interface.data();
        dev_err!(adapter.dev(), "taking the VFs' share back failed: {e:?}\n");
        adapter.want_reset();
    }
}

/// Memory for the queues that the PF runs under `layout`, if its interface is up. Errors: `ENOMEM`.
fn memory_for<'bound>(
    interface: &Interface<'bound, Igb>,
    config: &Config<'bound>,
    layout: Layout,
) -> Result<Option<KVec<PairMemory<'bound>>>> {
    if !interface.is_running() {
        return Ok(None);
    }
    let adapter = interface.data();
    let pairs = config.pairs_under(adapter, layout);
    adapter
        .allocate_pairs(pairs, config.rx_size, config.tx_size)
        .map(Some)
}

/// Divides the device anew while the PF's queues stand still, then starts them with `memory`. On error
/// none runs; the bank has the new division all the same.
fn rearrange<'bound>(
    interface: &Interface<'bound, Igb>,
    config: &mut Config<'bound>,
    layout: Layout,
    memory: Result<Option<KVec<PairMemory<'bound>>>>,
    rtnl: &Rtnl,
) -> Result {
    let adapter = interface.data();
    // What our queues have counted, before they are others'. A device that is gone has no more to say.
    let _ = adapter.update_stats(config);
    adapter.stop_queues(interface, config, rtnl);

    config.forget_default_table(interface, rtnl);
    config.bank.set_layout(layout);
    config.enter_unicast();
    adapter.apply_layout(config)?;
    adapter.apply_receive(config)?;
    adapter.clear_vf_stats(config)?;
    match memory? {
        Some(memory) => adapter.launch(interface, config, memory, rtnl),
        None => Ok(()),
    }
}
