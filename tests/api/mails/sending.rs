//! Mails leave.
use std::sync::Arc;

use casebridge::kernel::SecretKey;
use casebridge::mail::{Conversation, MailState, Mailer, Server, Thread, service};
use chrono::Utc;
use futures_util::future::join_all;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::{app_with, mail, on, queue, read, send};
use crate::support::smtp::{Act, Encryption, Sink};
use crate::support::{TestApp, secret_key};

#[actix_web::test]
async fn a_mail_leaves_whole_and_a_reply_to_it_finds_its_conversation() {
    let sink = Sink::start().await;
    let app = app_with(&sink).await;
    let ticket = app.open_ticket(serde_json::json!({})).await;
    let mut new = on(&ticket, "ann@customer.example", "Grüße");
    new.html = Some("<html><body><p>About Grüße.</p></body></html>".into());
    new.cc = vec![super::address("bob@customer.example")];
    let conversation = new.conversation;
    let id = queue(&app, new).await;
    send(&app).await;

    let received = sink.received();
    assert_eq!(received.len(), 1);
    let got = &received[0];
    assert_eq!(got.from, "support@desk.example");
    assert_eq!(got.recipients, ["ann@customer.example", "bob@customer.example"]);
    assert_eq!(got.header("Cc").unwrap(), "bob@customer.example");
    assert_eq!(got.header("From").unwrap(), "Support <support@desk.example>");
    assert!(got.header("Auto-Submitted").is_none());
    let key = SecretKey::parse(&secret_key()).unwrap();
    let thread = Some(Thread { conversation, mail: id });
    assert_eq!(Thread::find(&key, &got.header("Message-ID").unwrap()), thread);
    let (_, body) = got.content.split_once("\r\n\r\n").unwrap();
    let whole = body.replace("=\r\n", "");
    assert_eq!(Thread::find(&key, &whole), thread, "{body}");
    assert!(
        whole.contains("multipart/alternative") || got.content.contains("multipart/alternative")
    );

    let sent = read(&app, id).await;
    assert_eq!((sent.state, sent.attempts, sent.reason), (MailState::Sent, 0, None));
    assert_eq!(format!("<{}>", sent.message_id.unwrap()), got.header("Message-ID").unwrap());
}

#[actix_web::test]
async fn many_mails_leave_over_one_connection_and_those_by_hand_first() {
    let sink = Sink::start().await;
    let app = app_with(&sink).await;
    for n in 0..30 {
        let mut new = mail(&format!("c{n}@customer.example"), "Survey");
        new.automatic = true;
        queue(&app, new).await;
    }
    queue(&app, mail("ann@customer.example", "By hand")).await;
    send(&app).await;
    let received = sink.received();
    assert_eq!((received.len(), sink.connections()), (31, 1));
    assert_eq!(received[0].header("Subject").unwrap(), "By hand");
    assert_eq!(received[1].header("Auto-Submitted").unwrap(), "auto-generated");
    assert_eq!(received[1].header("X-Auto-Response-Suppress").unwrap(), "All");
}

#[actix_web::test]
async fn a_mail_names_what_came_in_and_what_the_same_person_got_before() {
    let sink = Sink::start().await;
    let app = app_with(&sink).await;
    let ticket = app.open_ticket(serde_json::json!({})).await;
    let first = on(&ticket, "ann@customer.example", "One");
    let Conversation::Ticket(conversation) = first.conversation else { panic!("of a ticket") };
    queue(&app, first).await;
    queue(&app, on(&ticket, "agent@desk.example", "For the desk")).await;
    send(&app).await;
    for id in ["<1@customer.example>", "not an id", "<a b@c>\r\nBcc: x@y", "<1@customer.example>"] {
        let received = app.service.db.tx(move |conn| {
            service::received(conn, Conversation::Ticket(conversation), id, Utc::now())
        });
        received.await.unwrap();
    }
    queue(&app, on(&ticket, "Ann@customer.example", "Two")).await;
    queue(&app, mail("ann@customer.example", "Something else")).await;
    send(&app).await;

    let received = sink.received();
    let find = |subject: &str| {
        received.iter().find(|got| got.header("Subject").unwrap() == subject).unwrap()
    };
    let one = find("One").header("Message-ID").unwrap();
    let two = find("Two");
    assert_eq!(two.header("References").unwrap(), format!("{one} <1@customer.example>"));
    assert_eq!(two.header("In-Reply-To").unwrap(), "<1@customer.example>");
    for fresh in ["One", "For the desk", "Something else"] {
        assert!(find(fresh).header("References").is_none(), "{fresh}");
    }
}

