// SPDX-License-Identifier: GPL-2.0

//! A driver does not let its device make requests: the arena does, as long as it exists.
// error: E0599
// at: set_master

use kernel::{device::Bound, pci};

/// A driver's probe and its other callbacks have the device like this.
pub fn probe(dev: &pci::Device<Bound>) {
    dev.set_master();
}
