//! A client that sends what it likes, when it likes.
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::Client;

pub struct Wire(TcpStream);

impl Wire {
    /// Sends the head of a request to the server at `url`.
    pub async fn open(
        url: &str,
        client: &Client,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Self {
        let host = url.strip_prefix("http://").unwrap();
        let token = client.request(Method::GET, path).build().unwrap();
        let token = token.headers()["authorization"].to_str().unwrap().to_owned();
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut stream = TcpStream::connect(host).await.unwrap();
        stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
        Self(stream)
    }

    /// False when the server does not listen any more.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok()
    }

    pub async fn send_chunk(&mut self, bytes: &[u8]) -> bool {
        let size = format!("{:x}\r\n", bytes.len());
        self.send(&[size.as_bytes(), bytes, b"\r\n"].concat()).await
    }

    /// What the server says, until it has said it whole or the connection ends.
    pub async fn answer(mut self) -> String {
        let mut answer = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&answer).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.to_ascii_lowercase();
                let length = length.split("content-length: ").nth(1).unwrap_or("0");
                let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
                if body.len() >= length {
                    return text;
                }
            }
            let mut buffer = [0; 4096];
            match self.0.read(&mut buffer).await {
                Ok(read) if read > 0 => answer.extend(&buffer[..read]),
                _ => return text,
            }
        }
    }
}
