//! A conversation by mail through servers as desks have them: Exim takes the desk's mails and hands over the customer's,
//! Dovecot keeps the desk's mailbox.
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use casebridge::config::Config;
use casebridge::kernel::Secret;
use serde_json::json;

use super::server::{MailServer, PASSWORD};
use crate::support::{TestApp, free_port, path};

/// Takes mails to the desk's domain from anybody, and to others over TLS with the password only.
struct Relay {
    port: u16,
    folder: PathBuf,
    child: Child,
}

impl Relay {
    async fn start(server: &MailServer) -> Self {
        let folder = server.folder.join("relay");
        for part in ["", "spool", "customer"] {
            fs::create_dir(folder.join(part)).unwrap();
            chown(folder.join(part), Some(server.owner.0), Some(server.owner.1)).unwrap();
        }
        // It gives up its rights before it opens the key.
        let key = server.folder.join("key.pem");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        let port = free_port();
        let file = folder.join("exim.conf");
        fs::write(&file, configuration(&server.folder, port, server.owner)).unwrap();
        let program = ["/usr/sbin/exim4", "/usr/sbin/exim"];
        let program = program.into_iter().find(|path| Path::new(path).exists());
        let mut command = Command::new(program.unwrap_or("exim"));
        command.arg("-C").arg(file).arg("-bdf").stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("Exim is missing: scripts/setup.sh installs it");
        let relay = Self { port, folder, child };
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return relay;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("Exim does not start: {}", relay.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("spool/mainlog")).unwrap_or_default()
    }

    fn configure(&self, config: &mut Config) {
        config.smtp_url = Some(format!("smtp://127.0.0.1:{}", self.port));
        config.smtp_username = Some("support".into());
        config.smtp_password = Some(Secret::new(PASSWORD));
        config.smtp_ca_file = config.imap_ca_file.clone();
        config.mail_from = Some("Support <support@desk.example>".into());
    }

    /// The mail to the customer that has this text, once it has come.
    async fn delivered(&self, text: &str) -> String {
        for _ in 0..600 {
            let new = fs::read_dir(self.folder.join("customer/new")).into_iter().flatten();
            let mut mails = new.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
            if let Some(mail) = mails.find(|mail| mail.contains(text)) {
                return mail;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no mail with {text:?} came: {}", self.log());
    }

    /// Hands over a mail of the customer, as their own server does.
    fn hand_over(&self, raw: &str) {
        let file = self.folder.join("reply.eml");
        fs::write(&file, raw).unwrap();
        let mut curl = Command::new("curl");
        curl.arg("-sS").arg(format!("smtp://127.0.0.1:{}", self.port));
        curl.args(["--mail-from", "purchasing@customer.example"]);
        curl.args(["--mail-rcpt", "support@desk.example", "--upload-file"]).arg(file);
        assert!(curl.status().unwrap().success(), "{}", self.log());
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(folder: &Path, port: u16, (uid, gid): (u32, u32)) -> String {
    let folder = folder.display();
    format!(
        "primary_hostname = mx.example\nspool_directory = {folder}/relay/spool
log_file_path = {folder}/relay/spool/%slog\npid_file_path = {folder}/relay/exim.pid
exim_user = {uid}\nexim_group = {gid}\nnever_users =\ndeliver_drop_privilege\nkeep_environment =
local_interfaces = 127.0.0.1\ndaemon_smtp_ports = {port}
tls_advertise_hosts = *\ntls_certificate = {folder}/certificate.pem\ntls_privatekey = {folder}/key.pem
auth_advertise_hosts = ${{if def:tls_in_cipher {{*}}}}\nacl_smtp_rcpt = takes
begin acl\ntakes:\n  accept authenticated = *\n  accept domains = desk.example\n  deny
begin routers
desk:\n  driver = accept\n  domains = desk.example\n  transport = desk
customer:\n  driver = accept\n  transport = customer
begin transports
desk:\n  driver = appendfile\n  maildir_format\n  directory = {folder}/mail
customer:\n  driver = appendfile\n  maildir_format\n  directory = {folder}/relay/customer
begin authenticators
plain:\n  driver = plaintext\n  public_name = PLAIN\n  server_prompts = :
  server_condition = ${{if and {{{{eq{{$auth2}}{{support}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}\n"
    )
}

fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    let start = format!("\n{name}: ");
    mail.split_once(&start).unwrap_or_else(|| panic!("no {name}: {mail}")).1.lines().next().unwrap()
}

#[actix_web::test]
async fn a_conversation_goes_both_ways_through_real_servers() {
    let server = MailServer::start().await;
    let relay = Relay::start(&server).await;
    let app = TestApp::start_with(|config| {
        server.configure(config);
        relay.configure(config);
    })
    .await;
    let workers = app.service.start_workers();
    let coordinator = app.agent("Coordinator").await;
    let ticket = app.open_ticket(json!({})).await;
    let notes = path(&ticket, "/notes?limit=100");

    coordinator
        .post(&path(&ticket, "/notes"), json!({"body": "Which **browser**?"}))
        .await
        .expect(201);
    let asked = relay.delivered("Which **browser**?").await;
    assert!(asked.contains("with esmtpsa"), "over TLS, with the password: {asked}");
    assert_eq!(header(&asked, "From"), "Support <support@desk.example>");
    assert!(
        header(&asked, "Subject").ends_with(&format!("[{}]", ticket["number"].as_str().unwrap()))
    );

    let (id, subject) = (header(&asked, "Message-ID"), header(&asked, "Subject"));
    relay.hand_over(&format!(
        "From: purchasing@customer.example\r\nTo: support@desk.example\r\nSubject: {subject}\r\n\
         Message-ID: <1@customer.example>\r\nIn-Reply-To: {id}\r\n\r\nFirefox.\r\n\r\n> Which **browser**?\r\n"
    ));
    let mut said = Vec::new();
    for _ in 0..600 {
        said = coordinator.get(&notes).await.expect(200)["items"].as_array().unwrap().clone();
        if said.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(said.len(), 2, "{said:?} {}", relay.log());
    assert_eq!((&said[1]["body"], &said[1]["channel"]), (&json!("Firefox."), &json!("email")));
    assert_eq!(said[1]["author"]["role"], "contact");

    // The next answer is a part of the same thread for the customer's mail program.
    coordinator.post(&path(&ticket, "/notes"), json!({"body": "Thank you."})).await.expect(201);
    let answered = relay.delivered("Thank you.").await;
    assert_eq!(header(&answered, "In-Reply-To"), "<1@customer.example>");
    app.service.mailer.close();
    app.service.mailbox.close();
    workers.stop().await;
}
