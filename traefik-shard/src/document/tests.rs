//! What Traefik refuses, takes and cannot be told, in one document each.

use super::*;

fn foreign(text: &str) -> Document {
    check("f.yml", Format::Yaml, Origin::Foreign, text.as_bytes())
}

fn managed(text: &str) -> Document {
    check("m.yml", Format::Yaml, Origin::Managed, text.as_bytes())
}

/// The finding with this code stands on this line, and the document loads or not.
fn found(document: &Document, loads: Loads, code: &str, line: u32) -> Finding {
    assert_eq!(document.loads, loads, "{:#?}", document.findings);
    let finding = document.findings.iter().find(|finding| finding.code == code);
    let finding = finding.unwrap_or_else(|| panic!("no {code} in {:#?}", document.findings));
    assert_eq!(finding.line, Some(line), "{finding:?}");
    finding.clone()
}

const GOOD: &str = "http:
  routers:
    app:
      rule: Host(`a.test`)
      service: app
  services:
    app:
      loadBalancer:
        servers:
          - url: http://10.0.0.7:80
";

#[test]
fn a_good_document_loads_without_a_finding_whoever_wrote_it() {
    for document in [foreign(GOOD), managed(GOOD)] {
        assert_eq!((document.loads, &document.findings[..]), (Loads::Yes, &[][..]));
        let defined: Vec<_> = document.defined.iter().map(|one| (one.kind, one.name.as_str(), one.line)).collect();
        assert_eq!(defined, [(Kind::HttpRouter, "app", 3), (Kind::HttpService, "app", 7)]);
    }
}

#[test]
fn nothing_at_all_loads() {
    for text in ["", "# a comment\n", "{}", "null\n", "---\n", "http:\n", "x-any: [1, {a: b}]\n"] {
        assert_eq!(foreign(text).loads, Loads::Yes, "{text:?}");
    }
    for text in ["[]", "words", "http: words", "http: {}", "http: {routers: {}}", "http: {routers: {a: null}}"] {
        assert_eq!(foreign(text).loads, Loads::No, "{text:?}");
    }
}

#[test]
fn an_unknown_field_is_refused_with_its_line_and_the_nearest_known_one() {
    let text = GOOD.replace("service: app", "servise: app");
    for document in [foreign(&text), managed(&text)] {
        let finding = found(&document, Loads::No, "unknown_field", 5);
        assert_eq!(finding.path.as_deref(), Some("http.routers.app.servise"));
        assert!(finding.message.contains("did you mean `service`?"), "{finding:?}");
        assert_eq!(document.findings.iter().filter(|other| other.code == "unknown_field").count(), 1);
        assert!(finding.sentence().contains(".yml:5: http.routers.app.servise: unknown field"));
    }
}

#[test]
fn an_unknown_section_is_ignored_by_traefik_and_only_warned_of() {
    let finding = found(&foreign("htpp:\n  routers: 7\n"), Loads::Yes, "unknown_section", 1);
    assert!(finding.message.contains("did you mean `http`?"), "{finding:?}");
    found(&managed("htpp:\n  routers: 7\n"), Loads::No, "unknown_field", 1);
}

#[test]
fn a_section_in_letters_that_go_folds_is_a_section() {
    assert_eq!(foreign("tl\u{17f}: {foo: bar}\n").loads, Loads::No);
}

#[test]
fn what_a_human_may_write_sloppily_we_may_not() {
    let sloppy = |from: &str, to: &str, code: &str, line: u32| {
        let text = GOOD.replace(from, to);
        found(&foreign(&text), Loads::Yes, code, line);
        assert_eq!(managed(&text).loads, Loads::No, "{to}");
    };
    sloppy("rule:", "Rule:", "wrong_case", 4);
    sloppy("rule:", "tls:\n      rule:", "null_value", 4);
    sloppy("rule:", "ghost: ~\n      rule:", "null_value", 4);
    sloppy("service: app", "service: app\n      tls: maybe", "wrong_type", 6);
}

#[test]
fn scalars_are_made_to_fit_as_go_does() {
    let check = |line: &str, loads: Loads| {
        let document = foreign(&GOOD.replace("service: app", &format!("service: app\n      {line}")));
        assert_eq!(document.loads, loads, "{line}: {:?}", document.findings);
    };
    for line in
        ["priority: '42'", "priority: 0x10", "priority: 1e3", "priority: 4.0", "entryPoints: web", "entryPoints: [1]"]
    {
        check(line, Loads::Yes);
    }
    for line in ["tls: true", "tls: {}", "tls: {options: ~}", "observability: {metrics: 1}", "entryPoints: {}"] {
        check(line, Loads::Yes);
    }
    for line in ["priority: abc", "priority: 4.5", "priority: ''", "priority: 9223372036854775808", "entryPoints: [~]"]
    {
        check(line, Loads::No);
    }
    for line in ["observability: {metrics: yes}", "observability: {}", "ruleSyntax: 2001-12-14", "entryPoints: [[a]]"] {
        check(line, Loads::No);
    }
}

