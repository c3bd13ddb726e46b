// SPDX-License-Identifier: GPL-2.0

//! Ethernet addresses.
//!
//! C header: [`include/linux/etherdevice.h`](srctree/include/linux/etherdevice.h)

use core::{
    fmt,
    marker::PhantomData, //
};

use crate::raw;

/// An Ethernet address.
///
/// # Examples
///
/// ```
/// use nic::net::MacAddress;
///
/// assert!(MacAddress([2, 0, 0, 0, 0, 1]).is_valid());
/// assert!(!MacAddress([1, 0, 0, 0, 0, 1]).is_valid());
/// assert!(MacAddress::random().is_valid());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// Neither multicast nor all zero.
    pub fn is_valid(&self) -> bool {
        self.0[0] & 1 == 0 && self.0 != [0; 6]
    }

    /// A random, locally administered unicast address.
    pub fn random() -> Self {
        let mut bytes = [0u8; 6];
        // SAFETY: the buffer has the given length.
        unsafe { raw::get_random_bytes(bytes.as_mut_ptr().cast(), bytes.len()) };
        bytes[0] = (bytes[0] & 0xfe) | 0x02;
        Self(bytes)
    }
}

impl kernel::fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// A device's secondary unicast or multicast addresses, as handed to
/// [`super::Operations::set_rx_mode`].
///
/// # Invariants
///
/// `list` is a valid list that does not change during `'a`.
pub struct AddressList<'a> {
    list: *mut raw::netdev_hw_addr_list,
    _lifetime: PhantomData<&'a ()>,
}

impl AddressList<'_> {
    /// # Safety
    ///
    /// `list` must be valid and unchanging for the lifetime of the result.
    pub(super) unsafe fn new(list: *mut raw::netdev_hw_addr_list) -> Self {
        // INVARIANT: by the safety requirement.
        Self {
            list,
            _lifetime: PhantomData,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        // SAFETY: the list is valid (invariant).
        let count = unsafe { (*self.list).count };
        usize::try_from(count).unwrap_or(0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The addresses.
    pub fn iter(&self) -> impl Iterator<Item = MacAddress> + '_ {
        // SAFETY: the list is valid (invariant).
        let head: *mut raw::list_head = unsafe { &raw mut (*self.list).list };
        // SAFETY: as above; a list head is never without a successor.
        let mut next = unsafe { (*head).next };
        core::iter::from_fn(move || {
            if next == head {
                return None;
            }
            // SAFETY: every node but the head is embedded in a `netdev_hw_addr`, and the list does
            // not change (invariant).
            let entry = unsafe { &*kernel::container_of!(next, raw::netdev_hw_addr, list) };
            next = entry.list.next;
            let mut mac = MacAddress::default();
            for (to, from) in mac.0.iter_mut().zip(entry.addr.iter()) {
                *to = *from;
            }
            Some(mac)
        })
    }
}

/// Fills `key` with the machine's hash key for receive-side scaling, the same for every device until
/// the next boot. Any context.
pub fn rss_key_fill(key: &mut [u8]) {
    // SAFETY: the buffer has the given length. The function takes up to 52 bytes.
    unsafe { raw::netdev_rss_key_fill(key.as_mut_ptr().cast(), key.len().min(52)) };
}
