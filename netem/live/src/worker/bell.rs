//! How the rest of the process speaks to a worker, also to one that sleeps.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sys::eventfd::{EfdFlags, EventFd};
use weaknet_core::Time;
use weaknet_netem::Chain;

use super::seen::Seen;
use crate::watch::Watch;

/// What a worker lays open to an order.
pub(crate) struct Desk<'a> {
    pub(crate) now: Time,
    pub(crate) links: &'a mut Chain,
    pub(crate) seen: &'a mut Seen,
    pub(crate) watch: &'a mut dyn Watch,
}

/// Something to be done by a worker between two packets.
pub(crate) type Order = Box<dyn FnOnce(Desk<'_>) + Send>;

/// Wakes a worker, to do something or to end.
pub(crate) struct Bell {
    stopped: AtomicBool,
    has_orders: AtomicBool,
    /// `None` when nobody will ever take them.
    orders: Mutex<Option<Vec<Order>>>,
    wake: EventFd,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Self {
            stopped: AtomicBool::new(false),
            has_orders: AtomicBool::new(false),
            orders: Mutex::new(Some(Vec::new())),
            wake: EventFd::from_flags(flags)?,
        })
    }

    /// Asks the worker to end.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.ring();
    }

    /// Asks it to do something; an order that will not be obeyed is dropped.
    pub(crate) fn order(&self, order: Order) {
        if let Some(orders) = &mut *self.orders() {
            orders.push(order);
        }
        self.has_orders.store(true, Ordering::Release);
        self.ring();
    }

    fn orders(&self) -> MutexGuard<'_, Option<Vec<Order>>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        // A full counter wakes as well.
        let _ = self.wake.write(1);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// What is to be done; mostly nothing.
    pub(super) fn take(&self) -> Vec<Order> {
        if !self.has_orders.swap(false, Ordering::AcqRel) {
            return Vec::new();
        }
        self.orders()
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// The worker has ended.
    pub(super) fn close(&self) {
        *self.orders() = None;
    }

    /// Ends the ringing, before orders are taken.
    pub(super) fn hush(&self) {
        // It may not be ringing.
        let _ = self.wake.read();
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}
