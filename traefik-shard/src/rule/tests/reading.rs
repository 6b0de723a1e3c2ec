//! What rules are read as: hosts, paths and warnings.

use super::super::Protocol::{Http, Tcp};
use super::super::*;

fn read(rule: &str) -> Rule {
    parse(rule, Http).unwrap_or_else(|error| panic!("{rule}: {error}"))
}

#[test]
fn hosts_are_those_of_the_alternatives_that_can_match() {
    let check = |rule: &str, hosts: &[&str]| assert_eq!(read(rule).hosts(), hosts, "{rule}");
    check("Host(`A.test`)", &["a.test"]);
    check("Host(`a.test.`)", &["a.test"]);
    check("Host(`a`) || Host(`b`) || Host(`A`)", &["a", "b"]);
    check("(Host(`a`) || Host(`b`)) && PathPrefix(`/x`)", &["a", "b"]);
    check("(Host(`a`) || Host(`b`)) && !Host(`b`)", &["a"]);
    check("!Host(`a`)", &[]);
    check("!!Host(`a`)", &["a"]);
    check("!(Host(`a`) || Path(`/x`)) && Host(`b`)", &["b"]);
    check("!(!Host(`a`) || Path(`/x`))", &["a"]);
    check("Host(`a`) && Host(`b`)", &[]);
    check("Host(`a`) || PathPrefix(`/x`)", &["a"]);
    check("Host(`*.a.test`)", &["*.a.test"]);
    check("HostRegexp(`^a$`)", &[]);
    assert_eq!(parse("HostSNI(`a`) || HostSNI(`*`)", Tcp).expect("a rule").hosts(), ["a", "*"]);
}

#[test]
fn paths_and_patterns_are_told_apart() {
    let rule =
        read("Host(`a`) && (Path(`/x`) || PathPrefix(`/y`) || PathRegexp(`^/z`)) && HostRegexp(`a`) && !Path(`/n`)");
    assert_eq!(rule.paths(), ["/x"]);
    assert_eq!(rule.path_prefixes(), ["/y"]);
    assert_eq!(rule.host_patterns(), ["a"]);
}

#[test]
fn what_can_hardly_be_meant_is_a_warning() {
    let check = |rule: &str, codes: &[&str]| {
        let found = read(rule).warnings();
        let found: Vec<&str> = found.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(found, codes, "{rule}");
    };
    check("Host(`app.test`) && PathPrefix(`/a`)", &[]);
    check("Host(`*.app.test`) || Host(`*`) || Host(`[::1]`)", &[]);
    check("HostRegexp(`^[a-z]{2,3}\\.test$`)", &[]);
    check("HostRegexp(`{sub:[a-z]+}.q`)", &["v2_template"]);
    check("PathPrefix(`/api/{version}`)", &["v2_template"]);
    check("PathRegexp(`/{id:[0-9]+}`)", &["v2_template"]);
    check("Host(`http://q`)", &["odd_host"]);
    check("Host(`q:8080`)", &["odd_host"]);
    check("Host(`a b`)", &["odd_host"]);
    check("Host(`a,b`)", &["odd_host"]);
    check("Host(`a.*`)", &["odd_host"]);
    check("Host(`**.a`)", &["odd_host"]);
    check("Host(`a/b`)", &["odd_host"]);
    check("Path(`/a?b=c`)", &["odd_path"]);
    check("Method(`G T`)", &["odd_method"]);
    check("Path(`/{{ env }}`)", &["template_in_rule"]);
    check("Host(`a`) && Host(`b`)", &["rule_never_matches"]);
    check("Host(`a`) && !Host(`A`)", &["rule_never_matches"]);
    check("Path(`/a`) && PathPrefix(`/b`)", &["rule_never_matches"]);
}

#[test]
fn a_catch_all_matches_every_request() {
    let check = |rule: &str, expected: bool| assert_eq!(read(rule).is_catch_all(), expected, "{rule}");
    check("PathPrefix(`/`)", true);
    check("Host(`*`)", true);
    check("HostRegexp(`^.+$`) && PathPrefix(`/`)", true);
    check("HostRegexp(`.*`)", true);
    check("Host(`a`) || PathPrefix(`/`)", true);
    check("Host(`a`)", false);
    check("PathPrefix(`/a`)", false);
    check("!PathPrefix(`/`)", false);
    check("HostRegexp(`.+\\.a`)", false);
}
