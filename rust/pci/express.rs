// SPDX-License-Identifier: GPL-2.0

//! The PCI Express capability of a function.
//!
//! C header: [`include/uapi/linux/pci_regs.h`](srctree/include/uapi/linux/pci_regs.h)

use kernel::{
    device::Core,
    pci, //
};

use crate::{
    raw,
    sys, //
};

/// Has the function wait 16 to 55 ms for the completion of a read, if it can and nobody has decided otherwise.
///
/// What a function waits by default may be as little as 50 us (PCI Express, Device Control 2), and below
/// 10 ms a slow translation or switch looks like a lost completion. The kernel keeps the setting through resets and sleep.
pub(super) fn lengthen_completion_timeout(dev: &pci::Device<Core<'_>>) {
    // SAFETY: the device is valid.
    unsafe { raw::nic_lengthen_completion_timeout(sys::pci_dev(dev)) };
}
