// SPDX-License-Identifier: GPL-2.0

//! devlink: what a device says about itself beside its network interface, and a health reporter whose
//! callbacks borrow from the bound device.
//!
//! C header: [`include/net/devlink.h`](srctree/include/net/devlink.h)

use core::fmt;

use kernel::{
    error::{
        from_err_ptr,
        from_result, //
    },
    new_mutex,
    pci,
    prelude::*,
    str::CStr,
    sync::{
        Arc,
        Mutex, //
    }, //
};

use crate::{
    net::ExtAck,
    pci::{
        Registered,
        Resource,
        Scope, //
    },
    raw,
    sys,
    text::Text, //
};

/// Longest text of a [`Message`] or report, with its end.
const TEXT_LEN: usize = 192;

/// What a driver tells by devlink, and its health reporter.
///
/// All functions run in process context with the lock of the devlink instance held, may sleep, and never
/// call [`Devlink::report`].
pub trait Handler: Send + Sync {
    /// Name of the reporter.
    const REPORTER: &'static CStr;

    /// `devlink dev info`.
    fn info(&self, info: &mut Info<'_>) -> Result;

    /// `devlink health diagnose`: how things are now.
    fn diagnose(&self, out: &mut Message<'_>);

    /// `devlink health dump show`: what is known of the reported error. Called with the first report, too,
    /// and kept until the user clears it.
    fn dump(&self, out: &mut Message<'_>);

    /// `devlink health recover`, by the user after a report. Nothing recovers by itself.
    fn recover(&self) -> Result;
}

/// Where [`Handler::info`] puts what it has to say.
pub struct Info<'a>(&'a mut raw::devlink_info_req);

impl Info<'_> {
    /// Errors: no room in the answer.
    fn serial_number(&mut self, text: fmt::Arguments<'_>) -> Result {
        // SAFETY: the request is valid for the call; the text is copied.
        let result = with_text(text, |text| unsafe {
            raw::devlink_info_serial_number_put(self.0, text)
        });
        kernel::error::to_result(result)
    }

    /// The serial number in the device's PCI capability, if it has one. Errors: no room in the answer.
    pub fn device_serial_number<Ctx: kernel::device::DeviceContext>(
        &mut self,
        dev: &pci::Device<Ctx>,
    ) -> Result {
        // SAFETY: the device is valid for the call.
        match unsafe { raw::pci_get_dsn(sys::pci_dev(dev)) } {
            0 => Ok(()),
            number => {
                let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
                self.serial_number(format_args!(
                    "{a:02x}-{b:02x}-{c:02x}-{d:02x}-{e:02x}-{f:02x}-{g:02x}-{h:02x}"
                ))
            }
        }
    }

    /// A version that can never change, of a generic name such as `board.id`. Errors: no room in the
    /// answer.
    pub fn fixed(&mut self, name: &CStr, text: fmt::Arguments<'_>) -> Result {
        // SAFETY: as in `serial_number`.
        let result = with_text(text, |text| unsafe {
            raw::devlink_info_version_fixed_put(self.0, name.as_char_ptr(), text)
        });
        kernel::error::to_result(result)
    }

    /// A version that is in use, of a generic name such as `fw`. Errors: no room in the answer.
    pub fn running(&mut self, name: &CStr, text: fmt::Arguments<'_>) -> Result {
        // SAFETY: as in `serial_number`.
        let result = with_text(text, |text| unsafe {
            raw::devlink_info_version_running_put(self.0, name.as_char_ptr(), text)
        });
        kernel::error::to_result(result)
    }
}

/// What a reporter says: named values, and lists of objects made of such. An error, want of memory, is
/// kept in it and reported by the core.
pub struct Message<'a>(&'a mut raw::devlink_fmsg);

