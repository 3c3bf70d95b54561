//! Which mailbox is read.
use std::path::PathBuf;

use crate::config::Config;
use crate::kernel::Secret;

/// The port of IMAP over TLS (RFC 8314).
const PORT: u16 = 993;

/// A mailbox on a server.
#[derive(Debug, Clone)]
pub struct ImapSettings {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Secret,
    pub folder: String,
    /// Certificates that are trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
}

impl ImapSettings {
    /// `None` when no mailbox is configured. Fails when the address of the server is none.
    pub fn of(config: &Config) -> anyhow::Result<Option<Self>> {
        let Some(server) = &config.imap_server else { return Ok(None) };
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) => (host, port.parse()?),
            None => (server.as_str(), PORT),
        };
        anyhow::ensure!(!host.is_empty(), "imap_server must be a host, or host:port");
        let (Some(user), Some(password)) = (&config.imap_user, &config.imap_password) else {
            anyhow::bail!("imap_server needs imap_user and imap_password");
        };
        Ok(Some(Self {
            host: host.to_owned(),
            port,
            user: user.clone(),
            password: password.clone(),
            folder: config.imap_folder.clone(),
            ca_file: config.imap_ca_file.clone(),
        }))
    }

    /// What it is called: the same for every process that reads it.
    pub fn name(&self) -> String {
        format!("{}@{}/{}", self.user, self.host, self.folder)
    }
}
