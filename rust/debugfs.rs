// SPDX-License-Identifier: GPL-2.0

//! Read-only debugfs files whose contents borrow from the bound device.
//!
//! The `kernel` crate's debugfs wants `'static` data. Failing to create files is not an error, as
//! everywhere with debugfs.
//!
//! C header: [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h)

use core::fmt;

use kernel::{
    new_mutex,
    prelude::*,
    str::CStr,
    sync::{
        Arc,
        Mutex, //
    }, //
};

use crate::{
    dma::{
        self,
        Arena, //
    },
    pci::{
        Registered,
        Resource,
        Scope, //
    },
    raw, //
};

/// Where a file's contents go.
pub struct Writer<'a>(&'a mut raw::seq_file);

impl fmt::Write for Writer<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        // SAFETY: the reference is a valid `seq_file` for the duration of the call; the string is
        // copied. An overflow is kept in the `seq_file`, whose core retries with a larger buffer.
        unsafe { raw::seq_write(self.0, s.as_ptr().cast(), s.len()) };
        Ok(())
    }
}

/// Prints the contents of a file; process context, may sleep, may run several times at once.
pub trait Show: Send + Sync {
    /// Writes everything.
    fn show(&self, out: &mut Writer<'_>) -> fmt::Result;
}

impl<F: Fn(&mut Writer<'_>) -> fmt::Result + Send + Sync> Show for F {
    fn show(&self, out: &mut Writer<'_>) -> fmt::Result {
        self(out)
    }
}

#[repr(C)]
struct File<'bound> {
    /// First, so that the C side's pointer is a pointer to the whole.
    c: raw::nic_debugfs_file,
    show: KBox<dyn Show + 'bound>,
}

/// A directory `/sys/kernel/debug/<module>/<name>/`, for root only. Beside it is the file `ledger`:
/// what [`dma::ledger`] says, for all devices of the module.
///
/// # Invariants
///
/// `state.dir` is a directory (or an error pointer, which debugfs accepts everywhere) until it is
/// `None`. The files' boxes live as long as `self`.
///
/// # Examples
///
/// ```
/// use core::fmt::Write;
/// use kernel::prelude::*;
/// use nic::{debugfs::{Directory, Writer}, pci::{Registered, Scope}};
///
/// fn files<'bound>(scope: Scope<'bound>) -> Result<Registered<'bound, Directory<'bound>>> {
///     let directory = Directory::new(scope, c"example", c"0000:01:00.0")?;
///     directory.file(c"answer", |out: &mut Writer<'_>| writeln!(out, "42"))?;
///     Ok(directory)
/// }
/// ```
#[pin_data]
pub struct Directory<'bound> {
    #[pin]
    state: Mutex<State<'bound>>,
}

struct State<'bound> {
    dir: Option<*mut raw::dentry>,
    files: KVec<KBox<File<'bound>>>,
}

// SAFETY: the dentry is only passed to debugfs functions, which any thread may call; `Show` is
// `Send + Sync`.
unsafe impl Send for State<'_> {}

impl<'bound> Directory<'bound> {
    /// Creates the directory. Sleeps. Errors: `ENOMEM`.
    pub fn new(
        scope: Scope<'bound>,
        module: &CStr,
        name: &CStr,
    ) -> Result<Registered<'bound, Self>> {
        let this = Arc::pin_init(
            pin_init!(Self {
                state <- new_mutex!(State { dir: None, files: KVec::new() }),
            }),
            GFP_KERNEL,
        )?;
        let ledger = (&raw const LEDGER).cast_mut();
        // SAFETY: both are strings; debugfs copies them. The entry is a constant that nobody writes.
        let dir = unsafe {
            raw::nic_debugfs_create_dir(module.as_char_ptr(), name.as_char_ptr(), ledger)
        };
        this.state.lock().dir = Some(dir);
        scope.adopt(this)
    }

    /// Adds a read-only file. Sleeps. Errors: `ENOMEM`.
    pub fn file(&self, name: &CStr, show: impl Show + 'bound) -> Result {
        let mut state = self.state.lock();
        let Some(dir) = state.dir else {
            return Err(ENODEV);
        };
        let show: KBox<dyn Show + 'bound> = KBox::new(show, GFP_KERNEL)?;
        let mut file = KBox::new(
            File {
                c: raw::nic_debugfs_file {
                    show: Some(show_callback),
                },
                show,
            },
            GFP_KERNEL,
        )?;
        let entry: *mut File<'bound> = &mut *file;
        state.files.push(file, GFP_KERNEL)?;
        // SAFETY: the directory is there until `unregister`; the entry lives as long as `self`, so
        // beyond the removal of the directory, which waits for readers.
        unsafe { raw::nic_debugfs_create_file(name.as_char_ptr(), dir, entry.cast()) };
        Ok(())
    }

    /// Adds the file `iommu`, which shows how the memory of `arena` is mapped. Sleeps. Errors:
    /// `ENOMEM`.
    pub fn arena(&self, arena: Arc<Arena<'bound>>) -> Result {
        self.file(c"iommu", move |out: &mut Writer<'_>| -> fmt::Result {
            let status = arena.status().map_err(|_| fmt::Error)?;
            fmt::Write::write_fmt(out, format_args!("{status}"))
        })
    }
}

// SAFETY: removing the directory waits for readers; the lock is held meanwhile, so a second caller
// waits too.
unsafe impl Resource for Directory<'_> {
    fn unregister(&self) {
        let mut state = self.state.lock();
        if let Some(dir) = state.dir.take() {
            // SAFETY: the directory is ours and removed once.
            unsafe { raw::nic_debugfs_remove_dir(dir) };
        }
    }
}

static LEDGER: raw::nic_debugfs_file = raw::nic_debugfs_file {
    show: Some(ledger_callback),
};

unsafe extern "C" fn ledger_callback(seq: *mut raw::seq_file, _unused: *mut c_void) -> c_int {
    // SAFETY: the core passes a valid `seq_file` to which nobody else writes meanwhile.
    let mut out = Writer(unsafe { &mut *seq });
    match fmt::Write::write_fmt(&mut out, format_args!("{}", dma::ledger())) {
        Ok(()) => 0,
        Err(fmt::Error) => EIO.to_errno(),
    }
}

unsafe extern "C" fn show_callback(seq: *mut raw::seq_file, _unused: *mut c_void) -> c_int {
    // SAFETY: the core passes a valid `seq_file` to which nobody else writes meanwhile; its private
    // pointer is the `File` given at creation, alive until the directory's removal has waited for
    // this reader.
    let (seq, file) = unsafe {
        let file = (*seq).private.cast_const().cast::<File<'_>>();
        (&mut *seq, &*file)
    };
    match file.show.show(&mut Writer(seq)) {
        Ok(()) => 0,
        Err(fmt::Error) => EIO.to_errno(),
    }
}
