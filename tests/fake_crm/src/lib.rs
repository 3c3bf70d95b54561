//! A SuiteCRM 7.14 that lives in memory: its V8 API with the quirks that were measured on the real one,
//! and controls to play the people who work in it and to make it fail.
mod answer;
mod api;
mod control;
mod control_http;
mod faults;
mod http;
mod journal;
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
pub use record::Record;
pub use settings::Settings;
pub use state::API_USER;

use std::io;
use std::net::TcpListener;
use std::ops::Deref;
use std::thread::{self, JoinHandle};

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use tokio::sync::oneshot;

/// A running CRM on 127.0.0.1, controlled through [`Control`]'s methods; stops when dropped.
pub struct FakeCrm {
    control: Control,
    settings: Settings,
    server: ServerHandle,
    thread: Option<JoinHandle<io::Result<()>>>,
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
    pub async fn start_with(mut settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", settings.port))?;
        settings.port = listener.local_addr()?.port();
        let control = Control::new(settings.clone());
        let (started, handle) = oneshot::channel();
        let controlled = control.clone();
        let thread = thread::spawn(move || {
            System::new().block_on(async {
                let server = http::server(listener, controlled)?;
                // The receiver can only be gone with the caller, and then nobody needs the server.
                if started.send(server.handle()).is_ok() { server.await } else { Ok(()) }
            })
        });
        let server = handle.await.map_err(io::Error::other)?;
        Ok(Self { control, settings, server, thread: Some(thread) })
    }

    /// Where the CRM is, as a client is configured: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.settings.port)
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

impl Drop for FakeCrm {
    fn drop(&mut self) {
        // The command is sent here; its future would only wait.
        drop(self.server.stop(false));
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            eprintln!("the CRM's thread panicked");
        }
    }
}
