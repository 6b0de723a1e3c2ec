//! The rules that the real Traefik 3.7.15 was asked about, and what they are read as.

mod overlaps;
mod property;
mod reading;
mod requests;

use std::path::Path;

use serde_json::Value;

use super::Protocol::{Http, Tcp};
use super::*;

#[track_caller]
fn takes(protocol: Protocol, rules: &[&str]) {
    for rule in rules {
        if let Err(error) = parse(rule, protocol) {
            panic!("Traefik takes {rule:?}, but: {error}");
        }
    }
}

#[track_caller]
fn refuses(protocol: Protocol, cases: &[(&str, usize, &str)]) {
    for (rule, column, message) in cases {
        match parse(rule, protocol) {
            Ok(parsed) => panic!("Traefik refuses {rule:?}, but it was read as {parsed}"),
            Err(error) => {
                assert_eq!(error.column, *column, "{rule:?}: {error}");
                assert!(error.message.contains(message), "{rule:?}: {error}");
            }
        }
    }
}

/// The vectors lie beside the repository and may be absent.
#[test]
fn an_expression_is_compiled_once_for_all_clones_of_its_rule() {
    let term = |rule: &Rule| match &rule.expression {
        Expression::Term(term) => term.compiled.clone(),
        other => panic!("{other} is no term"),
    };
    let wide = parse("HostRegexp(`^a[0-9]+[.]test$`)", Http).unwrap();
    let clone = wide.clone();
    assert!(!term(&wide).is_ready(), "a rule that nobody compares costs nothing");
    for (host, expected) in [("a1.test", Overlap::Contains), ("b.test", Overlap::None)] {
        let asked = parse(&format!("Host(`{host}`)"), Http).unwrap();
        assert_eq!(overlap(&wide, &asked), expected);
    }
    assert!(term(&wide).is_ready() && term(&clone).is_ready());
    assert_eq!(wide, parse("HostRegexp(`^a[0-9]+[.]test$`)", Http).unwrap());
}

#[test]
fn every_shared_vector_has_the_status_that_traefik_gave_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/traefik/rule-vectors.json");
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let vectors: Vec<Value> = serde_json::from_str(&text).expect("the vectors are JSON");
    assert!(vectors.len() > 10);
    for vector in vectors {
        let rule = vector["rule"].as_str().expect("each has a rule");
        assert_eq!(parse(rule, Http).is_ok(), vector["status"] == "enabled", "{vector}");
        assert_eq!(Some(default_priority(rule, Http)), vector["priority"].as_i64(), "{vector}");
    }
}

