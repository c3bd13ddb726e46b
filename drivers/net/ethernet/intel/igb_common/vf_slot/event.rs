// SPDX-License-Identifier: GPL-2.0

//! What is worth a line in the log about a VF.

use crate::{
    mac::MacAddr,
    mbx::{
        Malformed,
        Words, //
    }, //
};
use core::fmt;

/// Something a VF did that the administrator may want to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// It asked for something it may not have.
    Denied(Denial),
    /// It sent a message that makes no sense.
    Malformed(Malformed),
    /// It sent a message of an unknown kind.
    Unknown(u16),
    /// It sends too many messages.
    Throttled,
    /// It resets itself too often.
    Resets,
    /// It does not let go of the mailbox.
    Mailbox,
    /// Its queues do not stop.
    Queues,
    /// It sends with an address or VLAN that is not its own.
    Spoofed,
}

/// The last thing a VF did that it may not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offence {
    /// What it was.
    pub event: Event,
    /// The message it did it with, if it was one.
    pub words: Option<Words>,
    /// When, in milliseconds.
    pub at: u64,
}

/// Why a request was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Denial {
    /// The administrator set its MAC address.
    AdminMac,
    /// Another function has the address.
    AddressInUse(MacAddr),
    /// It has as many MAC filters as it may.
    MacQuota,
    /// No receive address register is free.
    NoAddressSpace,
    /// The administrator set its VLAN.
    PortVlan,
    /// It has as many VLANs as it may.
    VlanQuota,
    /// No VLAN filter is free.
    NoVlanSpace,
    /// Receiving all multicast takes trust.
    NotTrusted,
    /// Receiving all unicast is not possible.
    Unsupported,
}

impl fmt::Display for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denial) => write!(out, "request denied: {denial}"),
            Self::Malformed(what) => write!(out, "malformed message: {what}"),
            Self::Unknown(id) => write!(out, "unknown message {id:#06x}"),
            Self::Throttled => out.write_str("sends too many messages, throttled"),
            Self::Resets => out.write_str("resets itself too often, throttled"),
            Self::Mailbox => out.write_str("does not let go of its mailbox, message passed over"),
            Self::Queues => {
                out.write_str("its queues do not stop, kept off until it resets itself")
            }
            Self::Spoofed => {
                out.write_str("sent with an address or VLAN that is not its own, dropped")
            }
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AdminMac => out.write_str("its MAC address is set by the administrator"),
            Self::AddressInUse(mac) => write!(out, "another function has MAC address {mac}"),
            Self::MacQuota => out.write_str("it has as many MAC filters as a VF may have"),
            Self::NoAddressSpace => out.write_str("no receive address register is free"),
            Self::PortVlan => out.write_str("its VLAN is set by the administrator"),
            Self::VlanQuota => out.write_str("it has as many VLANs as a VF may have"),
            Self::NoVlanSpace => out.write_str("no VLAN filter is free"),
            Self::NotTrusted => out.write_str("receiving all multicast takes trust"),
            Self::Unsupported => out.write_str("the device cannot receive all unicast for a VF"),
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reserved => out.write_str("reserved bits are set"),
            Self::Info(info) => write!(out, "parameter {info:#04x}"),
            Self::Address(mac) => write!(out, "{mac} is no station address"),
            Self::Vlan(vid) => write!(out, "VLAN {vid}"),
            Self::FrameLength(len) => write!(out, "frame length {len}"),
        }
    }
}
