//! A real mailbox: Dovecot with a configuration, a certificate and a port of its own.
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use casebridge::config::Config;
use casebridge::kernel::Secret;

use crate::support::free_port;

pub const PASSWORD: &str = "secret";

/// Stopped, with everything that it kept, when it is dropped.
pub struct MailServer {
    pub port: u16,
    pub folder: PathBuf,
    child: Option<Child>,
    delivered: AtomicU32,
    /// Who owns the mails: Dovecot refuses to read any as root.
    pub owner: (u32, u32),
}

impl MailServer {
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// With more lines in its configuration.
    pub async fn start_with(more: &str) -> Self {
        // Short, because sockets are in it; and where another account can go.
        let folder = std::env::temp_dir().join(format!("mail-{}", free_port()));
        for part in ["", "run", "home", "mail", "mail/cur", "mail/new", "mail/tmp"] {
            fs::create_dir(folder.join(part)).unwrap();
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        make_certificate(&folder);
        let own = fs::metadata(&folder).unwrap();
        let is_root = own.uid() == 0;
        let owner = if is_root { (65_534, 65_534) } else { (own.uid(), own.gid()) };
        for part in ["home", "mail", "mail/cur", "mail/new", "mail/tmp"] {
            chown(folder.join(part), Some(owner.0), Some(owner.1)).unwrap();
        }
        let port = free_port();
        let text = configuration(&folder, port, owner, is_root) + more;
        fs::write(folder.join("dovecot.conf"), text).unwrap();
        let delivered = AtomicU32::new(0);
        let mut server = Self { port, folder, child: None, delivered, owner };
        server.run().await;
        server
    }

    /// Starts it on what it kept.
    pub async fn run(&mut self) {
        let program =
            if Path::new("/usr/sbin/dovecot").exists() { "/usr/sbin/dovecot" } else { "dovecot" };
        let mut command = Command::new(program);
        command.arg("-F").arg("-c").arg(self.folder.join("dovecot.conf"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let spawned = command.spawn();
        self.child = Some(spawned.expect("Dovecot is missing: scripts/setup.sh installs it"));
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("Dovecot does not start: {}", fs::read_to_string(self.folder.join("log")).unwrap());
    }

    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Its own processes end with it.
            let kill = format!("kill -TERM {}", child.id());
            Command::new("sh").args(["-c", &kill]).status().unwrap();
            child.wait().unwrap();
        }
    }

    /// Puts a mail into the mailbox as a mail transfer agent does: written whole, then moved.
    pub fn deliver(&self, raw: &[u8]) {
        let name = format!("{}.desk", self.delivered.fetch_add(1, Ordering::Relaxed));
        let written = self.folder.join("mail/tmp").join(&name);
        fs::write(&written, raw).unwrap();
        chown(&written, Some(self.owner.0), Some(self.owner.1)).unwrap();
        fs::rename(written, self.folder.join("mail/new").join(name)).unwrap();
    }

    /// Numbers all mails anew, as after a restored backup. It must be stopped.
    pub fn number_anew(&self) {
        for entry in fs::read_dir(self.folder.join("mail")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::remove_file(path).unwrap();
            }
        }
        // The new number is the time of its making.
        std::thread::sleep(Duration::from_millis(1100));
    }

    /// The mails that are marked as read.
    pub fn read(&self) -> usize {
        let names = fs::read_dir(self.folder.join("mail/cur")).unwrap();
        names
            .filter(|entry| entry.as_ref().unwrap().path().to_string_lossy().ends_with('S'))
            .count()
    }

    /// The configuration that reads this mailbox.
    pub fn configure(&self, config: &mut Config) {
        config.imap_server = Some(format!("127.0.0.1:{}", self.port));
        config.imap_user = Some("support".into());
        config.imap_password = Some(Secret::new(PASSWORD));
        config.imap_ca_file = Some(self.folder.join("certificate.pem"));
    }

    /// The same for a process.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let certificate = self.folder.join("certificate.pem").to_string_lossy().into_owned();
        vec![
            ("CASEBRIDGE_IMAP_SERVER", format!("127.0.0.1:{}", self.port)),
            ("CASEBRIDGE_IMAP_USER", "support".into()),
            ("CASEBRIDGE_IMAP_PASSWORD", PASSWORD.into()),
            ("CASEBRIDGE_IMAP_CA_FILE", certificate),
        ]
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn make_certificate(folder: &Path) {
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=mailbox",
    ]);
    openssl.args(["-addext", "subjectAltName=IP:127.0.0.1"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.arg("-keyout").arg(folder.join("key.pem"));
    openssl.arg("-out").arg(folder.join("certificate.pem"));
    assert!(openssl.stderr(Stdio::null()).status().unwrap().success());
}

fn configuration(folder: &Path, port: u16, (uid, gid): (u32, u32), is_root: bool) -> String {
    let folder = folder.display();
    let name = |of: &str| {
        let output = Command::new("id").arg(of).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let accounts = match is_root {
        true => String::new(),
        false => format!(
            "default_internal_user = {user}\ndefault_login_user = {user}\ndefault_internal_group = {group}\n",
            user = name("-un"),
            group = name("-gn"),
        ),
    };
    format!(
        "base_dir = {folder}/run\nlog_path = {folder}/log\nprotocols = imap\nlisten = 127.0.0.1\nssl = required
ssl_cert = <{folder}/certificate.pem\nssl_key = <{folder}/key.pem\nmail_location = maildir:{folder}/mail
first_valid_uid = 1\n{accounts}passdb {{\n  driver = static\n  args = password={password}\n}}
userdb {{\n  driver = static\n  args = uid={uid} gid={gid} home={folder}/home\n}}
service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = 0\n  }}
  inet_listener imaps {{\n    port = {port}\n  }}\n}}\nservice anvil {{\n  chroot =\n}}\n",
        password = PASSWORD,
    )
}
