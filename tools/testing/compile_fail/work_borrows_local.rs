// SPDX-License-Identifier: GPL-2.0

//! Work does not borrow from a variable that is gone when it runs.
// error: E0597
// at: &local

use kernel::prelude::*;
use nic::{
    pci::Scope,
    work::{Handler, Service},
};

struct Holds<'a>(&'a u32);

impl Handler for Holds<'_> {
    fn run(&self, _service: &Service<Self>) {
        let _ = self.0;
    }
}

pub fn register(scope: Scope<'_>) -> Result {
    let local = 1;
    let service = Service::new(scope, Holds(&local))?;
    service.schedule(0);
    Ok(())
}
