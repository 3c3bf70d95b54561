//! Use cases of mails that come in. Each is called inside one transaction.
mod aside;
mod decide;
mod file;
mod read;
mod release;
mod settings;
mod take;

use std::sync::Arc;

use crate::kernel::SecretKey;

pub use file::file;
pub use read::{get, list, mailbox, original};
pub use release::{Released, release};
pub use settings::{Settings, change_settings, settings};
pub use take::{Delivery, set_aside, take};

/// What the desk knows its own mails by.
#[derive(Clone)]
pub struct Desk {
    pub key: Arc<SecretKey>,
    /// The domain of our own message ids.
    pub domain: Option<String>,
}
