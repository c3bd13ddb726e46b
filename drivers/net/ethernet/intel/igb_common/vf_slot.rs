// SPDX-License-Identifier: GPL-2.0

//! The PF's policy for one VF: what the administrator set, what the VF asked for and got, what its
//! registers have to hold.
//!
//! A [`VfSlot`] changes through its methods alone: requests of the VF (`vf_slot/request.rs`),
//! orders of the administrator (`vf_slot/admin.rs`), and the resets below. Each says in
//! [`Effects`] which hardware state follows (`vf_slot/hardware.rs`). Nothing one slot's VF does changes what another
//! function has in the shared [`Filters`].

mod admin;
mod event;
mod hardware;
mod request;

pub use self::admin::{
    Admin,
    AdminError,
    Change,
    LinkPolicy,
    PortVlan, //
};
pub use self::event::{
    Denial,
    Event,
    Offence, //
};
pub use self::hardware::Effects;
pub use self::request::Outcome;

use crate::{
    mac::MacAddr,
    mbx::{
        MulticastHashes,
        Reply,
        Words, //
    },
    quota::{
        Pacer,
        TokenBucket, //
    },
    rar::RarTable,
    vlan::VlanTable, //
};
use core::{
    ffi::CStr,
    fmt, //
};

/// Messages a VF may send at once.
pub const MESSAGE_BURST: u32 = 64;
/// Milliseconds per message after that: 8 a second.
pub const MESSAGE_INTERVAL_MS: u64 = 125;
/// Milliseconds for which the PF comes back to a message that it cannot read because the VF has the
/// mailbox; then it takes it away.
pub const KEEP_MS: u64 = 10;
/// Milliseconds between two refusals to a VF that has to RESET first, and between two log messages
/// about one VF.
pub const NACK_INTERVAL_MS: u64 = 2000;

/// Longest frame a VF receives until it says otherwise: 1500 bytes and two VLAN tags.
const DEFAULT_FRAME: u16 = 1526;

/// The filter tables all functions share.
#[derive(Clone, Debug)]
pub struct Filters {
    /// Station addresses.
    pub rar: RarTable,
    /// VLANs.
    pub vlan: VlanTable,
}

/// How far a VF is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VfState {
    /// There is no such VF.
    Inactive,
    /// It has to send RESET before anything else; its queues are off.
    Reset,
    /// Its last RESET holds: requests are heard.
    Ready,
}

impl fmt::Display for VfState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Inactive => "inactive",
            Self::Reset => "reset",
            Self::Ready => "ready",
        })
    }
}

/// What became of a VF's messages. Every message to an active slot is in exactly one of these.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Carried out.
    pub accepted: u64,
    /// Understood and refused.
    pub nacked: u64,
    /// Of a known kind, with content that makes no sense.
    pub malformed: u64,
    /// Of a kind this protocol does not have.
    pub unknown: u64,
    /// Not looked at: too many.
    pub throttled: u64,
    /// Before RESET.
    pub not_ready: u64,
    /// Not a request: carries ACK or NACK.
    pub ignored: u64,
    /// Function level resets that were served. Not messages.
    pub resets: u64,
    /// Function level resets that were served later, together with others: too many. Not messages.
    pub late_resets: u64,
    /// How often the PF waited in vain for the mailbox to read a message. Not messages.
    pub kept: u64,
    /// Acknowledgements that were looked at later: too many. Not messages.
    pub late_acks: u64,
    /// Looks, one in two seconds, that found frames with an address or VLAN that is not the VF's, which
    /// the device dropped. Not messages.
    pub spoofed: u64,
}

impl Counters {
    /// Each, with the name that users see.
    pub const fn named(&self) -> [(&'static CStr, u64); 12] {
        [
            (c"accepted", self.accepted),
            (c"refused", self.nacked),
            (c"malformed", self.malformed),
            (c"unknown", self.unknown),
            (c"limited", self.throttled),
            (c"early", self.not_ready),
            (c"ignored", self.ignored),
            (c"resets", self.resets),
            (c"late", self.late_resets),
            (c"kept", self.kept),
            (c"acks", self.late_acks),
            (c"spoofed", self.spoofed),
        ]
    }

    /// All messages.
    pub const fn total(&self) -> u64 {
        self.accepted
            .wrapping_add(self.nacked)
            .wrapping_add(self.malformed)
            .wrapping_add(self.unknown)
            .wrapping_add(self.throttled)
            .wrapping_add(self.not_ready)
            .wrapping_add(self.ignored)
    }
}

/// What a VF was refused for want of trust, or lost with it, and has not given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Wishes {
    /// All multicast.
    multicast_promisc: bool,
    /// More groups than a message holds.
    groups: bool,
    /// Addresses beside the administrator's.
    addresses: bool,
}

impl Wishes {
    const NONE: Self = Self {
        multicast_promisc: false,
        groups: false,
        addresses: false,
    };
}

