//! Which rules meet, and in which request.

use super::super::Overlap::{Contains, None, Partial, Same, Within};
use super::super::Protocol::Http;
use super::super::*;

#[track_caller]
fn check(ours: &str, theirs: &str, expected: Overlap) {
    let read = |rule: &str| parse(rule, Http).unwrap_or_else(|error| panic!("{rule}: {error}"));
    let (left, right) = (read(ours), read(theirs));
    assert_eq!(overlap(&left, &right), expected, "{ours} and {theirs}");
    let mirrored = match expected {
        Contains => Within,
        Within => Contains,
        other => other,
    };
    assert_eq!(overlap(&right, &left), mirrored, "{theirs} and {ours}");
    assert_eq!(witness(&left, &right).is_some(), expected != None, "{ours} and {theirs}");
}

#[test]
fn hosts_are_compared_as_names() {
    check("Host(`a.test`)", "Host(`A.TEST.`)", Same);
    check("Host(`a.test`)", "Host(`b.test`)", None);
    check("Host(`*.test`)", "Host(`a.test`)", Contains);
    check("Host(`*.test`)", "Host(`b.a.test`)", None);
    check("Host(`*.test`)", "Host(`*.a.test`)", None);
    check("Host(`*`)", "Host(`a.test`)", Contains);
    check("Host(`**.test`)", "Host(`b.a.test`)", Contains);
    check("Host(`**.test`)", "Host(`*.a.test`)", Contains);
    check("Host(`a`) || Host(`b`)", "Host(`b`) || Host(`a`)", Same);
    check("Host(`a`) || Host(`b`)", "Host(`b`) || Host(`c`)", Partial);
    check("Host(`a`) || Host(`b`)", "Host(`b`)", Contains);
}

#[test]
fn a_host_is_matched_with_the_expression() {
    check("HostRegexp(`^.+\\.test$`)", "Host(`a.test`)", Contains);
    check("HostRegexp(`^.+\\.test$`)", "Host(`a.example`)", None);
    check("HostRegexp(`^.+\\.test$`)", "Host(`*.test`)", Partial);
    check("HostRegexp(`^.+\\.test$`)", "Host(`*.example`)", None);
    check("HostRegexp(`^.+\\.test$`)", "HostRegexp(`^.+\\.example$`)", None);
    check("HostRegexp(`^.+\\.test$|x`)", "HostRegexp(`^.+\\.example$`)", Partial);
    check("HostRegexp(`^(a|b)\\.test$`)", "HostRegexp(`^c\\.test$`)", Partial);
    check("HostRegexp(`.+`)", "Host(`a.test`)", Contains);
}

#[test]
fn prefixes_are_compared_by_characters() {
    check("PathPrefix(`/api`)", "PathPrefix(`/apix`)", Contains);
    check("PathPrefix(`/api/`)", "PathPrefix(`/apix`)", None);
    check("PathPrefix(`/api`)", "Path(`/api`)", Contains);
    check("PathPrefix(`/api/`)", "Path(`/api`)", None);
    check("Path(`/a`)", "Path(`/A`)", None);
    check("PathRegexp(`^/a/[0-9]+$`)", "Path(`/a/1`)", Contains);
    check("PathRegexp(`^/a/[0-9]+$`)", "Path(`/a/x`)", None);
    check("PathRegexp(`^/a/[0-9]+$`)", "PathPrefix(`/b`)", None);
    check("PathRegexp(`^/a/[0-9]+$`)", "PathPrefix(`/a`)", Partial);
    check("PathRegexp(`^/ab?`)", "PathPrefix(`/ac`)", Partial);
    check("PathRegexp(`(?i)^/a`)", "PathPrefix(`/b`)", Partial);
}

#[test]
fn all_terms_must_agree() {
    check("Host(`a`)", "Host(`a`) && PathPrefix(`/`)", Same);
    check("Host(`a`)", "Host(`a`) && PathPrefix(`/api`)", Contains);
    check("Host(`a`) && PathPrefix(`/api`)", "Host(`b`) && PathPrefix(`/api`)", None);
    check("Host(`a`) && PathPrefix(`/api`)", "Host(`a`) && PathPrefix(`/web`)", None);
    check("Host(`a`)", "PathPrefix(`/api`)", Partial);
    check("Host(`a`) && Method(`GET`)", "Host(`a`) && Method(`post`)", None);
    check("Host(`a`) && Method(`GET`)", "Host(`a`) && Method(`get`)", Same);
    check("ClientIP(`10.0.0.0/8`)", "ClientIP(`10.1.0.0/16`)", Contains);
    check("ClientIP(`10.0.0.0/8`)", "ClientIP(`192.168.0.0/16`)", None);
    check("Header(`X-A`, `1`)", "Header(`x-a`, `1`)", Same);
    check("Header(`X-A`, `1`)", "Header(`X-A`, `2`)", Partial);
    check("Query(`a`, `1`)", "Query(`a`, `2`)", Partial);
}

#[test]
fn negations_keep_rules_apart() {
    check("Host(`a`) && !PathPrefix(`/api`)", "Host(`a`) && PathPrefix(`/api`)", None);
    check("Host(`a`) && !PathPrefix(`/api`)", "Host(`a`) && PathPrefix(`/api/v1`)", None);
    check("Host(`a`) && !PathPrefix(`/api/v1`)", "Host(`a`) && PathPrefix(`/api`)", Partial);
    check("!Host(`a`)", "Host(`b`)", Contains);
    check("!Host(`a`)", "!Host(`a`)", Same);
    check("!(Host(`a`) || Host(`b`))", "Host(`b`)", None);
    check("!PathPrefix(`/`)", "Host(`b`)", None);
}

#[test]
fn a_rule_with_too_many_alternatives_may_meet_everything() {
    let large = ["(Host(`a`) || Host(`b`))"; 12].join(" && ");
    check(&large, "Host(`c`)", Partial);
}

#[test]
fn the_request_in_common_is_told_in_words() {
    let check = |ours: &str, theirs: &str, expected: &str| {
        let read = |rule: &str| parse(rule, Http).expect("a rule");
        assert_eq!(witness(&read(ours), &read(theirs)).expect("they meet"), expected, "{ours} and {theirs}");
    };
    check("Host(`a.test`)", "Host(`*.test`) && PathPrefix(`/`)", "a request for host `a.test`");
    check(
        "Host(`a`) && PathPrefix(`/a`)",
        "PathPrefix(`/a/b`)",
        "a request for host `a` with a path that begins with `/a/b`",
    );
    check("Host(`*`)", "PathPrefix(`/`)", "any request");
    check("HostRegexp(`^a`)", "Method(`GET`)", "a request for a host that matches `^a` with Method(`GET`)");
}
