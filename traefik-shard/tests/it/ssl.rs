//! `check_ssl_status`: each verdict against a real TLS server, and against the real Traefik.
//!
//! Invariant: no server but those of the test is asked.

mod listener;
mod traefik;

use std::sync::Arc;

use rcgen::{CustomExtension, SanType};
use rustls::ALL_VERSIONS;
use rustls::version::{TLS12, TLS13};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use self::listener::{Act, Listener, Made, Wants, common_name, config, days, made, made_with, without_certificate};
use crate::support::{Closed, Launch, Shard};

/// A shard whose Traefik is not there, with short waits.
async fn alone(api: &Closed) -> Shard {
    let launch = Launch::default().variable("TRAEFIK_API_URL", api.url());
    Shard::start(&launch.flags(&["--connect-timeout", "2s", "--request-timeout", "2s"])).await
}

/// Shows one certificate to one question; returns the host's part of the result, and the text.
async fn look(certificate: &Made, question: Value) -> (Value, String) {
    let act = Act::Tls(config(ALL_VERSIONS, vec![certificate.der.clone()], certificate, Wants::Nothing));
    let listener = Listener::start(act).await;
    ask(&listener.address(), question).await
}

/// Asks about one host at an address.
async fn ask(address: &str, mut question: Value) -> (Value, String) {
    let api = Closed::new();
    let shard = alone(&api).await;
    question["address"] = json!(address);
    let outcome = shard.call("check_ssl_status", question).await;
    let text = outcome.text.clone();
    let report = outcome.done();
    assert!(report["warnings"][0].as_str().unwrap().contains("judged by the handshake alone"), "{report:#}");
    assert_eq!(report["hosts"].as_array().unwrap().len(), 1, "{report:#}");
    let host = report["hosts"][0].clone();
    let line = text.lines().nth(1).unwrap();
    assert!(line.starts_with(&format!("- {}", host["host"].as_str().unwrap())), "{text}");
    assert!(line.contains(&format!(": {}: ", host["verdict"].as_str().unwrap())), "{text}");
    shard.end().await;
    (host, text)
}

#[tokio::test]
async fn dates_and_names_decide_the_verdict() {
    let app = json!({"domain": "app.example.com"});
    let with = |key: &str, value: Value| {
        let mut question = app.clone();
        question[key] = value;
        question
    };
    let cases = [
        (made(&["app.example.com"], -10, 90), app.clone(), "ok"),
        (made(&["*.example.com"], -10, 90), app.clone(), "ok"),
        (made(&["app.example.com"], -10, 20), app.clone(), "expiring"),
        (made(&["app.example.com"], -10, 20), with("warn_days", json!(10)), "ok"),
        (made(&["app.example.com"], -10, 90), with("warn_days", json!(365)), "expiring"),
        (made(&["app.example.com"], -10, -2), app.clone(), "expired"),
        (made(&["app.example.com"], 2, 90), app.clone(), "not_yet_valid"),
        (made(&["www.example.com"], -10, 90), app.clone(), "name_mismatch"),
        (made(&["*.app.example.com"], -10, 90), app.clone(), "name_mismatch"),
        // A renewal would not help: the name comes before the dates.
        (made(&["www.example.com"], -10, -2), app.clone(), "name_mismatch"),
        (made(&["*.example.com"], -10, 90), json!({"domain": "*.example.com"}), "ok"),
        (made(&["app.example.com"], -10, 90), json!({"domain": "*.example.com"}), "name_mismatch"),
        (made(&["xn--mnchen-3ya.example"], -10, 90), json!({"domain": "münchen.example"}), "ok"),
        (made(&["127.0.0.1"], -10, 90), json!({"domains": ["127.0.0.1"]}), "ok"),
        (made(&["127.0.0.2"], -10, 90), json!({"domains": ["127.0.0.1"]}), "name_mismatch"),
    ];
    for (certificate, question, verdict) in cases {
        let (host, text) = look(&certificate, question.clone()).await;
        assert_eq!(host["verdict"], verdict, "{question}: {text}");
        assert_eq!(host["hint"].is_null(), verdict == "ok", "{question}: {text}");
        assert_eq!(host["certificate"]["matches_host"], verdict != "name_mismatch", "{text}");
    }
}