/// One VF, as the PF sees it.
#[derive(Clone, Debug)]
pub struct VfSlot {
    vf: u8,
    state: VfState,
    admin: Admin,
    /// The address it has until somebody chooses another.
    default_mac: Option<MacAddr>,
    /// The VF's groups.
    hashes: MulticastHashes,
    /// Whether the VF asked for all multicast, beside more groups than a message holds.
    multicast_promisc: bool,
    /// What trust would give the VF.
    wishes: Wishes,
    max_frame: u16,
    /// Whether the VF believes in VLANs it does not have (because of a port VLAN), so that it has to
    /// start anew when the port VLAN goes.
    vlans_stale: bool,
    /// A function level reset is not served yet, because there was no token.
    reset_due: bool,
    /// What messages and resets cost.
    messages: TokenBucket,
    /// What acknowledgements cost: there is one for each message of the PF, most of which are answers.
    acks: TokenBucket,
    /// Since when the VF has had the mailbox, with a message for us in it.
    kept_since: Option<u64>,
    refusals: Pacer,
    log: Pacer,
    counters: Counters,
    offence: Option<Offence>,
}

impl VfSlot {
    /// The slot of VF `vf`, inactive.
    pub const fn new(vf: u8) -> Self {
        Self {
            vf,
            state: VfState::Inactive,
            admin: Admin::DEFAULT,
            default_mac: None,
            hashes: MulticastHashes::EMPTY,
            multicast_promisc: false,
            wishes: Wishes::NONE,
            max_frame: DEFAULT_FRAME,
            vlans_stale: false,
            reset_due: false,
            messages: TokenBucket::new(MESSAGE_BURST, MESSAGE_INTERVAL_MS),
            acks: TokenBucket::new(MESSAGE_BURST, MESSAGE_INTERVAL_MS),
            kept_since: None,
            refusals: Pacer::new(NACK_INTERVAL_MS),
            log: Pacer::new(NACK_INTERVAL_MS),
            counters: Counters {
                accepted: 0,
                nacked: 0,
                malformed: 0,
                unknown: 0,
                throttled: 0,
                not_ready: 0,
                ignored: 0,
                resets: 0,
                late_resets: 0,
                kept: 0,
                late_acks: 0,
                spoofed: 0,
            },
            offence: None,
        }
    }

    /// VFs were enabled and this is one of them: it starts with default settings and nothing of its
    /// own but the address `default_mac`, if that is free. The tables' layout is set before.
    pub fn activate(&mut self, default_mac: Option<MacAddr>, ctx: &mut Filters) -> Effects {
        *self = Self::new(self.vf);
        self.state = VfState::Reset;
        self.default_mac = default_mac;
        self.restore_mac(ctx);
        self.scrub(ctx).and(Effects::ALL)
    }

    /// The VF is gone.
    pub fn deactivate(&mut self, ctx: &mut Filters) -> Effects {
        if self.state == VfState::Inactive {
            return Effects::NONE;
        }
        self.scrub(ctx);
        ctx.rar.clear_vf_mac(self.vf);
        ctx.rar.reserve(self.vf, None);
        ctx.vlan.retain(self.vf, None);
        *self = Self::new(self.vf);
        Effects::ALL
    }

    /// The VF was reset by a function level reset, perhaps to be given to somebody else: nothing the
    /// last owner set stays. The administrator's settings do.
    ///
    /// It costs the VF as much as a message, for it is as much work. Without a token the VF's queues are
    /// turned off, where the reset left them, and the rest waits for [`Self::serve_reset`]; until then
    /// no message of the VF is heard.
    pub fn function_reset(&mut self, now: u64, ctx: &mut Filters) -> Outcome {
        if self.state == VfState::Inactive {
            return Outcome::SILENCE;
        }
        self.state = VfState::Reset;
        let was_due = core::mem::replace(&mut self.reset_due, true);
        let effects = self.serve_reset(now, ctx);
        if !self.reset_due {
            return Outcome::effects(effects);
        }
        self.counters.late_resets = self.counters.late_resets.wrapping_add(1);
        Outcome {
            reply: None,
            effects: if was_due {
                Effects::NONE
            } else {
                Effects::QUEUES
            },
            event: self.offend(Event::Resets, None, now),
        }
    }

    /// Serves a function level reset that had to wait, if there is one and a token for it.
    pub fn serve_reset(&mut self, now: u64, ctx: &mut Filters) -> Effects {
        if !self.reset_due || !self.messages.take(now) {
            return Effects::NONE;
        }
        self.reset_due = false;
        self.counters.resets = self.counters.resets.wrapping_add(1);
        ctx.rar.clear_vf_mac(self.vf);
        self.restore_mac(ctx);
        self.scrub(ctx)
            .and(Effects::RAR)
            .and(Effects::QUEUES)
            .and(Effects::SCRUB)
    }

    /// Whether a function level reset waits to be served.
    #[inline]
    pub const fn reset_due(&self) -> bool {
        self.reset_due
    }

    /// The VF has to RESET, because the device was reset or a setting changed that it reads only then.
    /// What it has stays in the tables until then. Returns the message to send.
    pub fn revoke(&mut self) -> Option<Reply> {
        if self.state == VfState::Ready {
            self.state = VfState::Reset;
            Some(Reply::ResetFirst)
        } else {
            None
        }
    }

