//! The configuration: one typed struct, from a file and the environment, refused when wrong.
//!
//! Every key can be set in `casebridge.toml` (or the file that `CASEBRIDGE_CONFIG` names) and as
//! `CASEBRIDGE_<KEY>`, for example `CASEBRIDGE_LISTEN=0.0.0.0:8080`; the environment wins.
//! `DATABASE_URL` is read too, as the usual name of `database_url`.
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use chrono::TimeDelta;
use config::{Environment, File, Source as _};
use ipnet::IpNet;
use serde::Deserialize;

use crate::kernel::{Secret, SecretKey};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port to serve on.
    pub listen: SocketAddr,
    /// How clients reach the service: the issuer of tokens, and the start of links.
    pub public_url: String,
    /// PostgreSQL; unset: an embedded cluster in `data_dir`.
    pub database_url: Option<Secret>,
    /// Where the embedded cluster, the generated secret key and attached files are kept.
    pub data_dir: PathBuf,
    /// Seals stored secrets: 32 bytes in base64. Unset: generated once in `data_dir`.
    pub secret_key: Option<Secret>,
    /// Secret keys of before, which still open what they sealed; in the environment separated by commas.
    pub previous_secret_keys: Vec<Secret>,
    /// Database connections at the most.
    pub database_pool: u32,
    /// A replica of the database that reports are read from, over connections of their own; unset: the database itself.
    pub database_replica_url: Option<Secret>,
    /// Reports that are read at a time, by each process.
    pub reports_at_once: u32,
    /// Seconds that a statement of a report may take.
    pub report_seconds: u32,
    /// HTTP worker threads; the database has threads of its own.
    pub http_workers: usize,
    /// Seconds that a token of `/oauth/token` is valid.
    pub token_seconds: i64,
    /// Requests of one caller in a minute at the most, in each process; 0: no limit.
    pub requests_per_minute: u32,
    /// Networks of the proxies before the service, as `10.0.0.0/8`: whose `X-Forwarded-For` is believed; in the environment separated
    /// by commas.
    pub trusted_proxies: Vec<IpNet>,
    /// Which log lines: the syntax of `RUST_LOG`, for example `info,casebridge=debug`.
    pub log: String,
    /// `json` for machines, `text` for people.
    pub log_format: LogFormat,
    /// Run the background work (relay, sweeps, mirror) in this process.
    pub workers: bool,
    /// Load the seed data into an empty database at start.
    pub seed: bool,
    /// Seconds that requests in flight are given to finish at shutdown.
    pub shutdown_seconds: u64,
    /// Origins whose pages may call from a browser (CORS), as `https://portal.example`; in the environment
    /// separated by commas.
    pub allowed_origins: Vec<String>,
    /// The mail server: `smtps://host` (TLS), `smtp://host` (STARTTLS), `smtp://host?tls=offered` or `smtp://host?tls=none`. Unset:
    /// mails stay queued.
    pub smtp_url: Option<String>,
    /// As whom mails are handed in.
    pub smtp_username: Option<String>,
    /// Its password; only sent encrypted.
    pub smtp_password: Option<Secret>,
    /// Certificates (PEM) that the mail server may have beside those that the system trusts.
    pub smtp_ca_file: Option<PathBuf>,
    /// Connections to the mail server at the most, of each process.
    pub smtp_connections: usize,
    /// The sender of mails, as `Support <support@desk.example>`; replies go there.
    pub mail_from: Option<String>,
    /// The domain in the `Message-ID` of mails; that of `mail_from` when unset.
    pub mail_domain: Option<String>,
    /// Bytes of an attached file at the most.
    pub attachment_bytes: u64,
    /// Bytes of all files of a ticket at the most.
    pub ticket_attachment_bytes: u64,
    /// What may be attached: media types as `image/png` or `image/*`, ends of names as `.log`; in the environment separated by
    /// commas. Unset: whatever is not blocked.
    pub attachments_allowed: Vec<String>,
    /// What may not be attached, written the same way.
    pub attachments_blocked: Vec<String>,
    /// The bucket of an S3-compatible store that keeps attached files; unset: the folder `files` in `data_dir`.
    pub s3_bucket: Option<String>,
    /// Where that store is; unset: Amazon.
    pub s3_endpoint: Option<String>,
    /// Its region.
    pub s3_region: String,
    /// The access key's id; unset: the role of the machine.
    pub s3_access_key_id: Option<String>,
    /// The access key's secret.
    pub s3_secret_access_key: Option<Secret>,
    /// Bytes of the largest mail that is taken in.
    pub inbound_bytes_max: usize,
    /// The IMAP server whose mailbox is read, over TLS: a host, or `host:port`. Unset: none is read.
    pub imap_server: Option<String>,
    /// The account there.
    pub imap_user: Option<String>,
    /// Its password.
    pub imap_password: Option<Secret>,
    /// The folder that is read.
    pub imap_folder: String,
    /// Certificates (PEM) that the IMAP server may have beside those that the system trusts.
    pub imap_ca_file: Option<PathBuf>,
    /// Whose contacts are asked how satisfied they are: `always`, after each closing; `asked`, where a macro says so; `never`.
    pub surveys: Surveys,
    /// Hours that a timer counts at the most, 1 to 24: one that runs longer was forgotten, and is booked with so many.
    pub timer_hours: u8,
    /// Networks inside of one's own, as `10.0.0.0/8`, that webhooks may be sent to, also without TLS; in the environment separated
    /// by commas. Unset: public addresses alone.
    pub webhook_networks: Vec<IpNet>,
}

