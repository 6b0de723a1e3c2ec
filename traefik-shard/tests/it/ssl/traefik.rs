//! Certificates as the real Traefik shows them.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::support::{Closed, Lab, LabOptions, Launch, Shard};

/// A router of one host on `websecure`.
fn secure(host: &str, tls: &Value) -> Value {
    json!({"rule": format!("Host(`{host}`)"), "entryPoints": ["websecure"], "service": "human", "tls": tls})
}

/// A laboratory with one more file.
async fn lab_with(file: Value) -> Lab {
    let files = vec![("more.yml".to_owned(), file.to_string())];
    Lab::start(LabOptions { files, ..LabOptions::default() }).await
}

/// The part of the report about one host.
fn about<'a>(report: &'a Value, host: &str) -> &'a Value {
    let found = report["hosts"].as_array().unwrap().iter().find(|status| status["host"] == host);
    found.unwrap_or_else(|| panic!("no {host} in {report:#}"))
}

#[tokio::test]
async fn every_host_of_the_tls_routers_gets_its_verdict() {
    let lab = lab_with(json!({
        "http": {"routers": {
            "bare": secure("bare.lab.test", &json!({})),
            "ghostly": secure("ghostly.lab.test", &json!({"certResolver": "ghost", "domains": [{"main": "domain.lab.test"}]})),
            "wild": secure("*.wild.lab.test", &json!({})),
            "both": {"rule": "Host(`both.wild.lab.test`)", "entryPoints": ["web", "websecure"], "service": "human", "tls": {}},
            "wide": {"rule": "PathPrefix(`/wide`)", "entryPoints": ["websecure"], "service": "human", "tls": {}},
        }},
        "tcp": {"routers": {"through": {
            "rule": "HostSNI(`through.lab.test`)", "entryPoints": ["tcp"], "service": "raw", "tls": {"passthrough": true},
        }}},
    }))
    .await;
    let shard = Shard::start(&lab.shard().flags(&["--request-timeout", "2s"])).await;
    let outcome = shard.call("check_ssl_status", json!({})).await;
    assert!(outcome.text.contains("wide@file"), "{}", outcome.text);
    let report = outcome.done();
    assert_eq!(report["counts"], json!({"default_cert": 3, "ok": 4, "unreachable": 1}), "{report:#}");

    let secure = about(&report, "secure.lab.test");
    assert_eq!((&secure["verdict"], &secure["entry_point"]), (&json!("ok"), &json!("websecure")));
    assert_eq!(secure["routers"], json!([{"name": "secure@file"}]));
    assert_eq!((&secure["certificate"]["in_api"], &secure["certificate"]["self_signed"]), (&json!(true), &json!(true)));
    assert_eq!(report["certificates"][0]["sha256"], secure["certificate"]["sha256"]);
    assert_eq!(about(&report, "*.wild.lab.test")["probed_as"], "mcp-tls-check.wild.lab.test");

    let both = report["hosts"].as_array().unwrap().iter().filter(|status| status["host"] == "both.wild.lab.test");
    let mut points: Vec<_> = both.map(|status| status["entry_point"].as_str().unwrap()).collect();
    points.sort_unstable();
    assert_eq!(points, ["web", "websecure"]);

    let bare = about(&report, "bare.lab.test");
    assert_eq!((&bare["verdict"], &bare["certificate"]["in_api"]), (&json!("default_cert"), &json!(false)));
    for host in ["ghostly.lab.test", "domain.lab.test"] {
        let ghostly = about(&report, host);
        assert_eq!(
            (&ghostly["verdict"], &ghostly["routers"][0]["cert_resolver"]),
            (&json!("default_cert"), &json!("ghost"))
        );
        assert!(ghostly["hint"].as_str().unwrap().contains("`ghost`"), "{ghostly:#}");
    }
    // What stands behind the passed-through connection speaks plain HTTP.
    let through = about(&report, "through.lab.test");
    assert_eq!((&through["verdict"], &through["routers"][0]["passthrough"]), (&json!("unreachable"), &json!(true)));
    assert!(through["hint"].as_str().unwrap().contains("backend"), "{through:#}");

    // A router without a host serves every host.
    let report = shard.call("check_ssl_status", json!({"domain": "any.lab.test"})).await.done();
    let any = about(&report, "any.lab.test");
    assert_eq!((&any["verdict"], &any["routers"]), (&json!("default_cert"), &json!([{"name": "wide@file"}])));
    shard.end().await;
}