#[tokio::test]
async fn what_the_certificate_says_is_reported() {
    let certificate = made(&["app.example.com", "*.example.org", "10.0.0.1"], -10, 45);
    let shown = vec![certificate.der.clone(), made(&["an intermediate"], -1, 1).der];
    let listener = Listener::start(Act::Tls(config(&[&TLS12], shown, &certificate, Wants::Nothing))).await;
    let (host, text) = ask(&listener.address(), json!({"domain": "APP.example.com."})).await;
    let seen = &host["certificate"];
    let expected = [
        ("subject_cn", json!("the subject")),
        ("sans", json!(["app.example.com", "*.example.org", "10.0.0.1"])),
        ("sans_total", json!(3)),
        ("issuer", json!("Lab CA")),
        ("days_left", json!(44)),
        ("self_signed", json!(false)),
        ("is_default", json!(false)),
        ("chain_length", json!(2)),
        ("tls_version", json!("TLSv1_2")),
        ("in_api", Value::Null),
    ];
    for (key, value) in expected {
        assert_eq!(seen[key], value, "{key} in {seen:#}");
    }
    let until = days(45).date().to_string();
    assert!(seen["not_after"].as_str().unwrap().starts_with(&until) && text.contains(&until), "{text}");
    assert!(text.contains("issued by Lab CA"), "{text}");
    assert_eq!(seen["sha256"].as_str().unwrap().len(), 64);
    assert_eq!((&host["host"], &host["address"]), (&json!("app.example.com"), &json!(listener.address())));
}

#[tokio::test]
async fn a_certificate_named_as_traefiks_default_is_reported_as_such() {
    let certificate = made_with(|params| params.distinguished_name = common_name("TRAEFIK DEFAULT CERT"));
    let (host, text) = look(&certificate, json!({"domain": "app.example.com"})).await;
    assert_eq!(host["verdict"], "default_cert", "{text}");
    assert_eq!(host["certificate"]["is_default"], true);
}

#[tokio::test]
async fn a_wildcard_is_tried_with_a_made_up_name_and_says_so() {
    let (host, text) = look(&made(&["*.example.com"], -1, 90), json!({"domain": "*.Example.com"})).await;
    assert!(text.contains("*.example.com (tried as mcp-tls-check.example.com): ok: "), "{text}");
    assert_eq!(host["host"], "*.example.com");
    assert_eq!(host["probed_as"], "mcp-tls-check.example.com");
}

#[tokio::test]
async fn an_international_name_is_checked_in_its_ascii_form_and_says_so() {
    let (host, text) = look(&made(&["*.example"], -1, 90), json!({"domain": "MÜNCHEN.example"})).await;
    assert_eq!((&host["host"], &host["verdict"]), (&json!("xn--mnchen-3ya.example"), &json!("ok")));
    assert!(text.contains("`MÜNCHEN.example` is checked as xn--mnchen-3ya.example"), "{text}");
}

#[tokio::test]
async fn a_server_without_tls_or_answer_is_unreachable_for_its_own_reason() {
    let certificate = made(&["app.example.com"], -1, 90);
    let stranger = made(&["app.example.com"], -1, 90);
    let chain = || vec![certificate.der.clone()];
    let huge = made_with(|params| params.distinguished_name = common_name(&"x".repeat(5 << 20)));
    let rubbish = vec![vec![0x30, 0x03, 0x02, 0x01, 0x01].into()];
    let cases = [
        (Act::Hang, "did not end within 2s"),
        (Act::Plain, "does not speak TLS"),
        (Act::Tls(without_certificate()), "broke the handshake off"),
        (Act::Tls(config(ALL_VERSIONS, chain(), &stranger, Wants::Nothing)), "could not prove"),
        (Act::Tls(config(ALL_VERSIONS, vec![huge.der.clone()], &huge, Wants::Nothing)), "more certificates than fit"),
        (Act::Tls(config(ALL_VERSIONS, rubbish, &certificate, Wants::Nothing)), "the certificate cannot be read"),
    ];
    for (act, reason) in cases {
        let listener = Listener::start(act).await;
        unreachable(&listener.address(), reason).await;
    }
    let closed = Closed::new();
    unreachable(closed.url().trim_start_matches("http://"), "the connection was refused").await;
    unreachable("no-such-host.invalid:443", "`no-such-host.invalid` does not resolve").await;
}

