// SPDX-License-Identifier: GPL-2.0

//! Socket buffers that are consumed exactly once.
//!
//! C header: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h)

use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};

use kernel::{
    error::to_result,
    prelude::*, //
};

use crate::{
    dma::Region,
    raw, //
};

use super::{
    queue::TxQueue,
    TransmitInfo, //
};

/// An owned packet. Dropping it counts as a drop in the kernel's statistics and traces; a packet
/// that was sent is [`Self::consume`]d.
///
/// # Invariants
///
/// The pointer is a valid `sk_buff`, one reference to it is ours, and nobody changes it. Others may have
/// references and read: the kernel's packet generator sends one buffer many times.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use nic::{dma::Region, net::{SkBuff, TxQueue}};
///
/// /// Copies a packet to where the device finds it; returns the bytes there.
/// fn stage(queue: &TxQueue<'_>, skb: SkBuff, region: &mut Region<'_>) -> Result<usize> {
///     let info = skb.transmit_info();
///     // On error the packet is dropped, which the kernel counts and traces.
///     let len = skb.write_to(&info, region, 0, 17)?;
///     skb.consume(queue);
///     Ok(len)
/// }
/// ```
#[must_use]
pub struct SkBuff(NonNull<raw::sk_buff>);

// SAFETY: a socket buffer may be used and freed by any one thread at a time.
unsafe impl Send for SkBuff {}

impl SkBuff {
    /// # Safety
    ///
    /// `skb` must be valid and the caller must own it.
    #[inline]
    pub(super) unsafe fn from_raw(skb: NonNull<raw::sk_buff>) -> Self {
        // INVARIANT: by the safety requirement.
        Self(skb)
    }

    /// The packet, still owned.
    #[inline]
    pub(super) fn as_raw(&self) -> *mut raw::sk_buff {
        self.0.as_ptr()
    }

    /// Gives up ownership without freeing.
    #[inline]
    pub(super) fn into_raw(self) -> *mut raw::sk_buff {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// Bytes of the packet.
    #[inline]
    pub fn len(&self) -> u32 {
        // SAFETY: the buffer is valid (invariant).
        unsafe { (*self.0.as_ptr()).len }
    }

    /// Whether the packet has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the stack asks of the device.
    #[inline]
    pub fn transmit_info(&self) -> TransmitInfo {
        // SAFETY: the buffer is valid and nobody changes it (invariant).
        unsafe { TransmitInfo::of(self.0.as_ptr()) }
    }

    /// Computes the checksum here and now, of a packet on its way to `queue`. Any context. Errors: `ENOMEM`,
    /// `EINVAL`, also if the packet is another device's or not ours alone.
    pub fn checksum_in_software(&mut self, queue: &TxQueue<'_>) -> Result {
        let skb = self.0.as_ptr();
        // On error the kernel's functions look at the packet's device, which may be gone unless it
        // is the queue's.
        // SAFETY: buffer and queue are valid (invariants).
        if unsafe { raw::nic_skb_dev(skb) != (*queue.as_raw()).dev || raw::nic_skb_shared(skb) } {
            return Err(EINVAL);
        }
        // SAFETY: the buffer is ours alone, as checked, and its device is there.
        to_result(unsafe { raw::nic_skb_checksum_help(skb) })
    }

    /// Copies the packet to `region` at `offset`, ready for the device: zero-padded to `min_len`,
    /// and for segmentation with the headers the way the device wants them (lengths zero, checksum
    /// of the pseudo header without length). Returns the bytes written.
    ///
    /// Errors: `EINVAL` when it does not fit, `EFAULT` when the packet is damaged.
    #[inline]
    pub fn write_to(
        &self,
        info: &TransmitInfo,
        region: &mut Region<'_>,
        offset: usize,
        min_len: usize,
    ) -> Result<usize> {
        let len = info.len() as usize;
        let total = len.max(min_len);
        let to = region.ptr_range(offset, total).ok_or(EINVAL)?;
        // SAFETY: the buffer is valid (invariant), `to` has room for `len` bytes; the device may
        // read them while they are written, which harms nobody but its own packet.
        to_result(unsafe {
            raw::nic_skb_copy_bits(self.0.as_ptr(), to.as_ptr().cast(), info.len())
        })?;
        if total > len {
            // SAFETY: `to` has room for `total` bytes.
            unsafe { to.as_ptr().add(len).write_bytes(0, total - len) };
        }
        if let Some(check) = info.tso_check() {
            let put = |at: u32, value: u16| -> Result {
                let at = at as usize;
                if at.saturating_add(2) > len {
                    return Err(EFAULT);
                }
                // SAFETY: two bytes at `at` are within the copy.
                unsafe { to.as_ptr().add(at).cast::<u16>().write_unaligned(value) };
                Ok(())
            };
            let (l3, l4) = (info.l3_offset(), info.l4_offset());
            if info.is_ipv4() {
                put(l3.wrapping_add(2), 0)?;
                put(l3.wrapping_add(10), 0)?;
            } else {
                put(l3.wrapping_add(4), 0)?;
            }
            put(l4.wrapping_add(16), check)?;
        }
        Ok(total)
    }

    /// Frees a packet whose bytes have been given to the device of `queue`, before the doorbell; takes the
    /// software transmit time stamp if one was asked for and the packet is that device's. Any context.
    #[inline]
    pub fn consume(self, queue: &TxQueue<'_>) {
        // SAFETY: ours (invariant), and `self` is gone; the queue is valid.
        unsafe { raw::nic_skb_sent(self.into_raw(), queue.as_raw()) };
    }
}

impl Drop for SkBuff {
    fn drop(&mut self) {
        // SAFETY: ours (invariant), and not used again.
        unsafe { raw::nic_dev_kfree_skb_any(self.0.as_ptr()) };
    }
}

/// A packet being put together for the stack, made by [`super::RxPoll::alloc`].
///
/// # Invariants
///
/// All of its bytes are in the linear part, and no clone of it exists.
#[must_use]
pub struct RxSkBuff(SkBuff);

impl RxSkBuff {
    /// # Safety
    ///
    /// `skb` must be fresh, and the caller must own it.
    #[inline]
    pub(super) unsafe fn from_raw(skb: NonNull<raw::sk_buff>) -> Self {
        // INVARIANT: it has no bytes and no clone yet.
        // SAFETY: by the safety requirement.
        Self(unsafe { SkBuff::from_raw(skb) })
    }

