// SPDX-License-Identifier: GPL-2.0

//! A registration promises that its end is the end of callbacks.
// error: E0200
// at: impl

struct Empty;

impl nic::pci::Resource for Empty {
    fn unregister(&self) {}
}
