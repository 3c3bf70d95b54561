//! Files on tickets: how they come in, how they go out, and that none is lost or left over.
mod crash;
mod form;
mod links;
mod limits;
mod referring;
mod s3;
mod serving;
mod tus;
mod wire;

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use casebridge::attachments::hex;
use chrono::{TimeDelta, Utc};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::support::{Client, Reply, TestApp, path};

const BOUNDARY: &str = "----form-boundary-7f3a";

/// Bytes without a pattern, the same for the same seed.
fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..length.div_ceil(8)).flat_map(|_| next().to_le_bytes()).take(length).collect()
}

fn sum(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// The part of a form that is a file.
fn file_part(name: &str, kind: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n"
    );
    [head.as_bytes(), bytes, b"\r\n"].concat()
}

fn field(name: &str, value: &str) -> Vec<u8> {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        .into_bytes()
}

fn form_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

fn form(client: &Client, ticket: &Value, parts: &[Vec<u8>]) -> reqwest::RequestBuilder {
    let body = [parts.concat(), format!("--{BOUNDARY}--\r\n").into_bytes()].concat();
    let request = client.request(Method::POST, &path(ticket, "/attachments"));
    request.header("content-type", form_type()).body(body)
}

async fn send(client: &Client, ticket: &Value, parts: &[Vec<u8>]) -> Reply {
    Reply::of(form(client, ticket, parts)).await
}

/// A file that was attached.
async fn attached(client: &Client, ticket: &Value, name: &str, kind: &str, bytes: &[u8]) -> Value {
    send(client, ticket, &[file_part(name, kind, bytes)]).await.expect(201)
}

/// Status, headers and content of a file.
async fn fetch(request: reqwest::RequestBuilder) -> (u16, HeaderMap, Vec<u8>) {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.bytes().await.unwrap().to_vec())
}

/// The path of an address of this service.
fn local<'a>(app: &TestApp, url: &'a str) -> &'a str {
    url.strip_prefix(&app.url).unwrap_or_else(|| panic!("{url} is elsewhere"))
}

fn content(attachment: &Value) -> String {
    format!("/v1/attachments/{}/content", attachment["id"].as_str().unwrap())
}

/// The objects on the disk, whole or not.
fn objects(data: &Path) -> usize {
    let Ok(shards) = std::fs::read_dir(data.join("files")) else { return 0 };
    shards.map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count()).sum()
}

impl TestApp {
    fn objects(&self) -> usize {
        objects(&self.service.config.data_dir)
    }

    /// Sweeps until nothing is left to be done, as of so many hours from now.
    async fn sweep(&self, hours: i64) {
        let now = Utc::now() + TimeDelta::hours(hours);
        while self.service.files.sweep(now).await.unwrap() {}
    }

    /// Rows of a table.
    async fn rows(&self, table: &str) -> i64 {
        self.number(&format!("select count(*) as number from {table}")).await
    }
}
