//! The client against servers that misbehave.

use std::path::Path;

use serde_json::json;

use super::fake::{Act, Fake, VERSION, answer, json, not_found, settings};
use super::*;
use crate::failure::Code;

/// Whether the request is a GET of that path.
fn asks(head: &str, path: &str) -> bool {
    head.starts_with(&format!("GET {path} HTTP/1.1"))
}

async fn refusal(fake: &Fake, flags: &[&str]) -> (Code, String) {
    let failure = fake.api(flags).version().await.unwrap_err();
    (failure.code(), failure.to_string())
}

#[tokio::test]
async fn base_is_found_with_and_without_api_and_below_a_prefix() {
    for (served, configured) in [
        ("/api", "/api"),
        ("/api", ""),
        ("/api", "/"),
        ("/api", "/api/"),
        ("/traefik/api", "/traefik"),
        ("/traefik/api", "/traefik/api"),
    ] {
        let version = format!("{served}/version");
        let fake = Fake::start(move |head| if asks(head, &version) { json(VERSION) } else { not_found() }).await;
        let api = Api::new(&settings(&format!("{}{configured}", fake.url), &[])).unwrap();
        assert_eq!(api.version().await.unwrap().version, "3.7.15", "{configured} for {served}");
    }
}

#[tokio::test]
async fn base_that_answered_is_asked_first_until_it_is_gone() {
    let moved = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let moves = moved.clone();
    let fake = Fake::start(move |head| {
        let there = if moves.load(std::sync::atomic::Ordering::Relaxed) { "/api/version" } else { "/version" };
        if asks(head, there) { json(VERSION) } else { not_found() }
    })
    .await;
    let api = Api::new(&settings(&fake.url, &[])).unwrap();
    api.version().await.unwrap();
    api.version().await.unwrap();
    assert_eq!(fake.seen().len(), 3, "the search, then two answers");
    moved.store(true, std::sync::atomic::Ordering::Relaxed);
    api.version().await.unwrap();
}

#[tokio::test]
async fn refused_port_names_the_url_the_cause_and_the_setting() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://user:geheim@{}/api", listener.local_addr().unwrap());
    drop(listener);
    let failure = Api::new(&settings(&url, &[])).unwrap().version().await.unwrap_err();
    assert_eq!(failure.code(), Code::ApiUnreachable);
    let text = failure.to_string();
    assert!(text.contains("/api/version") && text.contains("refused") && text.contains("TRAEFIK_API_URL"), "{text}");
    assert!(!text.contains("geheim"), "{text}");
}

#[tokio::test]
async fn silent_server_ends_in_the_request_timeout() {
    let fake = Fake::start(|_| Act::Hang).await;
    let (code, text) = refusal(&fake, &["--request-timeout", "200ms"]).await;
    assert_eq!(code, Code::ApiUnreachable);
    assert!(text.contains("within 200ms") && text.contains("TRAEFIK_REQUEST_TIMEOUT"), "{text}");
}

#[tokio::test]
async fn wrong_password_is_unauthorized_and_never_shown() {
    let fake = Fake::start(|_| answer("401 Unauthorized", "text/plain", "401 Unauthorized")).await;
    let (code, text) = refusal(&fake, &[]).await;
    assert_eq!(code, Code::ApiUnauthorized);
    assert!(text.contains("TRAEFIK_API_PASSWORD_FILE"), "{text}");
    let (_, text) = refusal(&fake, &["--api-user", "ops", "--api-password", "geheim"]).await;
    assert!(text.contains("`ops`") && !text.contains("geheim"), "{text}");
    let last = fake.seen().pop().unwrap().to_lowercase();
    assert!(last.contains("authorization: basic b3bzomdlagvpbq=="), "{last}");
}

#[tokio::test]
async fn a_403_tells_whether_traefik_or_something_else_refuses() {
    let fake = Fake::start(|_| answer("403 Forbidden", "text/plain; charset=utf-8", "Forbidden\n")).await;
    let (code, text) = refusal(&fake, &["--api-user", "ops", "--api-password", "geheim"]).await;
    assert_eq!(code, Code::ApiUnauthorized);
    assert!(text.contains("ipAllowList") && !text.contains("API_USER"), "{text}");
    let page = "<html>Access denied by http://u:geheim@proxy</html>";
    let fake = Fake::start(move |_| answer("403 Forbidden", "text/html", page)).await;
    let (code, text) = refusal(&fake, &[]).await;
    assert_eq!(code, Code::ApiError);
    assert!(text.contains("Access denied") && text.contains("proxy") && text.contains("TRAEFIK_API_URL"), "{text}");
    assert!(!text.contains("geheim"), "{text}");
}

