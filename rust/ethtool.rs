// SPDX-License-Identifier: GPL-2.0

//! What ethtool(8) asks of a driver.
//!
//! C header: [`include/linux/ethtool.h`](srctree/include/linux/ethtool.h)

use crate::raw;

/// A driver's ethtool operations.
pub trait Operations: crate::net::Operations {}

pub(crate) fn table<T: Operations>() -> *const raw::ethtool_ops {
    const { &TABLE }
}

const TABLE: raw::ethtool_ops = pin_init::zeroed();
