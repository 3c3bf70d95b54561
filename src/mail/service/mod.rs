//! Use cases of mail.
mod bounces;
mod desk;
mod queue;
mod sending;
mod templates;

pub use bounces::{bounced, lift, received, suppressions};
pub use desk::{cancel, erase, get, list, retry};
pub use queue::{automatic_since, queue, queue_all};
pub use sending::{Claimed, claim, figures, forget_counted, give_back, next_attempt, renew};
pub use templates::{TemplateText, preview, put_template, reset_template, template, templates};
