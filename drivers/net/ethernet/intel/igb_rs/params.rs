// SPDX-License-Identifier: GPL-2.0

//! Module parameters.

use kernel::{
    device::Core,
    pci,
    prelude::*, //
};

use nic::dma::Backing;

use crate::module_parameters;

/// How the arena is to be mapped, or `EINVAL` with the list of what is possible.
pub(crate) fn backing(dev: &pci::Device<Core<'_>>) -> Result<Backing> {
    match module_parameters::dma.value() {
        0 => Ok(Backing::Auto),
        1 => Ok(Backing::Domain),
        2 => Ok(Backing::DmaApi),
        other => {
            dev_err!(
                dev,
                "dma={other}: must be 0 (automatic), 1 (private IOMMU domain) or 2 (DMA API)\n"
            );
            Err(EINVAL)
        }
    }
}
