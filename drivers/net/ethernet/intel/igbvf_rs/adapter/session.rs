// SPDX-License-Identifier: GPL-2.0

//! Talking to the PF: being let in, asking, noticing that it has forgotten us.
//!
//! A session begins with RESET, which the PF answers, and ends when the PF is reset, says so, or does
//! not answer any more. Whatever is wanted is asked for again at the beginning of each session.

use igb_common::{
    itr::Interval,
    mac::MacAddr,
    mbx::{
        Answer,
        Header,
        Notice,
        ResetAnswer,
        VfRequest,
        Words,
        MAILBOX_WORDS, //
    }, //
};
use kernel::prelude::*;
use nic::text::Plain;

use super::{
    filters::InForce,
    Adapter,
    Config,
    MAILBOX_CAUSES,
    MAILBOX_VECTOR,
    MAILBOX_VECTORS,
    QUEUE_CAUSE,
    QUEUE_VECTOR, //
};

/// Milliseconds until the first try to begin a new session after one that failed; doubled with each
/// further failure.
const FIRST_WAIT_MS: u32 = 100;
/// Longest wait.
const MAX_WAIT_MS: u32 = 2000;
/// Messages of the PF that may come before the one that is waited for.
const MAX_STRAY: u32 = 4;
/// How often a request is sent that the PF overwrites with messages of its own.
const MAX_TRIES: u32 = 4;

/// How we stand with the PF.
pub(crate) struct Session {
    open: bool,
    /// The PF's last message said that we are clear to send; our link is down if not.
    clear_to_send: bool,
    /// The watchdog should come soon.
    urgent: bool,
    /// Milliseconds between the last failure to begin and the next try.
    wait_ms: u32,
    /// The log says that there is no session.
    told: bool,
}

impl Session {
    /// None yet.
    pub(crate) const fn new() -> Self {
        Self {
            open: false,
            clear_to_send: false,
            urgent: false,
            wait_ms: 0,
            told: false,
        }
    }

    /// Whether the PF has let us in.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Whether the PF lets us use the link.
    pub(crate) fn is_clear_to_send(&self) -> bool {
        self.open && self.clear_to_send
    }

    /// Whether there is something for the watchdog to do; the question withdraws it.
    pub(crate) fn take_urgent(&mut self) -> bool {
        core::mem::take(&mut self.urgent)
    }

    /// Milliseconds until the next try.
    pub(super) fn wait_ms(&self) -> u32 {
        self.wait_ms
    }

    /// It cannot begin now. Returns the milliseconds until the next try.
    pub(super) fn not_yet(&mut self) -> u32 {
        self.open = false;
        self.failed();
        self.wait_ms
    }

    pub(super) fn close(&mut self) {
        self.open = false;
        self.urgent = true;
        self.wait_ms = 0;
    }

    fn failed(&mut self) {
        self.wait_ms = (self.wait_ms * 2).clamp(FIRST_WAIT_MS, MAX_WAIT_MS);
        self.urgent = false;
    }
}

impl<'bound> Adapter<'bound> {
    /// Resets the function, begins a session and asks for everything that is wanted. The queues must
    /// not run. Sleeps.
    ///
    /// On error there is no session; the log has the first of a row of failures.
    pub(super) fn connect(&self, config: &mut Config<'bound>) -> Result {
        if config.session.told && self.hw().pf_in_reset(&mut config.mailbox)? {
            config.session.failed();
            return Err(ENETRESET);
        }
        let result = self
            .reset_function(config)
            .and_then(|()| self.enter(config));
        match result {
            Ok(given) => {
                let session = &mut config.session;
                if core::mem::take(&mut session.told) {
                    dev_info!(self.dev(), "the PF is back\n");
                }
                session.open = true;
                // The next answer says it.
                session.clear_to_send = false;
                session.urgent = false;
                self.adopt_mac(config, given)
                    .and_then(|()| self.replay(config))
                    .inspect_err(|_| config.session.failed())
            }
            Err(e) => {
                config.session.failed();
                if !core::mem::replace(&mut config.session.told, true) {
                    dev_warn!(
                        self.dev(),
                        "the PF does not answer ({e:?}), no traffic until it does\n"
                    );
                }
                Err(e)
            }
        }
    }

