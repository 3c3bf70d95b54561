//! How fast mails leave without a desk around them, and how fast the API answers.
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use lettre::Message;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use tokio::net::TcpStream;

use super::service::Service;

/// Sends as many mails over as many connections as fast as the server takes them.
pub async fn send(port: u16, mails: usize, connections: usize) -> anyhow::Result<()> {
    let message = Message::builder()
        .from("support@desk.example".parse()?)
        .to("ann@customer.example".parse()?)
        .subject("Re: The printer on floor 3 does not print")
        .body("Please switch it off and on again.\n".repeat(30))?;
    let content = String::from_utf8(message.formatted())? + ".\r\n";
    let shares = (0..connections).map(|n| (mails + n) / connections);
    try_join_all(shares.map(|share| {
        let content = content.clone();
        async move {
            let hello = ClientId::Domain("desk.example".to_owned());
            let stream = TcpStream::connect(("127.0.0.1", port)).await?;
            stream.set_nodelay(true)?;
            let mut connection =
                AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await?;
            for _ in 0..share {
                connection.command("MAIL FROM:<support@desk.example>\r\n").await?;
                connection.command("RCPT TO:<ann@customer.example>\r\n").await?;
                connection.command("DATA\r\n").await?;
                connection.command(&content).await?;
            }
            anyhow::Ok(())
        }
    }))
    .await?;
    Ok(())
}

/// How long requests took.
pub struct Latencies {
    sorted: Vec<Duration>,
    over: Duration,
}

impl Latencies {
    fn at(&self, part: usize) -> f64 {
        let place = (self.sorted.len().saturating_sub(1)) * part / 100;
        self.sorted.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    }
}

impl fmt::Display for Latencies {
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.sorted.len() as f64 / self.over.as_secs_f64();
        write!(f, "{rate:.0} | {:.2} | {:.2}", self.at(50), self.at(99))
    }
}

/// Reads tickets one after another, as so many callers at a time, until `until` is over.
pub async fn call(
    service: &Service,
    callers: usize,
    until: impl Future<Output = ()>,
) -> anyhow::Result<Latencies> {
    let over = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let calls = (0..callers).map(|_| {
        let over = Arc::clone(&over);
        async move {
            let mut times = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let began = Instant::now();
                service.read("/v1/tickets?limit=20").await?;
                times.push(began.elapsed());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            anyhow::Ok(times)
        }
    });
    let end = async {
        until.await;
        over.store(true, Ordering::Relaxed);
        anyhow::Ok(())
    };
    let (times, ()) = tokio::try_join!(try_join_all(calls), end)?;
    let mut sorted: Vec<Duration> = times.into_iter().flatten().collect();
    sorted.sort_unstable();
    Ok(Latencies { sorted, over: began.elapsed() })
}
