use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;

fn public() -> Guard {
    Guard::new(&[])
}

fn at(address: &str) -> SocketAddr {
    SocketAddr::new(address.parse().unwrap(), 0)
}

#[test]
fn no_special_address_is_public_however_it_is_written() {
    for address in [
        "127.0.0.1",
        "127.255.255.254",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.127.255.255",
        "0.0.0.0",
        "192.0.0.8",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2001::1",
        "2001:db8::1",
        "3fff::1",
        "100::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "fd00:ec2::254",
        "ff02::1",
        "5f00::1",
    ] {
        assert!(!public().permits(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn addresses_of_the_internet_are_public() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "198.17.0.1",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2a00:1450::1",
    ] {
        assert!(public().permits(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn the_networks_that_are_named_are_permitted_and_alone_without_encryption() {
    let guard = Guard::new(&["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()]);
    let permits = |guard: &Guard, address: &str| guard.permits(address.parse().unwrap());
    for address in ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1"] {
        assert!(permits(&guard, address) && permits(&guard.inside(), address), "{address}");
    }
    assert!(permits(&guard, "8.8.8.8") && !permits(&guard.inside(), "8.8.8.8"));
    for address in ["10.2.0.1", "127.0.0.1"] {
        assert!(!permits(&guard, address) && !permits(&guard.inside(), address), "{address}");
    }
}

#[test]
fn a_url_that_leads_inside_is_refused_however_it_is_written() {
    let check = |guard: &Guard, url: &str| guard.check(&Url::parse(url).unwrap());
    for url in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://017700000001/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "http://hooks.example/",
        "ftp://hooks.example/",
        "https://user:word@hooks.example/",
        "https://user@hooks.example/",
        "https://hooks.example/#part",
    ] {
        assert!(check(&public(), url).is_err(), "{url}");
    }
    for url in ["https://hooks.example/a?b=c", "https://8.8.8.8:8443/"] {
        assert_eq!(check(&public(), url), Ok(()), "{url}");
    }
    let guard = Guard::new(&["10.0.0.0/8".parse().unwrap()]);
    assert_eq!(check(&guard, "http://10.1.1.1/"), Ok(()));
    assert_eq!(check(&guard, "http://inside.example/"), Ok(()));
    assert!(check(&guard, "http://8.8.8.8/").is_err());
}

#[actix_web::test]
async fn a_name_with_one_address_inside_is_refused_as_a_whole() {
    let lookup: Lookup = |_| async { Ok(vec![at("8.8.8.8"), at("10.0.0.1")]) }.boxed();
    let error = Guard { lookup, ..public() }.addresses("mixed.example".into()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    let lookup: Lookup = |_| async { Ok(Vec::new()) }.boxed();
    assert!(Guard { lookup, ..public() }.addresses("nowhere.example".into()).await.is_err());
}

/// The name has a public address when it is looked at, and leads to this machine a moment later.
#[actix_web::test]
async fn a_name_that_changes_its_address_reaches_nothing_inside() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let lookup: Lookup = |_| {
        async {
            match ASKED.fetch_add(1, Ordering::SeqCst) {
                0 => Ok(vec![at("8.8.8.8")]),
                _ => Ok(vec![at("127.0.0.1")]),
            }
        }
        .boxed()
    };
    let guard = Guard { lookup, ..public() };
    assert!(guard.clone().addresses("rebind.example".into()).await.is_ok());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let client = reqwest::Client::builder().dns_resolver(Arc::new(guard)).no_proxy();
    let client = client.timeout(Duration::from_secs(5)).build().unwrap();
    let port = listener.local_addr().unwrap().port();
    let error = client.get(format!("http://rebind.example:{port}/")).send().await.unwrap_err();
    assert!(format!("{error:?}").contains("is not a public address"), "{error:?}");
    assert_eq!(ASKED.load(Ordering::SeqCst), 2);
    assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
}