#[tokio::test]
async fn a_host_without_a_tls_router_is_told_why() {
    let lab = lab_with(json!({"http": {"routers": {"broken": {
        "rule": "Host(`broken.lab.test`)", "entryPoints": ["websecure"], "service": "nobody", "tls": {},
    }}}}))
    .await;
    let shard = Shard::start(&lab.shard()).await;
    let cases = [
        ("human.lab.test", "its router `human@file` does no TLS"),
        ("broken.lab.test", "its router `broken@file` is disabled: the service \"nobody@file\" does not exist"),
        ("missing.lab.test", "no router has this host"),
        ("*.lab.test", "no router has this host"),
    ];
    for (host, reason) in cases {
        let outcome = shard.call("check_ssl_status", json!({"domain": host})).await;
        assert!(outcome.text.contains("no_tls_router"), "{}", outcome.text);
        let report = outcome.done();
        let status = about(&report, host);
        assert_eq!((&status["verdict"], &status["reason"]), (&json!("no_tls_router"), &json!(reason)));
    }
    shard.end().await;
}

#[tokio::test]
async fn strict_sni_is_named_as_the_reason() {
    let lab = lab_with(json!({
        "http": {"routers": {"bare": secure("bare.lab.test", &json!({}))}},
        "tls": {"options": {"default": {"sniStrict": true}}},
    }))
    .await;
    let shard = Shard::start(&lab.shard()).await;
    let report = shard.call("check_ssl_status", json!({"domains": ["bare.lab.test", "secure.lab.test"]})).await.done();
    let bare = about(&report, "bare.lab.test");
    assert_eq!(bare["verdict"], "unreachable");
    let reason = bare["reason"].as_str().unwrap();
    assert!(reason.contains("`sniStrict` is on") && reason.contains("`unrecognized_name`"), "{reason}");
    assert_eq!(about(&report, "secure.lab.test")["verdict"], "ok");
    shard.end().await;
}

#[tokio::test]
async fn a_default_certificate_of_the_operator_is_a_mismatch_where_it_does_not_cover() {
    let lab = lab_with(json!({"http": {"routers": {"bare": secure("bare.lab.test", &json!({}))}}})).await;
    lab.write_certificate("fallback", &["fallback.lab.test"]);
    let (cert, key) = (lab.certs_dir().join("fallback.pem"), lab.certs_dir().join("fallback.key"));
    let store = json!({"tls": {"stores": {"default": {"defaultCertificate": {"certFile": cert, "keyFile": key}}}}});
    lab.write("store.yml", store.to_string());
    let shard = Shard::start(&lab.shard()).await;
    let ask = async || shard.call("check_ssl_status", json!({"domain": "bare.lab.test"})).await.done();
    let status = lab.until("the operator's certificate is shown", async |_| {
        let status = about(&ask().await, "bare.lab.test").clone();
        (status["verdict"] == "name_mismatch").then_some(status)
    });
    assert!(status.await["reason"].as_str().unwrap().contains("fallback.lab.test"));
    shard.end().await;
}

#[tokio::test]
async fn without_a_handshake_the_api_decides() {
    let lab = lab_with(json!({"http": {"routers": {"bare": secure("bare.lab.test", &json!({}))}}})).await;
    let shard = Shard::start(&lab.shard()).await;
    let report = shard.call("check_ssl_status", json!({"handshake": false})).await.done();
    assert_eq!(report["counts"], json!({"ok": 1, "unknown": 1}), "{report:#}");
    let secure = about(&report, "secure.lab.test");
    assert!(secure["certificate"].is_null() && secure["address"].is_null(), "{secure:#}");
    assert!(secure["reason"].as_str().unwrap().contains("as the API tells"), "{secure:#}");
    shard.end().await;
}

