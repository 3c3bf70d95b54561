//! A load generator that costs little itself: keep-alive connections that each send one request after the other.
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Makes the next request of a connection, as it goes over the wire.
pub type NextRequest = Arc<dyn Fn(usize) -> Vec<u8> + Send + Sync>;

/// What was seen in one round.
#[derive(Default)]
pub struct Observed {
    pub seconds: f64,
    /// Of every answer, in microseconds.
    pub latencies: Vec<u64>,
    /// Answers other than 2xx.
    pub errors: usize,
}

/// Keeps `connections` busy for this long; requests in flight are finished.
pub async fn run(
    address: &str,
    connections: usize,
    time: Duration,
    next: &NextRequest,
) -> anyhow::Result<Observed> {
    let mut tasks = JoinSet::new();
    let started = Instant::now();
    for number in 0..connections {
        let (address, next) = (address.to_owned(), Arc::clone(next));
        tasks.spawn(async move { one_connection(&address, number, started + time, &next).await });
    }
    let mut total = Observed::default();
    while let Some(done) = tasks.join_next().await {
        let one = done??;
        total.latencies.extend(one.latencies);
        total.errors += one.errors;
    }
    total.seconds = started.elapsed().as_secs_f64();
    Ok(total)
}

async fn one_connection(
    address: &str,
    number: usize,
    until: Instant,
    next: &NextRequest,
) -> anyhow::Result<Observed> {
    let mut connection = Connection::open(address).await?;
    let mut observed = Observed::default();
    while Instant::now() < until {
        let request = next(number);
        let sent = Instant::now();
        let status = connection.send(&request).await?.0;
        observed.latencies.push(u64::try_from(sent.elapsed().as_micros())?);
        observed.errors += usize::from(!(200..300).contains(&status));
    }
    Ok(observed)
}

/// HTTP/1.1, kept alive. Understands what the service sends: a head, and a body of known length.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    pub async fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(1 << 16) })
    }

    /// Sends a request and reads its whole answer: status and body.
    pub async fn send(&mut self, request: &[u8]) -> anyhow::Result<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        self.received.clear();
        loop {
            let read = self.stream.read_buf(&mut self.received).await?;
            anyhow::ensure!(read > 0, "the service closed a connection");
            if let Some((status, head, length)) = parse(&self.received)?
                && self.received.len() >= head + length
            {
                return Ok((status, &self.received[head..head + length]));
            }
        }
    }
}

/// Status, length of the head, and length of the body; `None` while the head is not complete.
fn parse(bytes: &[u8]) -> anyhow::Result<Option<(u16, usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(bytes)? else { return Ok(None) };
    let length = response.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length"));
    let length = length.context("an answer has no content-length")?;
    let length = std::str::from_utf8(length.value)?.parse()?;
    Ok(Some((response.code.context("an answer has no status")?, head, length)))
}