#[tokio::test]
async fn changed_password_file_is_used_by_the_next_request() {
    let fake = Fake::start(|head| {
        let good = head.contains("Basic dTp0d28=") || head.contains("basic dTp0d28=");
        if good { json(VERSION) } else { answer("401 Unauthorized", "text/plain", "no") }
    })
    .await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "one\n").unwrap();
    let api = fake.api(&["--api-user", "u", "--api-password-file", file.path().to_str().unwrap()]);
    assert_eq!(api.version().await.unwrap_err().code(), Code::ApiUnauthorized);
    std::fs::write(file.path(), "two\n").unwrap();
    api.version().await.unwrap();
    std::fs::remove_file(file.path()).unwrap();
    let gone = api.version().await.unwrap_err();
    assert_eq!(gone.code(), Code::IoError, "{gone}");
}

#[tokio::test]
async fn unknown_path_is_told_from_an_unknown_name() {
    let fake = Fake::start(|head| {
        if asks(head, "/api/version") {
            return json(VERSION);
        }
        match head.contains("/http/middlewares/") {
            true => {
                answer("404 Not Found", "text/plain; charset=utf-8", r#"{"message":"middleware not found: x@file"}"#)
            }
            false => not_found(),
        }
    })
    .await;
    let api = fake.api(&[]);
    assert!(api.http_middleware("x@file").await.unwrap().is_none());
    assert!(api.certificates().await.unwrap().is_none());
    assert_eq!(api.overview().await.unwrap_err().code(), Code::ApiNotFound);
}

#[tokio::test]
async fn odd_names_are_percent_encoded() {
    let fake = Fake::start(|head| if asks(head, "/api/version") { json(VERSION) } else { json("{}") }).await;
    fake.api(&["--api-host", "traefik.test"]).http_middleware("a/b c#d?%é@file").await.unwrap();
    let last = fake.seen().pop().unwrap();
    assert!(last.starts_with("GET /api/http/middlewares/a%2Fb%20c%23d%3F%25%C3%A9@file HTTP/1.1"), "{last}");
    assert!(last.to_lowercase().contains("\r\nhost: traefik.test\r\n"), "{last}");
}

#[tokio::test]
async fn page_of_something_else_is_quoted_without_its_secrets() {
    let fake = Fake::start(|_| {
        let page = "<!doctype html>\n<title>Router</title> see http://root:geheim@host/";
        answer("200 OK", "text/html", page)
    })
    .await;
    let (code, text) = refusal(&fake, &[]).await;
    assert_eq!(code, Code::ApiError);
    assert!(text.contains("text/html") && text.contains("<title>Router</title>") && !text.contains("geheim"), "{text}");
}

#[tokio::test]
async fn wrong_json_server_errors_and_broken_answers_are_api_errors() {
    let cut = || Act::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{\"Version\":".to_vec());
    let junk = || Act::Send(b"SSH-2.0-something\r\n".to_vec());
    type Case = (&'static str, fn() -> Act, Code);
    let cases: [Case; 6] = [
        ("another shape", || json(r#"{"hello":"geheim"}"#), Code::ApiError),
        ("ends too early", || json(r#"{"Version":"#), Code::ApiError),
        ("status 502", || answer("502 Bad Gateway", "text/html", "<h1>Bad gateway</h1>"), Code::ApiError),
        ("broke off", cut, Code::ApiError),
        ("invalid HTTP", junk, Code::ApiUnreachable),
        ("status 403", || answer("403 Forbidden", "text/plain", "Forbidden"), Code::ApiUnauthorized),
    ];
    for (expected, act, expected_code) in cases {
        let fake = Fake::start(move |_| act()).await;
        let (code, text) = refusal(&fake, &[]).await;
        assert_eq!(code, expected_code, "{text}");
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[tokio::test]
async fn redirect_to_another_server_is_named_and_not_followed() {
    let other = Fake::start(|_| json(VERSION)).await;
    let target = format!("{}/login?token=geheim", other.url);
    let fake = Fake::start(move |_| {
        Act::Send(format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n").into())
    })
    .await;
    let (code, text) = refusal(&fake, &[]).await;
    assert_eq!(code, Code::ApiError);
    assert!(text.contains(&other.url) && !text.contains("geheim"), "{text}");
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn answer_beyond_the_cap_is_refused_and_five_mib_are_not() {
    let endless = Fake::start(|_| Act::Flood(b"HTTP/1.1 200 OK\r\n\r\n{".to_vec())).await;
    let (code, text) = refusal(&endless, &["--api-max-mib", "1"]).await;
    assert_eq!(code, Code::ApiError);
    assert!(text.contains("larger than 1 MiB") && text.contains("TRAEFIK_API_MAX_MIB"), "{text}");

    let filler = "x".repeat(5 * 1024 * 1024);
    let big = format!(r#"{{"routers":{{"a@file":{{"rule":"{filler}"}}}}}}"#);
    let fake = Fake::start(move |head| if asks(head, "/api/version") { json(VERSION) } else { json(&big) }).await;
    assert_eq!(fake.api(&[]).raw().await.unwrap().routers["a@file"].rule.len(), filler.len());
}

#[tokio::test]
async fn snapshot_that_is_too_large_is_read_page_by_page() {
    let fake = Fake::start(|head| {
        let page = |next: u32, names: &[&str]| {
            let items: Vec<_> =
                names.iter().map(|name| json!({"name": name, "rule": "Host(`a`)", "status": "enabled"})).collect();
            let body = json!(items).to_string();
            let length = body.len();
            Act::Send(
                format!("HTTP/1.1 200 OK\r\nX-Next-Page: {next}\r\nContent-Length: {length}\r\n\r\n{body}").into(),
            )
        };
        match head.split_whitespace().nth(1).unwrap() {
            "/api/version" => json(VERSION),
            "/api/rawdata" => Act::Flood(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
            "/api/http/routers?page=1&per_page=1000" => page(2, &["a@file", "b@file"]),
            "/api/http/routers?page=2&per_page=1000" => page(1, &["b@file", "c@file"]),
            _ => page(1, &[]),
        }
    })
    .await;
    let snapshot = fake.api(&["--api-max-mib", "1"]).raw().await.unwrap();
    assert_eq!(snapshot.routers.keys().collect::<Vec<_>>(), ["a@file", "b@file", "c@file"]);
    assert!(snapshot.services.is_empty());
}

#[tokio::test]
async fn list_whose_pages_never_end_is_given_up() {
    let fake = Fake::start(|head| {
        let path = head.split_whitespace().nth(1).unwrap();
        if path == "/api/version" {
            return json(VERSION);
        }
        let page: u32 =
            path.split_once("page=").map_or(0, |(_, rest)| rest.split('&').next().unwrap().parse().unwrap());
        let body = r#"[{"name": "a", "address": ":80"}]"#;
        let head = format!("HTTP/1.1 200 OK\r\nX-Next-Page: {}\r\nContent-Length: {}", page + 1, body.len());
        Act::Send(format!("{head}\r\n\r\n{body}").into())
    })
    .await;
    let asked = || fake.seen().len();
    assert_eq!(fake.api(&[]).entry_points().await.map(|points| points.len()).ok(), Some(1));
    assert!(asked() <= 202, "{}", asked());
}

#[test]
fn odd_fields_never_fail() {
    let snapshot: Snapshot = serde_json::from_value(json!({
        "news": 1, "tcpRouters": null,
        "routers": {"a@file": {"priority": u64::MAX, "error": null, "using": null, "tls": {"news": {}}}},
        "services": {"s@file": {"weighted": {"services": null}, "usedBy": null, "loadBalancer": {"servers": null}}},
        "middlewares": {"m@file": {"plugin": {"x": {"y": 1}}, "status": "enabled"}},
    }))
    .unwrap();
    assert_eq!(snapshot.routers["a@file"].priority, Some(i64::MAX));
    assert!(snapshot.services["s@file"].weighted.is_some());
}

#[test]
fn captured_answers_of_the_real_traefik_parse_where_they_are_at_hand() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/traefik/api");
    let Ok(raw) = std::fs::read(folder.join("rawdata.json")) else { return };
    let snapshot: Snapshot = serde_json::from_slice(&raw).unwrap();
    assert_eq!((snapshot.routers.len(), snapshot.services.len(), snapshot.tcp_routers.len()), (21, 12, 2));
    assert_eq!(snapshot.services["app@file"].server_status["http://127.0.0.1:19009"], "DOWN");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let entry_points: Vec<EntryPoint> = serde_json::from_slice(&read("entrypoints.json")).unwrap();
    assert!(entry_points.iter().any(|entry| entry.name == "udpep" && entry.address.ends_with("/udp")));
    let certificates: Vec<Certificate> = serde_json::from_slice(&read("certificates.json")).unwrap();
    assert_eq!(certificates[0].issuer_cn, "Lab CA");
    assert_eq!(serde_json::from_slice::<Version>(&read("version.json")).unwrap().version, "3.7.15");
}

#[test]
fn settings_that_cannot_be_right_are_refused_at_the_start() {
    for (url, flags, expected) in [
        ("http://h/", &["--api-password", "p"][..], "TRAEFIK_API_USER"),
        ("http://h/", &["--api-user", "u", "--api-password-file", "/nonexistent"][..], "/nonexistent"),
        ("https://h/", &["--api-ca", "/nonexistent"][..], "TRAEFIK_API_CA"),
        ("http://h/", &["--api-host", "a\nb"][..], "TRAEFIK_API_HOST"),
    ] {
        let error = Api::new(&settings(url, flags)).err().map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
