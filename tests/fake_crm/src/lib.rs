//! CRMs that live in memory, with the quirks that were measured on the real ones, and controls to play the people who
//! work in them and to make them fail: a SuiteCRM 7.14 with its V8 API here, an EspoCRM 9.2 in [`espo`]. A Salesforce
//! organization, in [`salesforce`], behaves as its documentation says.
mod answer;
mod api;
mod control;
mod control_http;
pub mod espo;
mod faults;
mod http;
mod journal;
mod lab;
mod lab_http;
mod modules;
mod query;
mod record;
pub mod salesforce;
mod server;
mod settings;
mod state;
mod text;

pub use answer::Refusal;
pub use control::Control;
pub use faults::{Fault, FaultRule};
pub use journal::Call;
pub use lab::Lab;
pub use record::Record;
pub use settings::Settings;
pub use state::API_USER;

use std::io;
use std::ops::Deref;

use server::Running;

/// A running SuiteCRM on 127.0.0.1, controlled through [`Control`]'s methods; stops when dropped.
pub struct FakeCrm {
    control: Control,
    settings: Settings,
    server: Running,
}

impl FakeCrm {
    /// Starts a CRM with the default settings on any free port.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(Settings::default()).await
    }

    /// Starts a CRM with the default settings on this port.
    pub async fn start_on(port: u16) -> io::Result<Self> {
        Self::start_with(Settings { port, ..Settings::default() }).await
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

    pub fn client_id(&self) -> &str {
        &self.settings.client_id
    }

    pub fn client_secret(&self) -> &str {
        &self.settings.client_secret
    }
}

impl Deref for FakeCrm {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}
