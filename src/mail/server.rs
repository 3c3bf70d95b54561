//! The mail server that mails leave through, and the conversation with it (RFC 5321).
use std::time::Duration;

use anyhow::Context as _;
use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::transport::smtp::response::Response;
use tokio::net::TcpStream;

use super::rules::{Failure, Outcome, PATIENCE, Refusal, line};
use crate::config::Config;

/// How long connecting, encrypting and logging in may take together.
const CONNECT: Duration = Duration::from_secs(30);
/// How long an answer to a command may take.
const ANSWER: Duration = Duration::from_secs(60);
/// How long a server may take over a whole mail.
const ACCEPTANCE: Duration = Duration::from_secs(180);

type BoxedError = Box<dyn std::error::Error + Send + Sync>;

/// How the way to the server is protected.
#[derive(Clone)]
enum Security {
    /// TLS from the first byte (RFC 8314).
    Implicit(TlsParameters),
    /// STARTTLS (RFC 3207), or nothing is sent.
    Required(TlsParameters),
    /// STARTTLS where the server offers it.
    Offered(TlsParameters),
    None,
}

/// A mail server, and as whom it is used.
pub struct Server {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
    pub from: Mailbox,
    /// Of the `Message-ID`s; it is also how the service introduces itself.
    pub domain: String,
}

