//! Use cases of the schedule.
mod book;
mod calendar;
mod due;
mod load;

pub use book::{
    NewAppointment, NewDeadline, Reschedule, appointment, appointments, book, cancel,
    delay_deadline, reschedule,
};
pub use calendar::{
    Calendar, Entry, calendar, feed_exists, make_feed, read_feed, revoke_feed, subscribed,
};
pub use due::{list_delays, sweep};
pub use load::{Load, load};
