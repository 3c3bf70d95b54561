//! The main job, played from beginning to end: a fresh service, a CRM in a process of its own, people on both sides, and
//! a service that is killed twice. It ends with both sides compared.
mod compare;
mod crm;
mod desk;
mod stage;
mod story;

pub use story::run;