#[test]
fn a_scalar_for_a_list_is_cut_at_its_commas() {
    let document = foreign(&GOOD.replace("service: app", "service: app\n      entryPoints: web, tls"));
    let root = document.root.expect("it was parsed");
    let names = root.find(&["http", "routers", "app", "entryPoints"]).map(Node::texts);
    assert_eq!(names, Some(vec![("web", 6), ("tls", 6)]));
}

#[test]
fn what_no_schema_says_but_traefik_refuses_is_refused() {
    for text in [
        "tls: {options: {default: {clientAuth: {}}}}",
        "http: {middlewares: {m: {rateLimit: {average: 1, period: 9999999999999h}}}}",
        "http: {middlewares: {m: {plugin: {p: {list: [1, true]}}}}}",
    ] {
        assert_eq!(foreign(text).loads, Loads::No, "{text}");
    }
}

#[test]
fn duplicate_keys_are_refused_and_two_spellings_of_one_key_are_an_error() {
    found(&foreign("http:\n  routers: {a: {rule: x}}\nhttp: {}\n"), Loads::No, "duplicate_key", 3);
    let twice =
        "http: {routers: {a: {rule: Path(`/`), service: s}}}\nHTTP: {routers: {b: {rule: Path(`/`), service: s}}}\n";
    found(&foreign(twice), Loads::Yes, "duplicate_key", 2);
}

#[test]
fn anchors_and_merges_are_resolved() {
    let text = "x-base: &base\n  entryPoints: [web]\n  service: old\nhttp:\n  routers:\n    a:\n      <<: *base\n      \
                service: new\n      rule: Path(`/`)\n    b: *base\n";
    let document = foreign(text);
    assert_eq!(document.loads, Loads::Yes, "{:?}", document.findings);
    let root = document.root.expect("it was parsed");
    let router = root.find(&["http", "routers", "a"]).expect("it is defined");
    assert_eq!(router.get("service").and_then(Node::text), Some("new"));
    assert_eq!(router.get("entryPoints").map(Node::texts), Some(vec![("web", 2)]));
    assert_eq!(foreign("a: &a {b: 1}\nc: {<<: 7}\n").loads, Loads::No);
    assert_eq!(foreign("a: &a [*a]\n").loads, Loads::No);
}

#[test]
fn only_the_first_document_counts() {
    let document = foreign(&format!("{GOOD}---\nbroken: [\n"));
    assert_eq!(document.loads, Loads::Yes);
    assert_eq!(document.findings[0].code, "more_documents");
}

#[test]
fn bombs_and_towers_are_refused_in_little_time_and_space() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let alias = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", ")));
    }
    found(&foreign(&bomb), Loads::Unknown, "too_large", 3);
    let towers = ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(10_000), "a: ".repeat(3)];
    for tower in towers {
        assert_ne!(foreign(&tower).loads, Loads::Yes);
    }
    let toml = format!("a = {}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(check("f.toml", Format::Toml, Origin::Foreign, toml.as_bytes()).loads, Loads::No);
}

#[test]
fn odd_bytes_are_refused_with_their_line_and_a_byte_order_mark_is_not() {
    let bytes = |bytes: &[u8]| check("f.yml", Format::Yaml, Origin::Foreign, bytes);
    found(&bytes(b"a: b\nc: \xff\n"), Loads::No, "not_utf8", 2);
    found(&bytes(b"a: b\nc: d\x01\n"), Loads::No, "control_character", 2);
    found(&bytes("a: b\n# \u{2028}\n".as_bytes()), Loads::No, "control_character", 2);
    found(&bytes(b"a:\n\tb: c\n"), Loads::No, "syntax", 2);
    assert_eq!(bytes(format!("\u{feff}{GOOD}").as_bytes()).loads, Loads::Yes);
    assert_eq!(bytes(GOOD.replace('\n', "\r\n").as_bytes()).loads, Loads::Yes);
}

#[test]
fn a_template_makes_the_verdict_unknown_and_ours_hold_none() {
    let text = GOOD.replace("a.test", "{{ env \"HOST\" }}");
    let document = foreign(&text);
    found(&document, Loads::Unknown, "template", 4);
    assert_eq!(document.defined.len(), 2, "its names are known all the same");
    found(&managed(&text), Loads::No, "template", 4);
    found(&foreign("{{ range seq 3 }}\nx: [\n"), Loads::Unknown, "template", 1);
    assert_eq!(managed(&format!("{GOOD}# }}}} {{ {{\n")).loads, Loads::Yes);
}

