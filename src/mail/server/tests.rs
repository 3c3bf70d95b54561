use super::*;
use crate::kernel::Secret;

fn config(url: &str) -> Config {
    Config {
        smtp_url: Some(url.to_owned()),
        mail_from: Some("Support <support@desk.example>".to_owned()),
        ..Config::default()
    }
}

fn fails(config: &Config) -> String {
    match Server::new(config) {
        Ok(_) => panic!("it is accepted"),
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn no_server_is_configured_unless_somebody_does() {
    assert!(Server::new(&Config::default()).unwrap().is_none());
}

#[test]
fn what_is_not_said_otherwise_is_encrypted() {
    let server = |url| Server::new(&config(url)).unwrap().unwrap();
    let tls = server("smtps://mail.example");
    assert!(matches!(tls.security, Security::Implicit(_)) && tls.port == 465);
    let starttls = server("smtp://mail.example");
    assert!(matches!(starttls.security, Security::Required(_)) && starttls.port == 587);
    assert!(matches!(server("smtp://mail.example?tls=offered").security, Security::Offered(_)));
    let plain = server("smtp://[::1]:2525?tls=none");
    assert!(matches!(plain.security, Security::None));
    assert_eq!(
        (plain.host.as_str(), plain.port, plain.domain.as_str()),
        ("::1", 2525, "desk.example")
    );
}

#[test]
fn a_configuration_that_cannot_work_or_would_tell_a_secret_is_refused() {
    for url in ["mail.example", "http://mail.example", "smtp://mail.example?tls=no", "smtps://"] {
        assert!(fails(&config(url)).contains("smtp_url"), "{url}");
    }
    assert!(fails(&config("smtps://me:secret@mail.example")).contains("smtp_username"));
    let of = |url: &str| Config {
        smtp_username: Some("me".into()),
        smtp_password: Some(Secret::new("secret")),
        ..config(url)
    };
    assert!(fails(&of("smtp://mail.example?tls=offered")).contains("without encryption"));
    assert!(Server::new(&of("smtp://127.0.0.1:25?tls=none")).is_ok());
    assert!(fails(&Config { smtp_password: None, ..of("smtps://a.example") }).contains("together"));
    assert!(
        fails(&Config { mail_from: None, ..config("smtps://a.example") }).contains("mail_from")
    );
    let domain = Config { mail_domain: Some("a b".into()), ..config("smtps://a.example") };
    assert!(fails(&domain).contains("mail_domain"));
}

#[test]
fn a_mail_ends_with_its_dot_and_no_line_of_it_does_so_sooner() {
    assert_eq!(data("a\r\n.\r\n..b\r\n"), "a\r\n..\r\n...b\r\n.\r\n");
    assert_eq!(data(".a"), "..a\r\n.\r\n");
    assert_eq!(data(""), "\r\n.\r\n");
}
