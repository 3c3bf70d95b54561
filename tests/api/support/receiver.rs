//! A receiver of webhooks that answers as it is told.
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What the receiver does with a message.
#[derive(Debug, Clone)]
pub enum Answer {
    /// This status, with this header line and this body.
    Full(u16, &'static str, &'static str),
    /// 200, and a body that never ends.
    Endless,
    /// Nothing at all, and the connection stays open.
    Silence,
    /// Closes the connection.
    Close,
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Self::Full(status, "", "")
    }
}

/// A message that came in.
#[derive(Debug, Clone)]
pub struct Message {
    pub headers: Vec<(String, String)>,
    pub text: String,
    pub body: Value,
}

impl Message {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// What the message is told by.
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }
}

type Script = Arc<dyn Fn(&Message, usize) -> Answer + Send + Sync>;

/// A running receiver; it ends when it is dropped.
pub struct Receiver {
    pub port: u16,
    received: Arc<Mutex<Vec<Message>>>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// Takes everything.
    pub async fn start() -> Self {
        Self::scripted(|_, _| Answer::status(204)).await
    }

    /// Answers as `script` says to a message, and how many there were before it.
    pub async fn scripted(
        script: impl Fn(&Message, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::serve(None, script).await
    }

    /// The same behind TLS.
    pub async fn encrypted(tls: TlsAcceptor) -> Self {
        Self::serve(Some(tls), |_, _| Answer::status(204)).await
    }

    async fn serve(
        tls: Option<TlsAcceptor>,
        script: impl Fn(&Message, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received: Arc<Mutex<Vec<Message>>> = Arc::default();
        let (shared, script): (_, Script) = (Arc::clone(&received), Arc::new(script));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, script, tls) = (Arc::clone(&shared), Arc::clone(&script), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => converse(stream, &shared, &script).await,
                        Some(tls) => {
                            converse(tls.accept(stream).await.ok()?, &shared, &script).await
                        }
                    }
                });
            }
        });
        Self { port, received, task }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks", self.port)
    }

    pub fn received(&self) -> Vec<Message> {
        self.received.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.received.lock().unwrap().len()
    }

    /// The types of what came in, in the order in which it came.
    pub fn types(&self) -> Vec<String> {
        let kind = |message: &Message| message.body["type"].as_str().unwrap().to_owned();
        self.received().iter().map(kind).collect()
    }

    /// Waits until so many messages came in.
    pub async fn wait_for(&self, count: usize) {
        for _ in 0..600 {
            if self.count() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} of {count} messages came in", self.count());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers one message after another, until the connection ends.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    received: &Mutex<Vec<Message>>,
    script: &Script,
) -> Option<()> {
    loop {
        let message = read(&mut stream).await?;
        let answer = {
            let mut received = received.lock().unwrap();
            received.push(message.clone());
            script(&message, received.len() - 1)
        };
        match answer {
            Answer::Full(status, header, body) => {
                let header =
                    if header.is_empty() { String::new() } else { format!("{header}\r\n") };
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {status} Said\r\n{header}content-length: {length}\r\n\r\n{body}"
                );
                stream.write_all(text.as_bytes()).await.ok()?;
            }
            Answer::Endless => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                    .await
                    .ok()?;
                loop {
                    stream.write_all(b"10\r\nand so on and on\r\n").await.ok()?;
                }
            }
            Answer::Silence => std::future::pending().await,
            Answer::Close => return None,
        }
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Message> {
    let mut bytes = Vec::new();
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        if let Ok(httparse::Status::Complete(head)) = request.parse(&bytes) {
            let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
            let headers: Vec<(String, String)> =
                request.headers.iter().map(|h| (h.name.to_owned(), text(h.value))).collect();
            let length = headers.iter().find(|(name, _)| name == "content-length")?;
            let length: usize = length.1.parse().ok()?;
            while bytes.len() < head + length {
                stream.read_buf(&mut bytes).await.ok().filter(|read| *read > 0)?;
            }
            let text = text(&bytes[head..head + length]);
            let body = serde_json::from_str(&text).unwrap();
            return Some(Message { headers, text, body });
        }
        stream.read_buf(&mut bytes).await.ok().filter(|read| *read > 0)?;
    }
}