    /// Gives up ownership without freeing.
    #[inline]
    pub(super) fn into_raw(self) -> *mut raw::sk_buff {
        self.0.into_raw()
    }

    /// Bytes of the packet.
    #[inline]
    pub fn len(&self) -> u32 {
        self.0.len()
    }

    /// Whether the packet has no bytes yet.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends `len` bytes of `region` from `offset`. Errors: `EINVAL` when they are not there or
    /// the packet has no room.
    #[inline]
    pub fn append(&mut self, region: &Region<'_>, offset: usize, len: usize) -> Result {
        let from = region.ptr_range(offset, len).ok_or(EINVAL)?;
        let count = u32::try_from(len)?;
        // SAFETY: `from` has `len` bytes. The device may change them meanwhile: they are only
        // copied here, and looked at in the copy.
        if unsafe { raw::nic_skb_append(self.0.as_raw(), from.as_ptr().cast(), count) } {
            Ok(())
        } else {
            Err(EINVAL)
        }
    }
}

/// Receive hash.
#[derive(Clone, Copy)]
pub struct RxHash {
    /// The value.
    pub value: u32,
    /// Whether ports went into it.
    pub l4: bool,
}

/// What the device says about a received packet.
#[derive(Clone, Copy, Default)]
pub struct ReceiveInfo {
    /// The transport checksum was verified and is right.
    pub checksum_good: bool,
    /// Receive hash.
    pub hash: Option<RxHash>,
    /// The VLAN tag it removed (TCI).
    pub vlan: Option<u16>,
}

impl ReceiveInfo {
    #[inline]
    pub(super) fn to_raw(self, queue: u16) -> raw::nic_rx_info {
        raw::nic_rx_info {
            hash: self.hash.map_or(0, |h| h.value),
            vlan_tci: self.vlan.unwrap_or(0),
            queue,
            has_hash: self.hash.is_some(),
            hash_l4: self.hash.is_some_and(|h| h.l4),
            has_vlan: self.vlan.is_some(),
            csum_good: self.checksum_good,
        }
    }
}