#[actix_web::test]
async fn several_processes_send_each_mail_once() {
    let sink = Sink::start().await;
    let app = app_with(&sink).await;
    for n in 0..120 {
        queue(&app, mail(&format!("c{n}@customer.example"), &n.to_string())).await;
    }
    let turns = (0..6).map(|_| {
        let (db, config) = (app.service.db.clone(), Arc::clone(&app.service.config));
        async move {
            let server = Server::new(&config).unwrap();
            let key = Arc::new(SecretKey::parse(&secret_key()).unwrap());
            let mailer = Mailer::new(db, key, server);
            while mailer.send_due(Utc::now()).await.unwrap() {}
        }
    });
    join_all(turns).await;
    send(&app).await;
    let mut subjects: Vec<String> =
        sink.received().iter().map(|got| got.header("Subject").unwrap()).collect();
    subjects.sort();
    subjects.dedup();
    assert_eq!((subjects.len(), sink.received().len()), (120, 120));
    assert_eq!(
        app.number("select count(*) as number from outgoing_mails where state = 'sent'").await,
        120
    );
}

#[actix_web::test]
async fn the_same_thing_is_queued_once_also_by_two_at_the_same_time() {
    let app = TestApp::start().await;
    let told = || {
        let mut new = mail("ann@customer.example", "Told");
        new.dedupe = Some("event 7 for ann".into());
        new
    };
    let ids = join_all((0..8).map(|_| queue(&app, told()))).await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(app.number("select count(*) as number from outgoing_mails").await, 1);
}

/// A certificate for 127.0.0.1, in a file, and a server's side of TLS with it.
fn certificate() -> (std::path::PathBuf, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("smtp-{}.pem", uuid::Uuid::now_v7()));
    std::fs::write(&path, made.cert.pem()).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder().with_no_client_auth();
    let chain: Vec<CertificateDer<'static>> = vec![made.cert.der().clone()];
    let config = config.with_single_cert(chain, key.into()).unwrap();
    (path, TlsAcceptor::from(Arc::new(config)))
}

#[actix_web::test]
async fn mails_go_encrypted_and_the_password_as_well() {
    for implicit in [true, false] {
        let (path, tls) = certificate();
        let encryption =
            if implicit { Encryption::Implicit(tls) } else { Encryption::StartTls(tls) };
        let sink = Sink::encrypted(encryption, |_| Act::Accept).await;
        let scheme = if implicit { "smtps" } else { "smtp" };
        let url = format!("{scheme}://127.0.0.1:{}", sink.port);
        let app = TestApp::start_with(|config| {
            config.smtp_url = Some(url);
            config.smtp_ca_file = Some(path.clone());
            config.smtp_username = Some("desk".into());
            config.smtp_password = Some(casebridge::kernel::Secret::new("s3cret"));
            config.mail_from = Some("support@desk.example".into());
        })
        .await;
        let id = queue(&app, mail("ann@customer.example", "Secret")).await;
        send(&app).await;
        let received = sink.received();
        assert_eq!(received.len(), 1, "{:?}", read(&app, id).await.reason);
        assert!(received[0].encrypted);
        // RFC 4616: nothing, the name, the password, each behind a zero byte.
        assert_eq!(received[0].login.as_deref(), Some("AGRlc2sAczNjcmV0"));
        std::fs::remove_file(path).unwrap();
    }
}

#[actix_web::test]
async fn nothing_is_sent_in_the_clear_or_to_a_server_that_is_another() {
    let (path, tls) = certificate();
    let stripped = Sink::start().await;
    let forged = Sink::encrypted(Encryption::Implicit(tls), |_| Act::Accept).await;
    for url in [
        format!("smtp://127.0.0.1:{}", stripped.port),
        format!("smtps://127.0.0.1:{}", forged.port),
    ] {
        let app = TestApp::start_with(|config| {
            config.smtp_url = Some(url);
            config.mail_from = Some("support@desk.example".into());
        })
        .await;
        let id = queue(&app, mail("ann@customer.example", "Secret")).await;
        send(&app).await;
        let kept = read(&app, id).await;
        assert_eq!((kept.state, kept.attempts, kept.unanswered), (MailState::Queued, 0, 0));
        assert!(kept.reason.is_some());
    }
    assert!(stripped.received().is_empty() && forged.received().is_empty());
    std::fs::remove_file(path).unwrap();
}