#[test]
fn the_syntax_is_that_of_go() {
    takes(
        Http,
        &[
            "Host(`a`)",
            "\n\nHost(`a`)\n",
            "Host(`a`) // note",
            "Host(`a`) /* note */ && Path(`/x`)",
            "Host(`a`)//",
            "Host(`a`) &&\n Path(`/x`)",
            "Host(\n`a`,\n)",
            "Host(`a`,)",
            "Host(`a`...)",
            "Host (`a`)",
            "\u{feff}Host(`a`)",
            "(Host(`a`) &&\n// note\n Path(`/`))",
            "!Host(`a`)",
            "!!Host(`a`)",
            "!\nHost(`a`)",
            "((Host(`a`)))",
            "Host(`a`)\t&&\tPath(`/`)",
            r#"Host("a")"#,
            r#"Host("\x61\141\u0061\U00000061")"#,
            r#"Host("\"")"#,
            r#"PathRegexp("^/a\\.b$")"#,
            r#"Path("/\xff")"#,
            "Host(`a\nb`)",
            "Host(`a\rb`)",
            "host(`a`)",
            "HOST(`a`)",
            "PATHPREFIX(`/a`)",
            "pathprefix(`/a`)",
            "Pathprefix(`/a`)",
            "Clientip(`1.2.3.4`)",
            "!(Host(`a`) || Path(`/x`))",
        ],
    );
    refuses(
        Http,
        &[
            ("", 1, "empty"),
            (" ", 2, "expected a matcher"),
            ("Host(`a`)\n&& Path(`/x`)", 11, "end that line with the operator"),
            ("(Host(`a`)\n)", 11, "line break"),
            ("Host(\n`a`\n)", 10, "expected `,` or `)`"),
            ("Host(`a`);", 10, "one expression"),
            ("Host(`a`), Path(`/x`)", 10, "join matchers"),
            ("Host(`a`) Path(`/`)", 11, "end of the rule"),
            ("Host(`a`) and Path(`/`)", 11, "write `&&`"),
            ("Host(`a`) or Path(`/`)", 11, "write `||`"),
            ("Host(`a`) & Path(`/`)", 11, "write `&&`"),
            ("Host(`a`) ||| Path(`/`)", 13, "write `||`"),
            ("Host(`a`) != Path(`/`)", 11, "joined with"),
            ("Host('a')", 6, "between backticks"),
            ("Host(`a", 6, "no end"),
            ("Host(\"a\nb\")", 6, "no end"),
            (r#"Host("a\.b")"#, 8, "escape"),
            (r#"Host("\400")"#, 7, "no byte"),
            (r#"Path("/\ud800")"#, 8, "no Unicode"),
            ("Host(`a`)/*", 10, "no end"),
            ("Host(`a`)\u{a0}", 10, "unexpected"),
            ("Host(`a`) && (Path(`/`) || )", 28, "expected a matcher"),
            ("Host(`a`))", 10, "no open parenthesis"),
            ("Host", 5, "needs its arguments"),
            ("`a`", 1, "call a matcher"),
            ("Host(5)", 6, "unexpected"),
            ("Host((`a`))", 6, "expected a string"),
            ("Host(`a`)(`b`)", 10, "end of the rule"),
            ("-Host(`a`)", 1, "unexpected"),
            ("hOST(`a`)", 1, "did you mean `Host`"),
            ("pathPrefix(`/a`)", 1, "did you mean `PathPrefix`"),
            ("Headers(`a`,`b`)", 1, "its name in Traefik 3 is `Header`"),
            ("Hos(`x`)", 1, "did you mean `Host`"),
            ("Bogus(`x`)", 1, "there are Host, HostRegexp"),
            ("HostSNI(`a`)", 1, "TCP routers only"),
        ],
    );
}

#[test]
fn the_arguments_are_checked_as_traefik_checks_them() {
    takes(
        Http,
        &[
            "Host(`*`)",
            "Host(`*.a`)",
            "Host(`A.B`)",
            "Host(`a b`)",
            "Host(`q:80`)",
            "Path(`/a b`)",
            "Path(`/é`)",
            "Method(`get`)",
            "Method(`G T`)",
            "Header(`a b`,`c`)",
            "Query(`a`)",
            "Query(`a`,`b`)",
            "QueryRegexp(`(`)",
            "ClientIP(`1.2.3.4/08`)",
            "ClientIP(`::1`)",
            "ClientIP(`10.1.2.3/8`)",
            "ClientIP(`0.0.0.0/0`)",
        ],
    );
    refuses(
        Http,
        &[
            ("Host()", 1, "needs an argument"),
            ("Host(``)", 6, "empty"),
            ("Host(`a`,`b`)", 10, "write Host(`…`) || Host(`…`)"),
            ("Host(`é`)", 6, "`xn--` form"),
            ("Path(`x`)", 6, "does not begin with `/`"),
            ("Host(`a`) && PathPrefix(`x`)", 25, "does not begin with `/`"),
            ("Header(`a`)", 8, "takes 2"),
            ("Header(`a`,``)", 12, "empty"),
            ("Query(`a`,`b`,`c`)", 15, "takes 1 or 2"),
            ("QueryRegexp(`a`,`(`)", 17, "not closed"),
            ("HostRegexp(`(?=a)`)", 12, "lookaround"),
            ("ClientIP(`x`)", 10, "neither an IP address"),
            ("ClientIP(`1.2.3.4/33`)", 10, "neither"),
            ("ClientIP(`1.2.3.4/`)", 10, "neither"),
            ("ClientIP(`01.2.3.4`)", 10, "neither"),
            ("ClientIP(`fe80::1%eth0`)", 10, "neither"),
        ],
    );
}

#[test]
fn tcp_rules_have_matchers_of_their_own() {
    takes(
        Tcp,
        &[
            "HostSNI(`*`)",
            "HostSNI(`*.a.b`)",
            "HostSNI(`a_b`)",
            "HostSNI(`a:80`)",
            "HostSNIRegexp(`^a$`)",
            "ALPN(`h2`)",
            "Alpn(`h2`)",
            "ClientIP(`1.2.3.4`)",
        ],
    );
    refuses(
        Tcp,
        &[
            ("Host(`a`)", 1, "HTTP routers only"),
            ("HostSNI(`a b`)", 9, "no host name"),
            ("HostSNI(`**.a`)", 9, "no host name"),
            ("HostSNI(`*.`)", 9, "no host name"),
            ("HostSNI(`é.x`)", 9, "ASCII"),
            ("ALPN(`acme-tls/1`)", 6, "for itself"),
            ("ALPN(`a`,`b`)", 10, "takes 1"),
        ],
    );
}

#[test]
fn regular_expressions_that_go_takes_are_taken() {
    for text in [
        "a{,5}",
        "a{2",
        "]",
        "}",
        "[]a]",
        "[[a]]",
        "[a&&b]",
        "[a-c-e]",
        "[--a]",
        r"\<a",
        r"\b{start}",
        r"\Qa.b\E",
        r"\Qa+",
        r"\x{41}",
        r"\01",
        r"\0",
        "{sub:[a-z]+}.q",
        "(?U)a",
        "(?)a",
        "(?ii)",
        "(?<n>a)(?P<n>b)",
        r"\p{Letter}",
        r"\p{^Greek}",
        r"\pL",
        "[[:^word:]]",
        "[:word:]",
        "(|a)*",
        "a{2,3,}",
        "a{02}",
        "(a*){1000}",
        "(a{500}b{500}){2}",
        "^*",
        "a*?",
        "a|",
        "[*-[:alpha:]",
        r"a(?i)+",
        r"a*(?i)+",
        r"a*\Q\E+",
    ] {
        assert!(pattern::translate(text).is_ok(), "Go takes {text}: {:?}", pattern::translate(text));
    }
}

#[test]
fn regular_expressions_that_go_refuses_are_refused() {
    for text in [
        "a++",
        "a**",
        "x*{3}",
        "*a",
        "a|*",
        "(*)",
        "(?i)*",
        "a*??",
        "a{2}{3}",
        "a{1001}",
        "a{2,1}",
        "(a{32}){32}",
        "(?x)a",
        "(?=a)",
        "(?!a)",
        "(?<=a)",
        "(?#c)",
        "(?>a)",
        "(?i-)",
        "(?P=n)",
        "(?P<n-a>a)",
        r"\C",
        r"\Z",
        r"\1",
        r"\8",
        r"\y",
        r"\u0041",
        r"\E",
        r"\Q\E+",
        r"\p{sc=Greek}",
        r"\p{Alphabetic}",
        r"\p{Grek}",
        "[a-\\d]",
        "[b-a]",
        "[a",
        "[]",
        "[^]",
        "[[:foo:]]",
        "[a-[:digit:]]",
        r"[\b]",
        "a)",
        "(",
        "\\",
        r"\x4",
        r"\x{}",
        r"\x{110000}",
    ] {
        assert!(pattern::translate(text).is_err(), "Go refuses {text}");
    }
}

#[test]
fn a_regular_expression_matches_what_it_matches_in_go() {
    let check = |expression: &str, text: &str, matches: bool| {
        let regex = pattern::compile(expression).unwrap_or_else(|| panic!("{expression} compiles"));
        assert_eq!(regex.is_match(text), matches, "{expression} and {text}, as {regex}");
    };
    check(r"^\w+$", "é", false);
    check(r"^[a-z]+\.test$", "app.test", true);
    check("^[a&&b]$", "&", true);
    check("^[[a]]$", "[]", true);
    check("{sub:[a-z]+}.q", "{sub:x}.q", true);
    check("{sub:[a-z]+}.q", "x.q", false);
    check(r"^\Qa.b\E$", "a.b", true);
    check(r"^\Qa.b\E$", "axb", false);
    check("^(?i)APP$", "app", true);
    check(r"^[^\d.]+$", "1", false);
    check(r"^a{,2}$", "a{,2}", true);
    check(r"\bapp\b", "an app here", true);
}

#[test]
fn no_depth_exhausts_the_stack() {
    let deep = |before: &str, inside: &str, after: &str| before.repeat(100_000) + inside + &after.repeat(100_000);
    for rule in [
        deep("(", "Host(`a`)", ")"),
        deep("!", "Host(`a`)", ""),
        deep("(", "", ""),
        format!("HostRegexp(`{}`)", deep("(", "a", ")")),
        format!("HostRegexp(`{}`)", deep("[", "a", "]")),
    ] {
        // Whether it is refused does not matter, only that there is an answer.
        let _ = parse(&rule, Http);
    }
    let wide = deep("Host(`a`) || ", "Host(`b`)", "");
    assert_eq!(parse(&wide, Http).expect("it is long, not deep").hosts(), ["a", "b"]);
}

#[test]
fn the_default_priority_counts_bytes() {
    let check = |rule: &str, protocol, priority| assert_eq!(default_priority(rule, protocol), priority, "{rule}");
    check("Host(`a`)", Http, 9);
    check("Path(`/é`)", Http, 11);
    check("HostSNI(`*`)", Tcp, -1);
    check("!HostSNI(`*`)", Tcp, -1);
    check("HostSNI(`a.b`)", Tcp, 14);
    check("HostSNI(`*`) || ClientIP(`::/0`)", Tcp, 32);
}