#[tokio::test]
async fn the_address_is_the_callers_or_the_operators() {
    let mut lab = Lab::start(LabOptions::default()).await;
    let address = format!("127.0.0.1:{}", lab.port("websecure"));
    let nowhere: Launch = lab.shard().variable("TRAEFIK_TLS_ADDRESS", "127.0.0.1:1");
    let shard = Shard::start(&nowhere).await;
    let asked = json!({"domain": "secure.lab.test"});
    let report = shard.call("check_ssl_status", asked.clone()).await.done();
    assert_eq!(report["hosts"][0]["address"], "127.0.0.1:1");
    assert_eq!(report["hosts"][0]["verdict"], "unreachable");
    let report = shard.call("check_ssl_status", json!({"domain": "secure.lab.test", "address": address})).await.done();
    assert_eq!(report["hosts"][0]["verdict"], "ok", "{report:#}");
    let web = format!("127.0.0.1:{}", lab.port("web"));
    let report = shard.call("check_ssl_status", json!({"domain": "human.lab.test", "address": web})).await.done();
    assert_eq!(report["hosts"][0]["verdict"], "no_tls_router", "{report:#}");
    lab.stop();
    let report = shard.call("check_ssl_status", asked).await.done();
    assert_eq!(report["hosts"][0]["verdict"], "unreachable", "{report:#}");
    shard.call("check_ssl_status", json!({})).await.failed("api_unreachable");
    shard.end().await;
}

#[tokio::test]
async fn even_an_entry_point_without_tls_routers_shows_traefiks_default() {
    let lab = Lab::start(LabOptions::default()).await;
    let nobody = Closed::new();
    let shard = Shard::start(&Launch::default().variable("TRAEFIK_API_URL", nobody.url())).await;
    let web = format!("127.0.0.1:{}", lab.port("web"));
    let report = shard.call("check_ssl_status", json!({"domain": "human.lab.test", "address": web})).await.done();
    let status = about(&report, "human.lab.test");
    assert_eq!(status["verdict"], "default_cert", "{report:#}");
    // Without the API nobody knows whether a router serves the host at all.
    assert!(status["hint"].as_str().unwrap().contains("whether a router"), "{report:#}");
    shard.end().await;
}

#[tokio::test]
async fn a_traefik_that_lists_no_certificates_is_asked_by_handshake_alone() {
    let lab = Lab::start(LabOptions::default()).await;
    let older = Older::start(&lab).await;
    let address = format!("127.0.0.1:{}", lab.port("websecure"));
    let shard = Shard::start(&lab.shard().variable("TRAEFIK_API_URL", older.url())).await;
    let outcome = shard.call("check_ssl_status", json!({"address": address})).await;
    assert!(outcome.text.contains("needs Traefik 3.7 or newer"), "{}", outcome.text);
    let report = outcome.done();
    assert_eq!(about(&report, "secure.lab.test")["verdict"], "ok", "{report:#}");
    assert!(report["certificates"].is_null() && report["hosts"][0]["certificate"]["in_api"].is_null(), "{report:#}");
    let report = shard.call("check_ssl_status", json!({"handshake": false})).await.done();
    assert_eq!(about(&report, "secure.lab.test")["verdict"], "unknown", "{report:#}");
    shard.end().await;
}

/// The real API without its list of certificates, as it was before 3.7.
struct Older {
    port: u16,
    _tasks: JoinSet<()>,
}

impl Older {
    async fn start(lab: &Lab) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (port, real) = (listener.local_addr().unwrap().port(), lab.port("traefik"));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                forward(stream, real).await;
            }
        });
        Self { port, _tasks: tasks }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/api", self.port)
    }
}

/// Answers one request: a certificate list is not found, all else is what the real API says.
async fn forward(mut client: TcpStream, real: u16) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if !matches!(client.read_buf(&mut head).await, Ok(1..)) {
            return;
        }
    }
    let path = String::from_utf8(head).unwrap().split(' ').nth(1).unwrap().to_owned();
    let mut answer = b"HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n404 page not found\n".to_vec();
    if !path.starts_with("/api/certificates") {
        let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, real)).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: traefik\r\nconnection: close\r\n\r\n");
        server.write_all(request.as_bytes()).await.unwrap();
        answer.clear();
        server.read_to_end(&mut answer).await.unwrap();
    }
    client.write_all(&answer).await.unwrap();
    client.shutdown().await.unwrap();
}