impl Message<'_> {
    /// A list, whose members `fill` writes.
    pub fn list(&mut self, name: &CStr, fill: impl FnOnce(&mut Self)) {
        // SAFETY: the message is valid for the call, the name is copied.
        unsafe { raw::devlink_fmsg_arr_pair_nest_start(self.0, name.as_char_ptr()) };
        fill(self);
        // SAFETY: valid, and the list that was begun is the innermost.
        unsafe { raw::devlink_fmsg_arr_pair_nest_end(self.0) };
    }

    /// A member of a list: an object, whose values `fill` writes.
    pub fn object(&mut self, fill: impl FnOnce(&mut Self)) {
        // SAFETY: the message is valid for the call.
        unsafe { raw::devlink_fmsg_obj_nest_start(self.0) };
        fill(self);
        // SAFETY: valid, and the object that was begun is the innermost.
        unsafe { raw::devlink_fmsg_obj_nest_end(self.0) };
    }

    /// A number.
    pub fn number(&mut self, name: &CStr, value: u64) {
        // SAFETY: the message is valid for the call, the name is copied.
        unsafe { raw::devlink_fmsg_u64_pair_put(self.0, name.as_char_ptr(), value) };
    }

    /// A text of up to 191 bytes.
    pub fn text(&mut self, name: &CStr, value: fmt::Arguments<'_>) {
        // SAFETY: the message is valid for the call, name and text are copied.
        with_text(value, |text| unsafe {
            raw::devlink_fmsg_string_pair_put(self.0, name.as_char_ptr(), text)
        });
    }
}

/// Calls `f` with a terminated text.
fn with_text<R>(text: fmt::Arguments<'_>, f: impl FnOnce(*const c_char) -> R) -> R {
    let mut buffer = [0; TEXT_LEN];
    // Writing to `Text` cannot fail.
    let _ = fmt::write(&mut Text::new(&mut buffer), text);
    f(buffer.as_ptr())
}

/// What is registered with the core.
struct Handles {
    devlink: *mut raw::devlink,
    reporter: *mut raw::devlink_health_reporter,
}

// SAFETY: the core's functions may be called from any thread.
unsafe impl Send for Handles {}

/// A devlink instance with one reporter.
///
/// # Invariants
///
/// `handles` are registered until they are taken out; their private pointers are to `self`, which
/// then lives.
#[pin_data]
pub struct Devlink<H: Handler> {
    #[pin]
    handles: Mutex<Option<Handles>>,
    handler: H,
}

impl<H: Handler> Devlink<H> {
    const OPS: raw::devlink_ops = raw::devlink_ops {
        info_get: Some(info_get::<H>),
        ..pin_init::zeroed()
    };

    const REPORTER_OPS: raw::devlink_health_reporter_ops = raw::devlink_health_reporter_ops {
        // The core does not write to it.
        name: H::REPORTER.to_bytes_with_nul().as_ptr().cast_mut(),
        recover: Some(recover::<H>),
        dump: Some(dump::<H>),
        diagnose: Some(diagnose::<H>),
        ..pin_init::zeroed()
    };

    /// Registers an instance for `dev`. Sleeps. Errors: `ENOMEM`.
    pub fn new<'bound, Ctx: kernel::device::DeviceContext>(
        scope: Scope<'bound>,
        dev: &pci::Device<Ctx>,
        handler: H,
    ) -> Result<Registered<'bound, Self>>
    where
        H: 'bound,
    {
        let this = Arc::pin_init(
            pin_init!(Self {
                handles <- new_mutex!(None),
                handler,
            }),
            GFP_KERNEL,
        )?;
        let context = Arc::as_ptr(&this).cast_mut().cast::<c_void>();
        // SAFETY: the tables are constants; the instance takes a reference to the device. The helper keeps the pointer where `handler_of` looks for it.
        let devlink =
            unsafe { raw::nic_devlink_alloc(&Self::OPS, sys::device(dev.as_ref()), context) };
        if devlink.is_null() {
            return Err(ENOMEM);
        }
        // SAFETY: the instance is new; nobody can use it before it is registered. The context lives as
        // long as the reporter (invariant, upheld by the scope).
        let reporter = from_err_ptr(unsafe {
            raw::devlink_health_reporter_create(devlink, &Self::REPORTER_OPS, context)
        })
        // SAFETY: it was never registered and nothing is left in it.
        .inspect_err(|_| unsafe { raw::devlink_free(devlink) })?;
        // INVARIANT: registered below; from here on `unregister` undoes it.
        *this.handles.lock() = Some(Handles { devlink, reporter });
        // SAFETY: complete and not yet registered.
        unsafe { raw::devlink_register(devlink) };
        scope.adopt(this)
    }

    /// Reports an error: the reporter's state is `error` until the user has it recover. Sleeps; with no
    /// lock held that a callback of the handler takes. Nothing happens when the instance is gone.
    pub fn report(&self, message: fmt::Arguments<'_>) {
        let handles = self.handles.lock();
        let Some(Handles { reporter, .. }) = *handles else {
            return;
        };
        // Not null: the callbacks know by that that nobody asked for recovery. Never looked at.
        let automatic = core::ptr::from_ref(self).cast_mut().cast();
        with_text(message, |text| {
            // SAFETY: the reporter is registered (invariant) and stays while the lock is held, which no
            // callback takes. The text is copied. That it did not recover is what is wanted.
            unsafe { raw::devlink_health_report(reporter, text, automatic) }
        });
    }
}

