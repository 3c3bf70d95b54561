//! How much of a CRM is used at a time, and what failures do to it.
mod failing;
mod keys;
mod operating;
mod polling;
mod slots;
