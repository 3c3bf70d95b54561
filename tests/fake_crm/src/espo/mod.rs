//! An EspoCRM 9.2: its REST API with what was measured on the real one, its stream, and webhooks that it really sends.
mod answer;
mod api;
mod control;
mod control_http;
mod entities;
mod http;
mod metadata;
mod query;
mod settings;
mod state;
mod stream;
mod webhooks;

pub use answer::Refusal;
pub use control::Control;
pub use settings::{ADMIN, API_USER, Settings};
pub use state::Record;
pub use webhooks::{Delivery, Event, signature};

use std::io;
use std::ops::Deref;

use crate::server::Running;

/// A running EspoCRM on 127.0.0.1, controlled through [`Control`]'s methods; stops when dropped.
pub struct FakeEspo {
    control: Control,
    settings: Settings,
    server: Running,
}

impl FakeEspo {
    /// Starts a CRM with the default settings on any free port.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(Settings::default()).await
    }

    /// Starts a CRM in a thread of its own. Fails when the port is taken.
    pub async fn start_with(settings: Settings) -> io::Result<Self> {
        let control = Control::new(settings.clone());
        let controlled = control.clone();
        let server =
            Running::start(settings.port, |listener| http::server(listener, controlled)).await?;
        Ok(Self { control, settings, server })
    }

    /// Where the CRM is, as a client is configured: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn api_key(&self) -> &str {
        &self.settings.api_key
    }
}

impl Deref for FakeEspo {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}