/// After which closings a customer is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Surveys {
    Always,
    Asked,
    Never,
}

/// What a desk's computers would run when somebody opens it.
const BLOCKED: [&str; 13] = [
    ".bat", ".cmd", ".com", ".cpl", ".exe", ".hta", ".lnk", ".msi", ".pif", ".ps1", ".reg", ".scr",
    ".vbs",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Json,
    Text,
}

impl Default for Config {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: "http://127.0.0.1:8080".into(),
            database_url: None,
            data_dir: ".data".into(),
            secret_key: None,
            previous_secret_keys: Vec::new(),
            database_pool: u32::try_from(cores * 4).unwrap_or(16),
            database_replica_url: None,
            reports_at_once: 2,
            report_seconds: 30,
            http_workers: cores.div_ceil(2),
            token_seconds: 3600,
            requests_per_minute: 3000,
            trusted_proxies: Vec::new(),
            log: "info".into(),
            log_format: LogFormat::Json,
            workers: true,
            seed: true,
            shutdown_seconds: 20,
            allowed_origins: Vec::new(),
            smtp_url: None,
            smtp_username: None,
            smtp_password: None,
            smtp_ca_file: None,
            smtp_connections: 4,
            mail_from: None,
            mail_domain: None,
            attachment_bytes: 100 << 20,
            ticket_attachment_bytes: 1 << 30,
            attachments_allowed: Vec::new(),
            attachments_blocked: BLOCKED.map(str::to_owned).to_vec(),
            s3_bucket: None,
            s3_endpoint: None,
            s3_region: "us-east-1".into(),
            s3_access_key_id: None,
            s3_secret_access_key: None,
            inbound_bytes_max: 25 << 20,
            imap_server: None,
            imap_user: None,
            imap_password: None,
            imap_folder: "INBOX".into(),
            imap_ca_file: None,
            surveys: Surveys::Always,
            timer_hours: 12,
            webhook_networks: Vec::new(),
        }
    }
}

