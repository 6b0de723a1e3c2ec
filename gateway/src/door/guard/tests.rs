//! Tables of what the guard lets in and what it refuses.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use super::{Guard, Refusal, Unnamed};

fn guard() -> Guard {
    let hosts = ["gw.example.com".to_owned(), "Other.Example.org.".to_owned()];
    let origins = ["https://chat.example.com".to_owned(), "vscode-webview://abc".to_owned()];
    Guard::new(&hosts, &origins, Some("https://mcp.example.net/mcp")).unwrap()
}

fn host(host: &str) -> bool {
    guard().check(Some(host), None).is_ok()
}

fn origin(origin: &str) -> bool {
    guard().check(Some("localhost:9100"), Some(origin)).is_ok()
}

#[test]
fn local_names_addresses_and_named_hosts_are_let_in() {
    for name in [
        "localhost",
        "localhost:9100",
        "LOCALHOST.",
        "app.localhost:80",
        "127.0.0.1:9100",
        "127.0.0.1.",
        "8.8.8.8",
        "[::1]",
        "[::1]:9100",
        "[2001:DB8::1]:9100",
        "nas",
        "mcp_gateway:9100",
        "nas.local",
        "nas.home.arpa:",
        "gw.corp.internal",
        "nas.LAN",
        "gw.example.com",
        "GW.example.COM.:443",
        "other.example.org",
        "mcp.example.net",
    ] {
        assert!(host(name), "{name}");
    }
}

#[test]
fn any_other_host_is_refused() {
    for name in [
        "",
        ".",
        ":9100",
        "evil.example",
        "evil.example:9100",
        "example.com",
        "sub.gw.example.com",
        "gw.example.com.evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "notlocal.notlocalhost.com",
        "evil.example@localhost",
        "localhost@evil.example",
        "user:pass@localhost",
        "localhost/evil.example",
        "localhost#evil",
        "localhost?x",
        "localhost\\evil",
        "local host",
        "localhost, evil.example",
        "localhost..",
        "a..local",
        ".local",
        "localhost:port",
        "localhost:99999",
        "localhost:+80",
        "localhost:80:80",
        "::1",
        "[::1",
        "[::1]evil",
        "[::1%25eth0]",
        "[localhost]",
        "[127.0.0.1]",
        "0x7f.0.0.1",
        "lоcalhost.example",
    ] {
        assert!(!host(name), "{name}");
    }
    assert_eq!(guard().check(None, None), Err(Refusal::NoHost));
}

#[test]
fn pages_from_allowed_hosts_may_call() {
    for page in [
        "http://localhost:6274",
        "https://localhost",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
        "http://192.168.1.5:8080",
        "http://100.100.1.1",
        "http://[fd00::1]",
        "http://open-webui:8080",
        "http://nas.local",
        "https://gw.example.com:8443",
        "https://mcp.example.net",
        "https://chat.example.com",
        "HTTPS://Chat.Example.Com",
        "vscode-webview://abc",
    ] {
        assert!(origin(page), "{page}");
    }
    assert!(guard().check(Some("8.8.8.8:9100"), Some("http://8.8.8.8:9100")).is_ok());
}

#[test]
fn pages_from_elsewhere_may_not_call() {
    for page in [
        "null",
        "",
        "http://evil.example",
        "http://chat.example.com",
        "https://chat.example.com:8443",
        "https://chat.example.com.evil.example",
        "https://chat.example.com@evil.example",
        "http://localhost@evil.example",
        "http://localhost:80@evil.example",
        "http://8.8.8.8",
        "http://8.8.8.8:9100",
        "http://[2001:db8::1]",
        "http://[::ffff:8.8.8.8]",
        "chrome-extension://abcdef",
        "file://",
        "vscode-webview://abcd",
        "localhost",
        "//localhost",
        "http://localhost/path",
        "http://localhost http://evil.example",
    ] {
        assert!(!origin(page), "{page}");
    }
}

#[test]
fn a_refusal_names_the_flag_that_lets_the_request_in() {
    let refused = guard().check(Some("gw.evil.example:9100"), None).unwrap_err().to_string();
    assert!(refused.contains("`--allow-host gw.evil.example`"), "{refused}");
    let refused = guard().check(Some("localhost"), Some("http://evil.example")).unwrap_err().to_string();
    assert!(refused.contains("`--allow-origin http://evil.example`"), "{refused}");
}

#[test]
fn settings_that_are_no_names_are_refused_at_start() {
    let unnamed = |hosts: &[&str], origins: &[&str], url| {
        let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        Guard::new(&owned(hosts), &owned(origins), url).unwrap_err()
    };
    assert_eq!(unnamed(&["https://gw.example"], &[], None), Unnamed::Host("https://gw.example".into()));
    assert_eq!(unnamed(&[], &["gw.example"], None), Unnamed::Origin("gw.example".into()));
    assert_eq!(unnamed(&[], &[], Some("gw.example/mcp")), Unnamed::Origin("gw.example/mcp".into()));
}

#[test]
fn a_second_host_is_refused_wherever_it_stands() {
    let check = |uri: &'static str, fields: &[(HeaderName, &'static str)]| {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        guard().check_request(&Uri::from_static(uri), &headers)
    };
    assert_eq!(check("/mcp", &[(header::HOST, "localhost")]), Ok(()));
    assert_eq!(check("http://localhost/mcp", &[(header::HOST, "localhost")]), Ok(()));
    let twice = [(header::HOST, "localhost"), (header::HOST, "localhost")];
    assert_eq!(check("/mcp", &twice), Err(Refusal::Unreadable(header::HOST)));
    let foreign = check("http://evil.example/mcp", &[(header::HOST, "localhost")]);
    assert_eq!(foreign, Err(Refusal::Host("evil.example".into())));
    let origins = [(header::HOST, "localhost"), (header::ORIGIN, "http://localhost"), (header::ORIGIN, "null")];
    assert_eq!(check("/mcp", &origins), Err(Refusal::Unreadable(header::ORIGIN)));
}
