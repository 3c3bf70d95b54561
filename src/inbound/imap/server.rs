//! What is said to the mail server.
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_imap::types::{Fetch, UnsolicitedResponse};
use async_imap::{Client, Session};
use futures_util::TryStreamExt as _;
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};

use super::settings::ImapSettings;

/// For an answer of the server; for a whole mail.
const PATIENCE: Duration = Duration::from_secs(20);
const LONG_PATIENCE: Duration = Duration::from_secs(180);
/// Servers may hang up on who is silent for half an hour (RFC 2177), and routers sooner.
const IDLE: Duration = Duration::from_secs(240);
/// How often a server is asked that cannot tell by itself.
const ASK: Duration = Duration::from_millis(400);
/// Bytes of a mail that is too large: its header is among them.
const BEGINNING: usize = 64 << 10;

/// An open folder.
pub struct Folder {
    session: Session<TlsStream<TcpStream>>,
    /// Whether the server tells by itself what is new (RFC 2177).
    tells: bool,
    /// The server numbers its mails anew when this changes (RFC 9051, section 2.3.1.1).
    pub uid_validity: i64,
    /// The number that the next mail is going to have.
    pub uid_next: i64,
}

/// Fails when the server does not answer in time.
async fn within<T, E: Into<anyhow::Error>>(
    time: Duration,
    answer: impl Future<Output = Result<T, E>>,
) -> anyhow::Result<T> {
    let answer = tokio::time::timeout(time, answer).await;
    answer.context("the mail server does not answer")?.map_err(Into::into)
}

impl Folder {
    pub async fn open(settings: &ImapSettings) -> anyhow::Result<Self> {
        let stream = within(PATIENCE, connect(settings)).await?;
        let mut client = Client::new(stream);
        let greeting = within(PATIENCE, client.read_response()).await?;
        greeting.context("the mail server hangs up")?;
        let login = client.login(&settings.user, settings.password.expose());
        let login = async { login.await.map_err(|(error, _)| error) };
        let mut session = within(PATIENCE, login).await.context("the mailbox refuses the login")?;
        let tells = within(PATIENCE, session.capabilities()).await?.has_str("IDLE");
        let selected = within(PATIENCE, session.select(&settings.folder)).await;
        let selected = selected.with_context(|| format!("no folder {}", settings.folder))?;
        let uid_validity = selected.uid_validity.context("the server numbers its mails not")?;
        let uid_next = match selected.uid_next {
            Some(next) => next,
            None => within(PATIENCE, session.uid_search("ALL"))
                .await?
                .into_iter()
                .max()
                .map_or(1, |last| last + 1),
        };
        Ok(Self { session, tells, uid_validity: uid_validity.into(), uid_next: uid_next.into() })
    }

    /// The numbers of the mails behind `last`, in the order in which they came.
    pub async fn behind(&mut self, last: i64) -> anyhow::Result<Vec<i64>> {
        // A range that begins behind the last mail contains the last mail.
        let found = self.search(&format!("UID {}:*", last + 1)).await?;
        Ok(found.into_iter().filter(|uid| *uid > last).collect())
    }

    /// The numbers of the mails that nobody has read.
    pub async fn unread(&mut self) -> anyhow::Result<Vec<i64>> {
        self.search("UNSEEN").await
    }

    async fn search(&mut self, what: &str) -> anyhow::Result<Vec<i64>> {
        // What the server tells from here on is news.
        while self.session.unsolicited_responses.try_recv().is_ok() {}
        let found = within(PATIENCE, self.session.uid_search(what)).await?;
        let mut uids: Vec<i64> = found.into_iter().map(i64::from).collect();
        uids.sort_unstable();
        Ok(uids)
    }

    /// The size of a mail in bytes; `None` when it is gone.
    pub async fn size(&mut self, uid: i64) -> anyhow::Result<Option<usize>> {
        let found = self.fetch(uid, "(UID RFC822.SIZE)").await?;
        Ok(found.and_then(|mail| mail.size).map(|bytes| bytes as usize))
    }

    /// The mail; `None` when it is gone.
    pub async fn mail(&mut self, uid: i64) -> anyhow::Result<Option<Vec<u8>>> {
        let found = self.fetch(uid, "(UID BODY.PEEK[])").await?;
        Ok(found.and_then(|mail| mail.body().map(<[u8]>::to_vec)))
    }

    /// As much of the mail as its header takes.
    pub async fn beginning(&mut self, uid: i64) -> anyhow::Result<Option<Vec<u8>>> {
        let found = self.fetch(uid, &format!("(UID BODY.PEEK[]<0.{BEGINNING}>)")).await?;
        Ok(found.and_then(|mail| mail.body().map(<[u8]>::to_vec)))
    }

    async fn fetch(&mut self, uid: i64, what: &str) -> anyhow::Result<Option<Fetch>> {
        let session = &mut self.session;
        let all = async {
            let mails = session.uid_fetch(uid.to_string(), what).await?;
            mails.try_collect::<Vec<Fetch>>().await
        };
        let mails = within(LONG_PATIENCE, all).await?;
        Ok(mails.into_iter().find(|mail| mail.uid.map(i64::from) == Some(uid)))
    }

    /// Marks a mail as read, for people who look into the mailbox.
    pub async fn mark_read(&mut self, uid: i64) -> anyhow::Result<()> {
        let session = &mut self.session;
        let marked = async {
            let answers = session.uid_store(uid.to_string(), "+FLAGS.SILENT (\\Seen)").await?;
            answers.try_collect::<Vec<Fetch>>().await
        };
        within(PATIENCE, marked).await.map(drop)
    }

    /// Returns when the server tells that something is new since the last search, or after a while.
    pub async fn news(self) -> anyhow::Result<Self> {
        let Self { mut session, tells, uid_validity, uid_next } = self;
        if tells {
            let told = session.unsolicited_responses.clone();
            let mut idle = session.idle();
            within(PATIENCE, idle.init()).await?;
            // What came between the search and here was told already.
            let mut already = false;
            while let Ok(response) = told.try_recv() {
                already |= matches!(response, UnsolicitedResponse::Exists(_));
            }
            if !already {
                let (news, _stop) = idle.wait_with_timeout(IDLE);
                news.await?;
            }
            session = within(PATIENCE, idle.done()).await?;
        } else {
            tokio::time::sleep(ASK).await;
            within(PATIENCE, session.noop()).await?;
        }
        Ok(Self { session, tells, uid_validity, uid_next })
    }
}

async fn connect(settings: &ImapSettings) -> anyhow::Result<TlsStream<TcpStream>> {
    let config = tls(settings)?;
    let name = ServerName::try_from(settings.host.clone()).context("imap_server")?;
    let stream = TcpStream::connect((settings.host.as_str(), settings.port)).await;
    let stream = stream.context("the mail server cannot be reached")?;
    stream.set_nodelay(true)?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    stream.context("the mail server is not trusted")
}

fn tls(settings: &ImapSettings) -> anyhow::Result<ClientConfig> {
    let mut trusted: Vec<CertificateDer<'static>> = Vec::new();
    if let Some(path) = &settings.ca_file {
        let read = || -> anyhow::Result<Vec<_>> {
            Ok(CertificateDer::pem_file_iter(path)?.collect::<Result<_, _>>()?)
        };
        trusted = read().with_context(|| format!("imap_ca_file {}", path.display()))?;
    }
    let provider = Arc::new(default_provider());
    let verifier = Verifier::new_with_extra_roots(trusted, Arc::clone(&provider))?;
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions()?;
    Ok(config
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}