    /// Resets the function alone and lets the mailbox interrupt.
    fn reset_function(&self, config: &mut Config<'bound>) -> Result {
        let hw = self.hw();
        config.session.open = false;
        let result = hw.reset(&mut config.mailbox);
        if matches!(result, Err(e) if e != ETIMEDOUT) {
            return result;
        }
        hw.restart_stats(&mut config.stats)?;
        hw.map_vectors(QUEUE_VECTOR, QUEUE_VECTOR, MAILBOX_VECTOR)?;
        hw.auto_clear_vectors(QUEUE_CAUSE | MAILBOX_CAUSES)?;
        for vector in MAILBOX_VECTORS {
            hw.set_moderation(vector, Interval::EVENTS)?;
        }
        hw.enable_vectors(MAILBOX_CAUSES);
        result
    }

    /// Sends RESET; returns the address the PF gives.
    fn enter(&self, config: &mut Config<'bound>) -> Result<Option<MacAddr>> {
        self.exchange(
            config,
            &VfRequest::Reset,
            |words| match ResetAnswer::decode(words) {
                ResetAnswer::Ready(given) => Some(given),
                ResetAnswer::Other => None,
            },
        )
    }

    /// Makes the PF and us agree on an address: the administrator's if there is one, unless he lets us
    /// keep the user's, otherwise the one we have.
    fn adopt_mac(&self, config: &mut Config<'bound>, given: Option<MacAddr>) -> Result {
        if given != config.given {
            config.given = given;
            config.mac = given.unwrap_or(config.mac);
        }
        if given == Some(config.mac) {
            return Ok(());
        }
        match (self.ask(config, VfRequest::SetMac(config.mac))?, given) {
            (true, _) => {}
            (false, Some(given)) => {
                dev_warn!(
                    self.dev(),
                    "the PF refuses address {}, using the one it gives\n",
                    Plain(config.mac)
                );
                config.mac = given;
            }
            (false, None) => dev_err!(
                self.dev(),
                "the PF refuses address {}: set another one\n",
                Plain(config.mac)
            ),
        }
        Ok(())
    }

    /// Asks for everything a PF forgets. Refusals are logged and lived with; an error means that the
    /// session has ended.
    fn replay(&self, config: &mut Config<'bound>) -> Result {
        self.forget_tags(config);
        config.in_force = InForce::at_start(config.given.is_some());
        let frame = config.mtu.max_frame();
        if !self.ask(config, VfRequest::SetLpe(frame))? {
            dev_err!(self.dev(), "the PF refuses MTU {}\n", config.mtu.get());
        }
        for vid in 0..4096 {
            if config.vlans.contains(vid)
                && !self.ask(config, VfRequest::SetVlan { vid, add: true })?
            {
                dev_err!(self.dev(), "the PF refuses VLAN {vid}\n");
            }
        }
        self.sync_reception(config)
    }

    /// Asks for something that is in force, to find out whether there is a session still: nobody tells of a reset
    /// of the function by the host of a virtual machine. Sleeps.
    pub(crate) fn confirm_session(&self, config: &mut Config<'bound>) {
        let request = VfRequest::SetLpe(config.mtu.max_frame());
        // What is wrong has been logged, and the watchdog sees to it.
        let _ = self.ask(config, request);
    }

    /// Asks for `request`; returns whether the PF has carried it out. Sleeps.
    ///
    /// Errors: `ENOTCONN` if there is no session, or none any more. Then the request was not carried
    /// out; what is wanted according to `config` will be with the next session.
    pub(super) fn ask(&self, config: &mut Config<'bound>, request: VfRequest) -> Result<bool> {
        if !config.session.open {
            return Err(ENOTCONN);
        }
        let was_clear = config.session.clear_to_send;
        match self.answer_to(config, &request)? {
            Answer::Done => Ok(true),
            Answer::Refused => Ok(false),
            Answer::ResetFirst | Answer::Other => {
                if !was_clear && self.knows_us(config, &request) {
                    return Ok(false);
                }
                self.lose(config, "it asks for it");
                Err(ENOTCONN)
            }
        }
    }

