//! What Traefik loads and then disables: `validate_config` finds the same, and nothing else.
//!
//! Invariant: the expected side is what the real Traefik says of the very document that is validated.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::support::{Lab, LabOptions, Shard};

/// The finding's codes and the names in front of which they stand, such as `tcp.routers.NAME`.
fn found(report: &Value, code: &str) -> BTreeSet<String> {
    let of_code = report["findings"].as_array().unwrap().iter().filter(|finding| finding["code"] == code);
    of_code.map(|finding| finding["path"].as_str().unwrap().split('.').nth(2).unwrap().to_owned()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn tcp_routers_that_need_tls_are_those_that_traefik_disables() {
    let rules = [
        ("name", "HostSNI(`a`)"),
        ("upper", "HOSTSNI(`a`)"),
        ("wild", "HostSNI(`*.a.b`)"),
        ("all", "HostSNI(`*`)"),
        ("name-or-all", "HostSNI(`a`) || HostSNI(`*`)"),
        ("all-or-name", "HostSNI(`*`) || HostSNI(`a`)"),
        ("all-and-name", "HostSNI(`*`) && HostSNI(`a`)"),
        ("net-and-name", "ClientIP(`10.0.0.0/8`) && HostSNI(`a`)"),
        ("not", "!HostSNI(`a`)"),
        ("not-and-name", "!HostSNI(`a`) && HostSNI(`b`)"),
        ("not-or-name", "!(HostSNI(`a`) || HostSNI(`*`)) && HostSNI(`b`)"),
        ("twice-not", "!(!HostSNI(`a`))"),
        ("pattern", "HostSNIRegexp(`.+`)"),
        ("net", "ClientIP(`10.0.0.0/8`)"),
    ];
    let router = |rule: &str| json!({"rule": rule, "entryPoints": ["tcp"], "service": "s"});
    let mut routers: Map<String, Value> = rules.iter().map(|(name, rule)| ((*name).to_owned(), router(rule))).collect();
    let mut safe = router("HostSNI(`a`)");
    safe["tls"] = json!({});
    routers.insert("safe".into(), safe);
    let names: Vec<String> = routers.keys().cloned().collect();
    let services = json!({"s": {"loadBalancer": {"servers": [{"address": "127.0.0.1:9"}]}}});
    let document = json!({"tcp": {"routers": routers, "services": services}}).to_string();
    let lab = Lab::start(LabOptions { files: vec![("t.yml".into(), document.clone())], ..LabOptions::default() }).await;
    let mut disabled = BTreeSet::new();
    for name in names {
        let router = lab.until(&name, async |lab| lab.api(&format!("/tcp/routers/{name}@file")).await).await;
        if router["status"] == "disabled" {
            assert!(router["error"][0].as_str().unwrap().contains("no TLS on router"), "{router:#}");
            disabled.insert(name);
        }
    }
    assert!(disabled.contains("name") && !disabled.contains("safe"), "{disabled:?}");
    let shard = Shard::start(&lab.shard()).await;
    let report = shard.call("validate_config", json!({"content": document})).await.done();
    assert_eq!(report["traefik_version"], "3.7.15");
    assert_eq!(found(&report, "no_tls"), disabled);
    shard.end().await;
}

#[tokio::test]
async fn services_that_listen_in_vain_are_those_that_traefik_cannot_build() {
    let server = json!([{"url": "http://127.0.0.1:9"}]);
    let over = |kind: &str, name: &str| json!({kind: {"services": [{"name": name, "weight": 1}]}});
    let listening =
        |kind: &str, name: &str| json!({kind: {"services": [{"name": name, "weight": 1}], "healthCheck": {}}});
    let failover = |main: &str, other: &str| json!({"failover": {"service": main, "fallback": other}});
    let services = json!({
        "plain": {"loadBalancer": {"servers": server}},
        "checked": {"loadBalancer": {"servers": server, "healthCheck": {"path": "/"}}},
        "passive": {"loadBalancer": {"servers": server, "passiveHealthCheck": {"failureWindow": "3s"}}},
        "of-plain": failover("plain", "checked"),
        "of-checked": failover("checked", "plain"),
        "of-passive": failover("passive", "checked"),
        "full-name": failover("plain@file", "checked"),
        "both-checked": {"failover": {"service": "checked", "fallback": "checked", "healthCheck": {}}},
        "fallback-plain": {"failover": {"service": "checked", "fallback": "plain", "healthCheck": {}}},
        "weighted": over("weighted", "checked"),
        "weighted-checked": listening("weighted", "checked"),
        "weighted-plain": listening("weighted", "plain"),
        "of-weighted": failover("weighted", "plain"),
        "of-weighted-checked": failover("weighted-checked", "plain"),
        "rendezvous": listening("highestRandomWeight", "checked"),
        "of-rendezvous": failover("rendezvous", "plain"),
        "mirror": {"mirroring": {"service": "checked"}},
        "mirror-checked": {"mirroring": {"service": "checked", "healthCheck": {}}},
        "mirror-plain": {"mirroring": {"service": "plain", "healthCheck": {}}},
        "of-mirror": failover("mirror", "plain"),
        "of-mirror-checked": failover("mirror-checked", "plain"),
        "of-failover": failover("of-checked", "plain"),
    });
    let names: Vec<String> = services.as_object().unwrap().keys().cloned().collect();
    let router = |name: &String| json!({"rule": format!("Path(`/{name}`)"), "service": name, "entryPoints": ["web"]});
    let routers: Map<String, Value> = names.iter().map(|name| (name.clone(), router(name))).collect();
    let document = json!({"http": {"routers": routers, "services": services}}).to_string();
    let lab = Lab::start(LabOptions { files: vec![("h.yml".into(), document.clone())], ..LabOptions::default() }).await;
    let mut vain = BTreeSet::new();
    for name in names {
        let router = lab.until(&name, async |lab| lab.api(&format!("/http/routers/{name}@file")).await).await;
        // Such as: cannot register plain as updater for of-plain@file: healthCheck not enabled in config for ...
        if let Some(error) = router["error"][0].as_str() {
            let (_, rest) = error.split_once(" as updater for ").unwrap();
            vain.insert(rest.split_once("@file").unwrap().0.to_owned());
        }
    }
    assert!(vain.is_superset(&set(&["of-plain", "of-passive", "fallback-plain"])), "{vain:?}");
    let shard = Shard::start(&lab.shard()).await;
    let report = shard.call("validate_config", json!({"content": document})).await.done();
    assert_eq!(found(&report, "no_health_check"), vain);
    shard.end().await;
}

#[tokio::test]
async fn files_of_certificates_that_are_not_there_are_a_hint_and_no_error() {
    let lab = Lab::start(LabOptions::default()).await;
    let file = |name: &str| lab.certs_dir().join(name).to_str().unwrap().to_owned();
    let pair = |name: &str| json!({"certFile": file(&format!("{name}.pem")), "keyFile": file(&format!("{name}.key"))});
    let relative = json!({"certFile": "somewhere/else.pem", "keyFile": "-----BEGIN EC PRIVATE KEY-----"});
    let document = json!({"tls": {"certificates": [pair("lab"), pair("none"), relative]}}).to_string();
    let shard = Shard::start(&lab.shard()).await;
    let report = shard.call("validate_config", json!({"content": document})).await.done();
    assert_eq!((&report["valid"], &report["would_load"]), (&json!(true), &json!("yes")), "{report:#}");
    let of_code = report["findings"].as_array().unwrap().iter().filter(|finding| finding["code"] == "missing_file");
    let paths: Vec<_> = of_code.map(|finding| (&finding["path"], &finding["severity"])).collect();
    let info = json!("info");
    let expected = [json!("tls.certificates.1.certFile"), json!("tls.certificates.1.keyFile")];
    assert_eq!(paths, [(&expected[0], &info), (&expected[1], &info)], "{report:#}");
    let offline = shard.call("validate_config", json!({"content": document, "live": false})).await.done();
    assert_eq!(offline["traefik_version"], Value::Null);
    shard.end().await;
}