impl Config {
    /// Reads the file and the environment. Fails with a message that names the key that is wrong.
    pub fn load() -> anyhow::Result<Self> {
        let file = std::env::var("CASEBRIDGE_CONFIG");
        let source = match &file {
            Ok(path) => File::with_name(path).required(true),
            Err(_) => File::with_name("casebridge.toml").required(false),
        };
        let environment = Environment::with_prefix("CASEBRIDGE").prefix_separator("_");
        let environment = environment.try_parsing(true).ignore_empty(true);
        let environment = environment.list_separator(",").with_list_parse_key("allowed_origins");
        let environment = environment.with_list_parse_key("previous_secret_keys");
        let environment = environment.with_list_parse_key("attachments_allowed");
        let environment = environment.with_list_parse_key("attachments_blocked");
        let environment = environment.with_list_parse_key("webhook_networks");
        let environment = environment.with_list_parse_key("trusted_proxies");
        let mut environment = environment.collect()?;
        environment.remove("config");
        let mut builder = config::Config::builder().add_source(source);
        for (key, value) in environment {
            builder = builder.set_override(key, value)?;
        }
        if let Ok(url) = std::env::var("DATABASE_URL") {
            builder = builder.set_override("database_url", url)?;
        }
        let config: Self =
            builder.build()?.try_deserialize().context("the configuration is wrong")?;
        config.check().context("the configuration is wrong")?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        let url = &self.public_url;
        anyhow::ensure!(
            (url.starts_with("http://") || url.starts_with("https://")) && !url.ends_with('/'),
            "public_url must be an http or https URL without a slash at the end"
        );
        anyhow::ensure!(self.database_pool > 0, "database_pool must be at least 1");
        anyhow::ensure!(self.reports_at_once > 0, "reports_at_once must be at least 1");
        anyhow::ensure!(self.report_seconds > 0, "report_seconds must be at least 1");
        anyhow::ensure!(self.http_workers > 0, "http_workers must be at least 1");
        anyhow::ensure!(self.smtp_connections > 0, "smtp_connections must be at least 1");
        anyhow::ensure!(
            (60..=86_400).contains(&self.token_seconds),
            "token_seconds must be 60 to 86400"
        );
        if let Some(origin) = self.allowed_origins.iter().find(|origin| !is_origin(origin)) {
            anyhow::bail!(
                "allowed_origins: {origin:?} is not an origin such as https://portal.example"
            );
        }
        let patterns = self.attachments_allowed.iter().chain(&self.attachments_blocked);
        for pattern in patterns {
            anyhow::ensure!(
                pattern.starts_with('.') || pattern.contains('/'),
                "attachments_allowed, attachments_blocked: {pattern:?} is neither a media type nor the end of a name"
            );
        }
        anyhow::ensure!(
            self.s3_access_key_id.is_some() == self.s3_secret_access_key.is_some(),
            "s3_access_key_id and s3_secret_access_key go together"
        );
        anyhow::ensure!(
            (1 << 16..=100 << 20).contains(&self.inbound_bytes_max),
            "inbound_bytes_max must be 65536 to 104857600"
        );
        anyhow::ensure!((1..=24).contains(&self.timer_hours), "timer_hours must be 1 to 24");
        if let Some(key) = &self.secret_key {
            SecretKey::parse(key).context("secret_key")?;
        }
        for key in &self.previous_secret_keys {
            SecretKey::parse(key).context("previous_secret_keys")?;
        }
        Ok(())
    }

    /// What a timer counts at the most.
    pub fn longest_timer(&self) -> TimeDelta {
        TimeDelta::hours(self.timer_hours.into())
    }

    /// The key that seals stored secrets, generated in `data_dir` on first use when none is configured; with the keys before it.
    pub fn secret_key(&self) -> anyhow::Result<SecretKey> {
        self.present_key()?.after(&self.previous_secret_keys)
    }

    fn present_key(&self) -> anyhow::Result<SecretKey> {
        if let Some(key) = &self.secret_key {
            return SecretKey::parse(key);
        }
        let path = self.data_dir.join("secret.key");
        if !path.exists() {
            std::fs::create_dir_all(&self.data_dir)?;
            write_private(&path, SecretKey::generate()?.expose())?;
            tracing::info!(path = %path.display(), "generated a secret key; keep it with your backups");
        }
        let text = std::fs::read_to_string(&path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        SecretKey::parse(&Secret::new(text)).with_context(|| format!("{}", path.display()))
    }
}

/// Scheme, host and port as browsers send them (RFC 6454, section 6.2).
fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.:[]".contains(c);
    rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(host))
}

/// Writes a file that only its owner can read, at once or not at all.
fn write_private(path: &std::path::Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let part = path.with_extension("part");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(std::fs::rename(part, path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed_with_the_configuration() {
        let url = Some(Secret::new("postgres://desk:hunter2@db/desk"));
        let config = Config { database_url: url, ..Config::default() };
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn a_public_url_with_a_slash_at_the_end_is_refused() {
        let config = Config { public_url: "https://desk.example/".into(), ..Config::default() };
        assert!(config.check().unwrap_err().to_string().contains("public_url"));
    }

    #[test]
    fn an_allowed_origin_is_one_that_a_browser_sends() {
        for origin in ["https://portal.example", "http://127.0.0.1:5173", "http://[::1]:80"] {
            assert!(is_origin(origin), "{origin}");
        }
        for text in ["*", "portal.example", "https://", "https://a.example/", "https://A.example"] {
            assert!(!is_origin(text), "{text}");
        }
    }

    #[test]
    fn a_generated_secret_key_is_kept() {
        let data_dir = std::env::temp_dir().join(uuid::Uuid::now_v7().to_string());
        let config = Config { data_dir: data_dir.clone(), ..Config::default() };
        let sealed = config.secret_key().unwrap().seal("p", b"x").unwrap();
        assert_eq!(config.secret_key().unwrap().open("p", &sealed).unwrap(), b"x");
        std::fs::remove_dir_all(data_dir).unwrap();
    }
}