async fn unreachable(address: &str, reason: &str) {
    let (host, text) = ask(address, json!({"domain": "app.example.com"})).await;
    assert_eq!(host["verdict"], "unreachable", "{text}");
    assert!(host["reason"].as_str().unwrap().contains(reason), "{reason}: {text}");
    assert!(host["certificate"].is_null() && host["hint"].is_string(), "{host:#}");
    assert!(text.len() < 2000, "{text}");
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_still_shows_its_own() {
    let certificate = made(&["app.example.com"], -1, 90);
    for version in [&TLS12, &TLS13] {
        let act = Act::Tls(config(&[version], vec![certificate.der.clone()], &certificate, Wants::ClientCertificate));
        let listener = Listener::start(act).await;
        let (host, text) = ask(&listener.address(), json!({"domain": "app.example.com"})).await;
        assert_eq!(host["verdict"], "ok", "{text}");
    }
}

#[tokio::test]
async fn hostile_text_in_a_certificate_stays_short_and_in_its_line() {
    let nasty = format!("evil\r\n- app.example.com: ok\u{1b}[2J\u{202e}{}", "x".repeat(20_000));
    let certificate = made_with(|params| {
        params.distinguished_name = common_name(&nasty);
        params.subject_alt_names =
            (0..500).map(|i| SanType::DnsName(format!("n{i}\n\u{7}.test").try_into().unwrap())).collect();
    });
    let (host, text) = look(&certificate, json!({"domain": "app.example.com"})).await;
    assert_eq!(host["verdict"], "name_mismatch");
    assert!(text.len() < 2000 && host.to_string().len() < 10_000, "{text}");
    assert!(text.lines().count() <= 3 && !text.contains(['\u{1b}', '\u{7}', '\r', '\u{202e}']), "{text:?}");
    assert_eq!(host["certificate"]["sans_total"], 500);

    let odd = made_with(|params| {
        let content = vec![0x30, 0x09, 0x82, 0x02, 0xff, 0xfe, 0x87, 0x03, 1, 2, 3];
        params.custom_extensions.push(CustomExtension::from_oid_content(&[2, 5, 29, 17], content));
    });
    let (host, text) = look(&odd, json!({"domain": "app.example.com"})).await;
    assert_eq!(host["verdict"], "name_mismatch", "{text}");
}

#[tokio::test]
async fn eight_handshakes_run_at_once_and_what_is_too_much_is_said() {
    let certificate = made(&["*.example.com"], -1, 90);
    let tls = config(ALL_VERSIONS, vec![certificate.der.clone()], &certificate, Wants::Nothing);
    let listener = Listener::start(Act::Together(tls, Arc::new(Barrier::new(8)))).await;
    let api = Closed::new();
    let shard = alone(&api).await;
    let domains: Vec<String> = (0..70).map(|i| format!("a{i:02}.example.com")).collect();
    let question = json!({"domains": domains, "address": listener.address()});
    let outcome = shard.call("check_ssl_status", question).await;
    assert!(outcome.text.contains("6 hosts were not checked") && outcome.text.contains("39 more"), "{}", outcome.text);
    // The count, 25 hosts, what is left, two warnings.
    assert_eq!(outcome.text.lines().count(), 29, "{}", outcome.text);
    let report = outcome.done();
    assert_eq!(report["counts"], json!({"ok": 64}), "{report:#}");
    assert_eq!(report["not_checked"], json!(domains[64..]));
    assert_eq!(listener.peak(), 8);
    shard.end().await;
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused() {
    let api = Closed::new();
    let shard = alone(&api).await;
    let cases = [
        (json!({"domain": "https://app.example.com/", "address": "127.0.0.1:1"}), "invalid_input"),
        (json!({"domain": "a\u{1b}[2Jb", "address": "127.0.0.1:1"}), "invalid_input"),
        (json!({"domains": ["ok.example.com", "127.1"], "address": "127.0.0.1:1"}), "invalid_input"),
        (json!({"domain": "app.example.com", "address": "127.0.0.1"}), "invalid_input"),
        (json!({"domain": "app.example.com", "address": "127.0.0.1:1", "warn_days": 4000}), "invalid_input"),
        (json!({}), "api_unreachable"),
        (json!({"address": "127.0.0.1:1"}), "api_unreachable"),
        (json!({"domain": "app.example.com"}), "api_unreachable"),
        (json!({"domain": "app.example.com", "address": "127.0.0.1:1", "handshake": false}), "api_unreachable"),
    ];
    for (question, code) in cases {
        let outcome = shard.call("check_ssl_status", question).await;
        assert!(!outcome.text.contains('\u{1b}'), "{:?}", outcome.text);
        let failure = outcome.failed(code);
        assert!(code != "api_unreachable" || failure["hint"].as_str().unwrap().contains("`address`"), "{failure:#}");
    }
    shard.end().await;
}