impl Server {
    /// The configured server; `None` when there is none. Fails with what is wrong with the configuration.
    pub fn new(config: &Config) -> anyhow::Result<Option<Self>> {
        let Some(url) = &config.smtp_url else { return Ok(None) };
        let url: reqwest::Url = url.parse().context("smtp_url")?;
        anyhow::ensure!(
            url.username().is_empty() && url.password().is_none(),
            "smtp_url must not hold credentials: set smtp_username and smtp_password"
        );
        let host = url.host_str().context("smtp_url names no host")?.trim_matches(['[', ']']);
        let tls = || tls(host, config);
        let (security, port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Security::Implicit(tls()?), 465),
            ("smtp", None) => (Security::Required(tls()?), 587),
            ("smtp", Some("tls=offered")) => (Security::Offered(tls()?), 25),
            ("smtp", Some("tls=none")) => (Security::None, 25),
            _ => anyhow::bail!(
                "smtp_url must be smtps://host, smtp://host, smtp://host?tls=offered or smtp://host?tls=none"
            ),
        };
        let credentials = match (&config.smtp_username, &config.smtp_password) {
            (Some(user), Some(password)) => {
                Some(Credentials::new(user.clone(), password.expose().to_owned()))
            }
            (None, None) => None,
            _ => anyhow::bail!("smtp_username and smtp_password belong together"),
        };
        let secret = matches!(security, Security::Implicit(_) | Security::Required(_));
        anyhow::ensure!(
            secret || credentials.is_none() || ["127.0.0.1", "::1", "localhost"].contains(&host),
            "smtp_password would be sent without encryption"
        );
        let from = config.mail_from.as_deref().context("smtp_url needs mail_from")?;
        let from: Mailbox = from.parse().context("mail_from")?;
        let own = from.email.domain().to_owned();
        let domain = config.mail_domain.clone().unwrap_or(own);
        let sound = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        anyhow::ensure!(
            !domain.is_empty() && domain.chars().all(sound),
            "mail_domain must be a domain name in ASCII"
        );
        let port = url.port().unwrap_or(port);
        Ok(Some(Self { host: host.to_owned(), port, security, credentials, from, domain }))
    }

    /// A connection that is ready for mails.
    pub async fn connect(&self) -> Result<AsyncSmtpConnection, String> {
        match tokio::time::timeout(CONNECT, self.open()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(line(&error.to_string())),
            Err(_) => Err("the mail server did not answer in time".to_owned()),
        }
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, BoxedError> {
        let hello = ClientId::Domain(self.domain.clone());
        let at = (self.host.as_str(), self.port);
        let mut connection = match &self.security {
            Security::Implicit(tls) => {
                let tls = Some(tls.clone());
                AsyncSmtpConnection::connect_tokio1(at, Some(CONNECT), &hello, tls, None).await?
            }
            _ => {
                let stream = TcpStream::connect(at).await?;
                stream.set_nodelay(true)?;
                AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await?
            }
        };
        match &self.security {
            Security::Required(tls) => connection.starttls(tls.clone(), &hello).await?,
            Security::Offered(tls) if connection.can_starttls() => {
                connection.starttls(tls.clone(), &hello).await?;
            }
            _ => {}
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(connection)
    }

    /// Sends one mail over a connection; false when the connection cannot be used any more. `attempts` failed before: the first
    /// few are for nothing while somebody in copy is only put off.
    pub async fn send(
        &self,
        connection: &mut AsyncSmtpConnection,
        recipients: &[&str],
        content: &str,
        attempts: i32,
    ) -> (Outcome, bool) {
        let outcome = self.converse(connection, recipients, content, attempts).await;
        let usable = match &outcome {
            Outcome::Sent { .. } | Outcome::Unsendable(_) => true,
            // What was begun is not to be part of the next mail.
            Outcome::Refused { .. } => answer(connection.command(Rset), ANSWER).await.is_ok(),
            Outcome::NotTaken(_) | Outcome::Unanswered(_) | Outcome::NoServer(_) => false,
        };
        (outcome, usable)
    }

    async fn converse(
        &self,
        connection: &mut AsyncSmtpConnection,
        recipients: &[&str],
        content: &str,
        attempts: i32,
    ) -> Outcome {
        let parsed: Result<Vec<Address>, _> =
            recipients.iter().map(|email| email.parse()).collect();
        let Ok(addresses) = parsed else {
            return Outcome::Unsendable("an address is not one that mail can go to".to_owned());
        };
        let mut parameters = Vec::new();
        if !recipients.iter().all(|email| email.is_ascii()) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                let why = "the mail server takes no addresses with other letters than ASCII";
                return Outcome::Unsendable(why.to_owned());
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let mail = Mail::new(Some(self.from.email.clone()), parameters);
        if let Err(failure) = answer(connection.command(mail), ANSWER).await {
            return not_begun(failure);
        }
        let mut refused = Vec::new();
        for (email, address) in recipients.iter().zip(addresses) {
            match answer(connection.command(Rcpt::new(address, Vec::new())), ANSWER).await {
                Ok(_) => {}
                Err(Failure::Refused(refusal)) if !refusal.is_goodbye() => {
                    let patient = !refusal.is_permanent() && attempts < PATIENCE;
                    if *email == recipients[0] || patient {
                        return Outcome::Refused { address: Some((*email).to_owned()), refusal };
                    }
                    refused.push(((*email).to_owned(), refusal));
                }
                Err(failure) => return not_taken(failure),
            }
        }
        if let Err(failure) = answer(connection.command(Data), ANSWER).await {
            return not_taken(failure);
        }
        match answer(connection.command(data(content)), ACCEPTANCE).await {
            Ok(_) => Outcome::Sent { refused },
            Err(Failure::Refused(refusal)) => Outcome::Refused { address: None, refusal },
            Err(Failure::Broken(why)) => Outcome::Unanswered(why),
        }
    }
}

/// Whose certificates are trusted: the system's, and those of the configured file.
fn tls(host: &str, config: &Config) -> anyhow::Result<TlsParameters> {
    let mut tls = TlsParameters::builder(host.to_owned());
    if let Some(path) = &config.smtp_ca_file {
        let pem =
            std::fs::read(path).with_context(|| format!("smtp_ca_file {}", path.display()))?;
        tls = tls.add_root_certificate(Certificate::from_pem(&pem).context("smtp_ca_file")?);
    }
    Ok(tls.build_rustls()?)
}

/// A failure before the server knew whom the mail is for: about the connection, unless it is an answer to the sender.
fn not_begun(failure: Failure) -> Outcome {
    match failure {
        Failure::Refused(refusal) if !refusal.is_goodbye() => {
            Outcome::Refused { address: None, refusal }
        }
        Failure::Refused(refusal) => Outcome::NoServer(refusal.to_string()),
        Failure::Broken(why) => Outcome::NoServer(why),
    }
}

fn not_taken(failure: Failure) -> Outcome {
    match failure {
        Failure::Refused(refusal) if !refusal.is_goodbye() => {
            Outcome::Refused { address: None, refusal }
        }
        Failure::Refused(refusal) => Outcome::NotTaken(refusal.to_string()),
        Failure::Broken(why) => Outcome::NotTaken(why),
    }
}

/// A mail as it stands behind DATA: a dot more where a line begins with one, and a line with a dot alone (RFC 5321, section
/// 4.5.2). It is one piece, because a small second one would wait until the first is acknowledged.
fn data(content: &str) -> String {
    let first = if content.starts_with('.') { "." } else { "" };
    let last = if content.ends_with("\r\n") { "" } else { "\r\n" };
    format!("{first}{}{last}.\r\n", content.replace("\r\n.", "\r\n.."))
}

async fn answer(
    asked: impl Future<Output = Result<Response, Error>>,
    within: Duration,
) -> Result<Response, Failure> {
    let error = match tokio::time::timeout(within, asked).await {
        Ok(Ok(response)) => return Ok(response),
        Ok(Err(error)) => error,
        Err(_) => return Err(Failure::Broken("no answer in time".to_owned())),
    };
    let code = error.status().and_then(|code| code.to_string().parse().ok());
    let told = std::error::Error::source(&error).map(ToString::to_string);
    let text = line(&told.unwrap_or_else(|| error.to_string()));
    Err(match code {
        Some(code) => Failure::Refused(Refusal { code, text }),
        None => Failure::Broken(text),
    })
}

#[cfg(test)]
mod tests;
