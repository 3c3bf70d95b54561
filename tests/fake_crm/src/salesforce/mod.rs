//! A Salesforce organization that lives in memory: the part of its REST API that a mirror of cases uses, as the documentation
//! describes it, and controls to play the people who work in it and to make it fail.
mod collections;
mod control;
mod control_http;
mod http;
mod objects;
mod org;
mod refusal;
mod rest;
mod settings;
mod soql;

pub use control::Control;
pub use org::Record;
pub use refusal::Refusal;
pub use settings::Settings;

use std::io;
use std::ops::Deref;

use crate::server::Running;

/// A running organization on 127.0.0.1, controlled through [`Control`]'s methods; stops when dropped.
pub struct FakeSalesforce {
    control: Control,
    settings: Settings,
    server: Running,
}

impl FakeSalesforce {
    /// Starts one with the default settings on any free port.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(Settings::default()).await
    }

    /// Starts one in a thread of its own. Fails when the port is taken.
    pub async fn start_with(settings: Settings) -> io::Result<Self> {
        let control = Control::new(settings.clone());
        let controlled = control.clone();
        let server =
            Running::start(settings.port, |listener| http::server(listener, controlled)).await?;
        Ok(Self { control, settings, server })
    }

    /// The organization's own domain, as a client is configured: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn client_id(&self) -> &str {
        &self.settings.client_id
    }

    pub fn client_secret(&self) -> &str {
        &self.settings.client_secret
    }
}

impl Deref for FakeSalesforce {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}