    /// Whether a PF that refused `request` without CTS has not forgotten us: as long as our link is disabled it
    /// sends no CTS. One that has would refuse this as well, or, as it refuses so much at a time only, not answer.
    fn knows_us(&self, config: &mut Config<'bound>, request: &VfRequest) -> bool {
        let probe = VfRequest::SetLpe(config.mtu.max_frame());
        !matches!(request, VfRequest::SetLpe(_))
            && matches!(self.answer(config, &probe), Ok(Answer::Done))
    }

    fn answer(&self, config: &mut Config<'bound>, request: &VfRequest) -> Result<Answer> {
        self.exchange(config, request, |words| {
            match Answer::decode(request, words) {
                Answer::Other => None,
                answer => Some(answer),
            }
        })
    }

    fn answer_to(&self, config: &mut Config<'bound>, request: &VfRequest) -> Result<Answer> {
        self.answer(config, request).map_err(|e| {
            if config.session.open {
                let why = match e {
                    ENETRESET => "it is being reset",
                    ETIMEDOUT => "it does not answer",
                    EBUSY => "it does not release the mailbox",
                    _ => "the mailbox does not work",
                };
                self.lose(config, why);
            }
            ENOTCONN
        })
    }

    /// Sends `request` and returns what `decode` makes of the answer, for which it is `None` as long
    /// as it is something else.
    fn exchange<T>(
        &self,
        config: &mut Config<'bound>,
        request: &VfRequest,
        decode: impl Fn(&Words) -> Option<T>,
    ) -> Result<T> {
        let message = request.encode();
        let mut words: Words = [0; MAILBOX_WORDS];
        for _ in 0..MAX_TRIES {
            match self.hw().mailbox_send(&mut config.mailbox, message.words()) {
                // Overwritten: what it says is in the way of nothing, and is dealt with as a notice.
                Err(EAGAIN) => {
                    self.hw().mailbox_receive(&mut config.mailbox, &mut words)?;
                    continue;
                }
                other => other?,
            }
            for _ in 0..MAX_STRAY {
                self.hw().mailbox_receive(&mut config.mailbox, &mut words)?;
                if let Some(answer) = decode(&words) {
                    let [word, ..] = words;
                    config.session.clear_to_send = Header::from_word(word).is_cts();
                    return Ok(answer);
                }
            }
            break;
        }
        Err(ETIMEDOUT)
    }

    /// The session has ended; the watchdog begins the next.
    fn lose(&self, config: &mut Config<'bound>, why: &str) {
        if config.session.open {
            dev_info!(self.dev(), "starting anew with the PF: {why}\n");
            config.session.close();
            self.wake();
        }
    }

    /// Deals with what the PF has said unasked. Sleeps.
    pub(crate) fn serve_mailbox(&self, config: &mut Config<'bound>) {
        let mut words: Words = [0; MAILBOX_WORDS];
        for _ in 0..MAX_STRAY {
            let Ok(events) = self.hw().mailbox_events(&mut config.mailbox) else {
                return;
            };
            if events.pf_reset {
                self.lose(config, "it is being reset");
                return;
            }
            if !events.message
                || self
                    .hw()
                    .mailbox_receive(&mut config.mailbox, &mut words)
                    .is_err()
            {
                return;
            }
            // A PF that talks is worth another try.
            config.session.urgent = !config.session.open;
            let [word, ..] = words;
            match Notice::decode(word) {
                Notice::Ping { cts } => config.session.clear_to_send = cts,
                Notice::ResetFirst => self.lose(config, "it asks for it"),
                Notice::Other => {}
            }
        }
    }
}