    /// A queue of the VF did not stop to be scrubbed. The VF has to RESET, which tries again.
    pub fn shut_out(&mut self) {
        if self.state == VfState::Ready {
            self.state = VfState::Reset;
        }
    }

    /// After [`Self::shut_out`]: what to log.
    pub fn queues_on(&mut self, now: u64) -> Option<Event> {
        self.offend(Event::Queues, None, now)
    }

    /// The VF has the mailbox, so that its message cannot be read. Returns whether to take it away now,
    /// which costs as much as a message; before, the PF comes back to it.
    pub fn mailbox_kept(&mut self, now: u64) -> bool {
        let since = *self.kept_since.get_or_insert(now);
        if now.saturating_sub(since) < KEEP_MS {
            return false;
        }
        self.kept_since = None;
        self.messages.take(now);
        true
    }

    /// The VF had the mailbox again at once after it was taken away; the message is given up. Returns what
    /// to log.
    pub fn mailbox_lost(&mut self, now: u64) -> Option<Event> {
        self.counters.kept = self.counters.kept.wrapping_add(1);
        self.offend(Event::Mailbox, None, now)
    }

    /// The device dropped frames of the VF with an address or VLAN that is not its own, at the time `now`.
    pub fn spoofed(&mut self, now: u64) {
        self.counters.spoofed = self.counters.spoofed.wrapping_add(1);
        self.offence = Some(Offence {
            event: Event::Spoofed,
            words: None,
            at: now,
        });
    }

    /// Removes what the VF asked for, and puts in place what the administrator did.
    fn scrub(&mut self, ctx: &mut Filters) -> Effects {
        ctx.rar.clear_vf_filters(self.vf);
        let keep = self.admin.port_vid();
        ctx.vlan.retain(self.vf, Some(keep));
        // It has the entry of its port VLAN already, and the one of VLAN 0 is nobody else's.
        let _ = ctx.vlan.add(self.vf, keep);
        self.hashes = MulticastHashes::EMPTY;
        self.multicast_promisc = false;
        self.wishes = Wishes::NONE;
        self.max_frame = DEFAULT_FRAME;
        self.vlans_stale = false;
        Effects::RAR
            .and(Effects::VLAN)
            .and(Effects::MULTICAST)
            .and(Effects::VMOLR)
            .and(Effects::VMVIR)
    }

    /// Gives the VF the administrator's address, or one at all.
    fn restore_mac(&self, ctx: &mut Filters) {
        let mac = match (self.admin.mac, ctx.rar.vf_mac(self.vf)) {
            // It is reserved for this VF.
            (Some(mac), _) => mac,
            (None, Some(_)) => return,
            (None, None) => match self.default_mac {
                Some(mac) if !ctx.rar.is_withheld(mac) => mac,
                _ => return,
            },
        };
        // If another function has the default one, the VF has to choose.
        let _ = ctx.rar.set_vf_mac(self.vf, mac);
    }

    /// The VF's number, which is its pool's.
    #[inline]
    pub const fn vf(&self) -> u8 {
        self.vf
    }

    /// How far the VF is.
    #[inline]
    pub const fn state(&self) -> VfState {
        self.state
    }

    /// What the administrator set.
    #[inline]
    pub const fn admin(&self) -> &Admin {
        &self.admin
    }

    /// What became of the VF's messages.
    #[inline]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The last thing the VF did that it may not, since it was created.
    #[inline]
    pub const fn offence(&self) -> Option<&Offence> {
        self.offence.as_ref()
    }

    /// Keeps what the VF did, and returns it if the log may have it.
    fn offend(&mut self, event: Event, words: Option<Words>, now: u64) -> Option<Event> {
        self.offence = Some(Offence {
            event,
            words,
            at: now,
        });
        self.log.allow(now).then_some(event)
    }

    /// Gives the VF all its tokens, as if it had been quiet for long.
    pub fn lift_limit(&mut self) {
        self.messages = TokenBucket::new(MESSAGE_BURST, MESSAGE_INTERVAL_MS);
        self.acks = TokenBucket::new(MESSAGE_BURST, MESSAGE_INTERVAL_MS);
    }

    /// Whether messages to the VF say that it is clear to send. Not if its link is disabled: so
    /// the drivers of this family know that the link is down.
    #[inline]
    pub fn clear_to_send(&self) -> bool {
        self.state == VfState::Ready && self.admin.link != LinkPolicy::Disable
    }

    /// The message that tells the VF to look at its link.
    #[inline]
    pub fn ping(&self) -> Option<Reply> {
        match self.state {
            VfState::Inactive => None,
            VfState::Reset | VfState::Ready => Some(Reply::Ping {
                cts: self.clear_to_send(),
            }),
        }
    }

    /// How many milliseconds the PF should leave the VF's next message unread, or its reset unserved,
    /// because it sends or resets too much.
    pub fn backoff(&mut self, now: u64) -> u64 {
        self.messages.wait(now)
    }
}