// SAFETY: unregistering waits for callbacks; the lock is held meanwhile, so a second caller waits
// too.
unsafe impl<H: Handler> Resource for Devlink<H> {
    fn unregister(&self) {
        // Held until the end: a second caller returns when all is done.
        let mut handles = self.handles.lock();
        if let Some(Handles { devlink, reporter }) = handles.take() {
            // SAFETY: they are registered and taken out once (invariant). Unregistering waits for
            // callbacks that run, and there are none afterwards.
            unsafe {
                raw::devlink_unregister(devlink);
                raw::devlink_health_reporter_destroy(reporter);
                raw::devlink_free(devlink);
            }
        }
    }
}

unsafe extern "C" fn info_get<H: Handler>(
    devlink: *mut raw::devlink,
    request: *mut raw::devlink_info_req,
    _extack: *mut raw::netlink_ext_ack,
) -> c_int {
    // SAFETY: the core passes our instance, whose context is the `Devlink<H>` it was made for and which
    // lives while callbacks run (invariant), and a valid request.
    let (this, request) = unsafe {
        let this = raw::nic_devlink_context(devlink)
            .cast_const()
            .cast::<Devlink<H>>();
        (&*this, &mut *request)
    };
    from_result(|| this.handler.info(&mut Info(request)).map(|()| 0))
}

/// The instance behind a reporter.
///
/// # Safety
///
/// `reporter` must be that of a `Devlink<H>`, from one of its callbacks.
unsafe fn instance<'a, H: Handler>(reporter: *mut raw::devlink_health_reporter) -> &'a Devlink<H> {
    // SAFETY: by the requirement; the context lives while callbacks run (invariant).
    unsafe {
        let context = raw::devlink_health_reporter_priv(reporter);
        &*context.cast_const().cast::<Devlink<H>>()
    }
}

unsafe extern "C" fn diagnose<H: Handler>(
    reporter: *mut raw::devlink_health_reporter,
    out: *mut raw::devlink_fmsg,
    _extack: *mut raw::netlink_ext_ack,
) -> c_int {
    // SAFETY: callback of our reporter, with a valid message that is ours for the call.
    let (this, out) = unsafe { (instance::<H>(reporter), &mut *out) };
    this.handler.diagnose(&mut Message(out));
    0
}

unsafe extern "C" fn dump<H: Handler>(
    reporter: *mut raw::devlink_health_reporter,
    out: *mut raw::devlink_fmsg,
    _context: *mut c_void,
    _extack: *mut raw::netlink_ext_ack,
) -> c_int {
    // SAFETY: callback of our reporter, with a valid message that is ours for the call.
    let (this, out) = unsafe { (instance::<H>(reporter), &mut *out) };
    this.handler.dump(&mut Message(out));
    0
}

unsafe extern "C" fn recover<H: Handler>(
    reporter: *mut raw::devlink_health_reporter,
    context: *mut c_void,
    extack: *mut raw::netlink_ext_ack,
) -> c_int {
    // SAFETY: callback of our reporter; the core passes null or a structure that is ours for the call.
    let (this, mut ack) = unsafe { (instance::<H>(reporter), ExtAck::new(extack)) };
    from_result(|| {
        if !context.is_null() {
            ack.set(c"recovery is the administrator's decision");
            return Err(EOPNOTSUPP);
        }
        this.handler.recover().map(|()| 0)
    })
}
