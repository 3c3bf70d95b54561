//! Whatever bytes come in: no panic, and time and memory in proportion to them.
use std::time::{Duration, Instant};

use casebridge::inbound::Incoming;
use proptest::prelude::*;

use super::{DOMAIN, message};

/// Runs longer where the environment says so: `PROPTEST_CASES=200000`.
fn read(raw: &[u8]) -> Option<Incoming> {
    let mail = Incoming::read(raw, Some(DOMAIN));
    if let Some(mail) = &mail {
        assert!(mail.reply.len() <= 4 * raw.len() + 16, "a reply is no longer than the mail");
        assert!(mail.text.len() <= 3 << 20 && mail.files.len() <= 100);
        assert!(mail.subject.chars().count() <= 255 && !mail.subject.contains(char::is_control));
        assert!(!mail.text.contains('\0') && !mail.note().is_empty());
        assert!(mail.references.len() <= 100 && mail.bounces.len() <= 100);
    }
    mail
}

const CORPUS: [&str; 12] = [
    "reply_gmail",
    "reply_outlook_desktop",
    "reply_outlook_web_html_only",
    "reply_apple_mail",
    "reply_thunderbird_between",
    "new_with_attachment",
    "bounce_postfix",
    "hostile_line_breaks",
    "charset_japanese",
    "malformed_no_end_boundary",
    "malformed_broken_encoding",
    "nested",
];

proptest! {
    #[test]
    fn no_bytes_make_the_reading_panic(raw in prop::collection::vec(any::<u8>(), 0..2_000)) {
        read(&raw);
    }

    #[test]
    fn no_mail_that_was_damaged_makes_the_reading_panic(
        which in 0..CORPUS.len(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_usize..40), 1..12),
    ) {
        let mut raw = message(CORPUS[which], "cb-none");
        for (at, byte, cut) in damages {
            if raw.is_empty() {
                break;
            }
            let at = at.index(raw.len());
            if byte % 3 == 0 {
                raw.drain(at..(at + cut).min(raw.len()));
            } else if byte % 3 == 1 {
                let piece: Vec<u8> = raw[at..(at + cut).min(raw.len())].to_vec();
                raw.splice(at..at, piece);
            } else {
                raw[at] = byte;
            }
        }
        read(&raw);
    }

    #[test]
    fn no_structure_makes_the_reading_panic(
        parts in prop::collection::vec(
            prop_oneof![
                Just("Content-Type: multipart/mixed; boundary=a\r\n"), Just("--a\r\n"), Just("--a--\r\n"), Just("\r\n"),
                Just("Content-Type: text/html\r\n"), Just("Content-Type: message/rfc822\r\n"), Just("<blockquote>"),
                Just("Content-Type: text/plain; format=flowed; charset=utf-7\r\n"), Just("</script>"), Just("<!--"), Just("&#x110000;"),
                Just("Content-Transfer-Encoding: base64\r\n"), Just("Content-Transfer-Encoding: quoted-printable\r\n"), Just("=E2=8"),
                Just("On 1 Jan 2026 x@y wrote:\r\n"), Just("> quoted \r\n"), Just("From: a@b.example\r\n"), Just("-- \r\n"), Just("é "),
                Just("Subject: =?utf-8?B?/w==?=\r\n"), Just("References: <a@b> <c@d>\r\n"), Just("-----Original Message-----\r\n"),
                Just("Content-Type: multipart/report\r\n"), Just("Content-Type: message/delivery-status\r\n"), Just("Action: failed\r\n"),
            ], 0..40),
    ) {
        read(parts.concat().as_bytes());
    }
}

/// As much as may come in.
const LARGE: usize = 8 << 20;

fn repeat(text: &str) -> String {
    text.repeat(LARGE / text.len())
}

#[test]
fn hostile_mails_of_any_size_are_read_in_little_time() {
    let header = "From: a@b.example\r\nSubject: s\r\n";
    let html = format!("{header}Content-Type: text/html\r\n\r\n");
    let nested = (0..20_000).fold(header.to_owned(), |mail, n| {
        mail + &format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n")
    });
    let forwarded = format!("{header}{}", "Content-Type: message/rfc822\r\n\r\n".repeat(50_000));
    for (what, mail) in [
        ("one huge header", format!("{header}X-A: {}\r\n\r\nx", repeat("a"))),
        ("a header of folded lines", format!("{header}X-A: {}\r\n\r\nx", repeat("\r\n a"))),
        ("headers without end", format!("{header}{}", repeat("A: b\r\n"))),
        ("references without end", format!("{header}References: {}\r\n\r\nx", repeat("<a@b> "))),
        ("addresses without end", format!("{header}To: {}\r\n\r\nx", repeat("a@b.example, "))),
        (
            "an encoded subject without end",
            format!("{header}Subject: {}\r\n\r\nx", repeat("=?utf-8?Q?a?= ")),
        ),
        ("open tags", format!("{html}{}", repeat("<"))),
        ("half tags", format!("{html}{}", repeat("<a "))),
        ("comments", format!("{html}{}", repeat("<!-- "))),
        ("scripts", format!("{html}{}", repeat("<script>"))),
        ("quotations", format!("{html}{}", repeat("<blockquote>a"))),
        ("character references", format!("{html}{}", repeat("&amp"))),
        ("attributions", format!("{header}\r\n{}", repeat("On 1 a@b\r\n"))),
        ("quoted headers", format!("{header}\r\n{}", repeat("From: a\r\n"))),
        ("quoted lines", format!("{header}\r\nOn 1 x wrote:\r\n{}", repeat("> a\r\nb\r\n"))),
        (
            "as many parts as lines may be",
            format!(
                "{header}Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
                "--b\r\n\r\na\r\n".repeat(190_000)
            ),
        ),
        ("parts in parts", nested),
        ("mails in mails", forwarded),
        (
            "parts",
            format!(
                "{header}Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
                repeat("--b\r\n\r\na\r\n")
            ),
        ),
    ] {
        let began = Instant::now();
        let read = read(mail.as_bytes());
        // What it is from can be told all the same.
        assert_eq!(read.unwrap().sender.unwrap().email, "a@b.example", "{what}");
        let took = began.elapsed();
        assert!(took < Duration::from_secs(20), "{what}: {took:?}");
        println!("{what}: {took:?}");
    }
}

#[test]
fn a_deeply_nested_mail_is_read_on_the_small_stack_of_a_worker() {
    let nested = (0..5_000).fold(String::from("From: a@b.example\r\n"), |mail, n| {
        mail + &format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n")
    });
    let forwarded =
        format!("From: a@b.example\r\n{}", "Content-Type: message/rfc822\r\n\r\n".repeat(5_000));
    let digests = (0..5_000).fold(String::from("From: a@b.example\r\n"), |mail, n| {
        mail + &format!("Content-Type: multipart/digest; boundary=b{n}\r\n\r\n--b{n}\r\n\r\n")
    });
    let encoded =
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n".repeat(5_000);
    let all = move || {
        for mail in [nested, forwarded, digests, encoded] {
            read(mail.as_bytes());
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(all).unwrap().join().unwrap();
}
