//! Service levels: when business time passes, how soon customers are answered, and who is told when that fails.
mod calendars;