#[test]
fn bad_values_are_errors_that_freeze_nothing() {
    let check = |text: &str, code: &str, line: u32| {
        let finding = found(&foreign(text), Loads::Yes, code, line);
        assert_eq!(finding.severity, Severity::Error);
    };
    let router = |more: &str| GOOD.replace("service: app", more);
    check(&GOOD.replace("Host(`a.test`)", "Host(a)"), "bad_rule", 4);
    check(&router("priority: 7"), "no_service", 3);
    check(&router("service: app\n      priority: 9223372036854775807"), "bad_priority", 6);
    check(&GOOD.replace("http://10.0.0.7:80", "10.0.0.7"), "bad_url", 10);
    check(&GOOD.replace("url: http", "weight: -1\n            url: http"), "bad_weight", 10);
    check("http:\n  middlewares:\n    m:\n      ipAllowList:\n        sourceRange: [10.0.0.0/33]\n", "bad_cidr", 5);
    check("http:\n  middlewares:\n    m: {replacePathRegex: {regex: '(', replacement: x}}\n", "bad_regex", 3);
    // The expressions of Rust take these, and Go's do not.
    check("http:\n  middlewares:\n    m: {replacePathRegex: {regex: 'a**', replacement: x}}\n", "bad_regex", 3);
    check("http:\n  middlewares:\n    m: {stripPrefixRegex: {regex: ['(?x)a']}}\n", "bad_regex", 3);
    check("tcp: {routers: {r: {rule: HostSNI(`a`), service: s}}}\n", "no_tls", 1);
    check("tcp: {routers: {r: {rule: HostSNI(`a`), service: s, tls: false}}}\n", "no_tls", 1);
    check("http:\n  middlewares:\n    m: {addPrefix: {prefix: /a}, compress: {}}\n", "not_one_type", 3);
    check("http:\n  middlewares:\n    m: {}\n", "not_one_type", 3);
    check("tcp: {routers: {r: {rule: Host(`a`), service: s}}}\n", "bad_rule", 1);
    check("udp: {services: {s: {loadBalancer: {servers: [{address: nowhere}]}}}}\n", "bad_address", 1);
}

#[test]
fn toml_is_read_with_its_lines() {
    let toml = |text: &str| check("f.toml", Format::Toml, Origin::Foreign, text.as_bytes());
    let good = "[http.routers.app]\nrule = \"Host(`a`)\"\nservice = \"s\"\npriority = 0x10\n[http.routers.app.tls]\n";
    let document = toml(good);
    assert_eq!((document.loads, document.findings.len()), (Loads::Yes, 0), "{:?}", document.findings);
    found(&toml(&good.replace("service", "servise")), Loads::No, "unknown_field", 3);
    found(&toml(&format!("{good}[http.routers.app]\n")), Loads::No, "duplicate_key", 6);
    found(&toml("a = 1\nb = 2001-12-14\n"), Loads::No, "timestamp", 2);
    found(&toml("a = 1\nb =\n"), Loads::No, "syntax", 2);
    found(&toml("[http]\n"), Loads::No, "empty_map", 1);
}

#[test]
fn no_secret_stands_in_a_finding() {
    let secret = "hunter2-hunter2-hunter2-hunter2";
    for text in [
        GOOD.replace("http://10.0.0.7:80", &format!("ftp://u:{secret}@h")),
        format!("http: {{middlewares: {{m: {{basicAuth: {{removeHeader: {secret}}}}}}}}}"),
        format!("http: {{middlewares: {{m: {{basicAuth: {{users: {{{secret}: x}}}}}}}}}}"),
    ] {
        for document in [foreign(&text), managed(&text)] {
            assert!(!document.findings.is_empty());
            assert!(
                document.findings.iter().all(|finding| !finding.message.contains(secret)),
                "{:?}",
                document.findings
            );
        }
    }
}

#[test]
fn every_reference_is_found_where_it_stands() {
    let text = "http:
  routers:
    r: {rule: Path(`/`), service: a@docker, middlewares: [m], tls: {options: o}, parentRefs: [p]}
  services:
    w: {weighted: {services: [{name: a}, {name: b}]}}
    f: {failover: {service: c, fallback: d}}
    l: {loadBalancer: {servers: [], serversTransport: t}}
  middlewares:
    c: {chain: {middlewares: [m, n]}}
    e: {errors: {status: ['500'], service: s}}
";
    let root = foreign(text).root.expect("it was parsed");
    let found: Vec<_> = references(&root).into_iter().map(|one| (one.kind, one.name, one.line)).collect();
    let expected = [
        (Kind::HttpService, "a@docker", 3),
        (Kind::TlsOptions, "o", 3),
        (Kind::HttpRouter, "p", 3),
        (Kind::HttpMiddleware, "m", 3),
        (Kind::HttpService, "a", 5),
        (Kind::HttpService, "b", 5),
        (Kind::HttpService, "c", 6),
        (Kind::HttpService, "d", 6),
        (Kind::HttpServersTransport, "t", 7),
        (Kind::HttpMiddleware, "m", 9),
        (Kind::HttpMiddleware, "n", 9),
        (Kind::HttpService, "s", 10),
    ];
    assert_eq!(found, expected.map(|(kind, name, line)| (kind, name.to_owned(), line)));
}
