//! A mail server that does as it is told: it takes mails, refuses them, waits, or goes away in the middle.
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What the server does when it is asked something.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    Accept,
    /// Answers this line instead.
    Answer(&'static str),
    /// Accepts after this time.
    After(Duration),
    /// Takes what it was given, and closes the connection without a word.
    Vanish,
}

/// A question to the server.
#[derive(Debug)]
pub struct Asked<'a> {
    /// `CONNECT`, `EHLO`, `MAIL`, `RCPT`, `DATA`, or `.` at the end of a mail.
    pub command: &'a str,
    /// The whole line; of a mail's end, the mail.
    pub line: &'a str,
    /// How often this command was asked before, over all connections.
    pub before: usize,
}

/// A mail that the server took.
#[derive(Debug, Clone)]
pub struct Received {
    pub from: String,
    pub recipients: Vec<String>,
    pub content: String,
    pub encrypted: bool,
    /// What `AUTH PLAIN` said, in base64.
    pub login: Option<String>,
}

impl Received {
    /// A header's value, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.content.split("\r\n\r\n").next().unwrap();
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let start = format!("{}:", name.to_lowercase());
        let line = unfolded.lines().find(|line| line.to_lowercase().starts_with(&start))?;
        Some(line[start.len()..].trim().to_owned())
    }
}

/// How the server is reached.
#[derive(Clone, Default)]
pub enum Encryption {
    #[default]
    None,
    StartTls(tokio_rustls::TlsAcceptor),
    Implicit(tokio_rustls::TlsAcceptor),
}

type Script = Arc<dyn Fn(&Asked<'_>) -> Act + Send + Sync>;

#[derive(Default)]
struct State {
    received: Vec<Received>,
    asked: HashMap<String, usize>,
    connections: usize,
}

/// A running server; it ends when it is dropped.
pub struct Sink {
    pub port: u16,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Sink {
    /// Takes everything.
    pub async fn start() -> Self {
        Self::scripted(|_| Act::Accept).await
    }

    pub async fn scripted(script: impl Fn(&Asked<'_>) -> Act + Send + Sync + 'static) -> Self {
        Self::encrypted(Encryption::None, script).await
    }

    pub async fn encrypted(
        encryption: Encryption,
        script: impl Fn(&Asked<'_>) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state: Arc<Mutex<State>> = Arc::default();
        let (shared, script): (_, Script) = (Arc::clone(&state), Arc::new(script));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                shared.lock().unwrap().connections += 1;
                let mut session = Session {
                    script: Arc::clone(&script),
                    state: Arc::clone(&shared),
                    encryption: encryption.clone(),
                    encrypted: false,
                    login: None,
                };
                tokio::spawn(async move { session.serve(stream).await });
            }
        });
        Self { port, state, task }
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}?tls=none", self.port)
    }

    pub fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// How many mails it took.
    pub fn count(&self) -> usize {
        self.state.lock().unwrap().received.len()
    }

    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Session {
    script: Script,
    state: Arc<Mutex<State>>,
    encryption: Encryption,
    encrypted: bool,
    login: Option<String>,
}

/// The connection is over.
struct Gone;

impl Session {
    async fn serve(&mut self, stream: tokio::net::TcpStream) -> Option<()> {
        if let Encryption::Implicit(tls) = self.encryption.clone() {
            self.encrypted = true;
            let stream = tls.accept(stream).await.ok()?;
            self.converse(stream, true).await;
            return Some(());
        }
        let stream = self.converse(stream, true).await?;
        let Encryption::StartTls(tls) = self.encryption.clone() else { return None };
        self.encrypted = true;
        let stream = tls.accept(stream).await.ok()?;
        self.converse(stream, false).await;
        Some(())
    }

    /// Returns the stream when it is to be encrypted.
    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: S,
        greets: bool,
    ) -> Option<S> {
        let mut stream = BufReader::new(stream);
        if greets {
            self.answer(&mut stream, "CONNECT", "", "220 sink.example ESMTP").await.ok()?;
        }
        let (mut from, mut recipients) = (String::new(), Vec::new());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            let command = line.split([' ', ':']).next().unwrap().to_uppercase();
            let usual = match command.as_str() {
                "EHLO" => self.extensions(),
                "STARTTLS" => {
                    stream.write_all(b"220 go ahead\r\n").await.ok()?;
                    return Some(stream.into_inner());
                }
                "AUTH" => {
                    self.login = line.strip_prefix("AUTH PLAIN ").map(str::to_owned);
                    "235 welcome".into()
                }
                "DATA" => "354 end with a dot".into(),
                "QUIT" => "221 bye".into(),
                _ => "250 fine".into(),
            };
            let accepted = self.answer(&mut stream, &command, line, &usual).await.ok()?;
            match command.as_str() {
                "MAIL" => (from, recipients) = (line.to_owned(), Vec::new()),
                "RSET" => recipients.clear(),
                "RCPT" if accepted => recipients.push(inside(line)),
                "DATA" if accepted => {
                    let content = read_content(&mut stream).await?;
                    let mail = Received {
                        from: inside(&from),
                        recipients: std::mem::take(&mut recipients),
                        content: content.clone(),
                        encrypted: self.encrypted,
                        login: self.login.clone(),
                    };
                    self.take(&mut stream, mail).await.ok()?;
                }
                "QUIT" => return None,
                _ => {}
            }
        }
    }

    fn extensions(&self) -> String {
        match self.encryption {
            Encryption::StartTls(_) if !self.encrypted => {
                "250-sink.example\r\n250-8BITMIME\r\n250 STARTTLS".into()
            }
            _ => "250-sink.example\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN".into(),
        }
    }

    fn act(&self, command: &str, line: &str) -> Act {
        let before = {
            let mut state = self.state.lock().unwrap();
            let count = state.asked.entry(command.to_owned()).or_default();
            *count += 1;
            *count - 1
        };
        (self.script)(&Asked { command, line, before })
    }

    /// Answers as the script says; true when that is the usual answer.
    async fn answer<S: AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        command: &str,
        line: &str,
        usual: &str,
    ) -> Result<bool, Gone> {
        let (text, accepted) = match self.act(command, line) {
            Act::Accept => (usual, true),
            Act::Answer(text) => (text, false),
            Act::After(pause) => {
                tokio::time::sleep(pause).await;
                (usual, true)
            }
            Act::Vanish => return Err(Gone),
        };
        stream.write_all(format!("{text}\r\n").as_bytes()).await.map_err(|_| Gone)?;
        Ok(accepted)
    }

    async fn take<S: AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        mail: Received,
    ) -> Result<(), Gone> {
        let act = self.act(".", &mail.content);
        let refused = matches!(act, Act::Answer(_));
        if !refused {
            self.state.lock().unwrap().received.push(mail);
        }
        let text = match act {
            Act::Answer(text) => text,
            Act::Vanish => return Err(Gone),
            Act::After(pause) => {
                tokio::time::sleep(pause).await;
                "250 taken"
            }
            Act::Accept => "250 taken",
        };
        stream.write_all(format!("{text}\r\n").as_bytes()).await.map_err(|_| Gone)
    }
}

fn inside(line: &str) -> String {
    let rest = line.split_once('<').map_or(line, |(_, rest)| rest);
    rest.split('>').next().unwrap().to_owned()
}

/// A mail up to its dot, without the dots that were added (RFC 5321, section 4.5.2).
async fn read_content<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut content = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == ".\r\n" {
            return Some(content);
        }
        content.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
