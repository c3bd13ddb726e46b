// SPDX-License-Identifier: GPL-2.0

//! KUnit suites: code of both modules in the kernel, with its flags and checkers. Loading the module runs them.
//!
//! `generated` is what suites.py makes of the host tests of `igb_common` and of the examples of the documentation.

use kernel::prelude::*;

mod dma;
mod library;
mod loan;

mod generated {
    include!("generated.rs");
}

module! {
    type: Suites,
    name: "igb_kunit",
    authors: ["The igb_rs authors"],
    description: "KUnit suites of igb_rs and igbvf_rs",
    license: "GPL v2",
}

struct Suites;

impl kernel::Module for Suites {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}
