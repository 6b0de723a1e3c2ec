//! What is said of two rules holds for every request of a small world.

use std::collections::HashMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use regex::Regex;

use super::super::Protocol::Http;
use super::super::*;

const HOSTS: [&str; 6] = ["a.test", "b.test", "c.a.test", "d.c.a.test", "test", "x.example"];
const PATHS: [&str; 7] = ["/", "/a", "/ab", "/a/b", "/a/b/c", "/b", "/b/1"];
const METHODS: [&str; 2] = ["GET", "POST"];
const TERMS: [&str; 24] = [
    "Host(`a.test`)",
    "Host(`B.test.`)",
    "Host(`*.test`)",
    "Host(`*.a.test`)",
    "Host(`*`)",
    "HostRegexp(`^[ab]\\.test$`)",
    "HostRegexp(`^.+\\.test$`)",
    "HostRegexp(`\\.example$`)",
    "HostRegexp(`.+`)",
    "HostRegexp(`a`)",
    "Path(`/a`)",
    "Path(`/b/1`)",
    "PathPrefix(`/`)",
    "PathPrefix(`/a`)",
    "PathPrefix(`/a/`)",
    "PathPrefix(`/b`)",
    "PathRegexp(`^/b/[0-9]+$`)",
    "PathRegexp(`^/ab?$`)",
    "PathRegexp(`^/a|^/b`)",
    "PathRegexp(`b`)",
    "PathRegexp(`^/a/`)",
    "Method(`get`)",
    "Method(`POST`)",
    "Host(`none.test`)",
];

/// The expressions of the terms; compiling one takes longer than all else.
static EXPRESSIONS: LazyLock<HashMap<String, Regex>> = LazyLock::new(|| {
    let terms = TERMS.iter().filter(|term| term.contains("Regexp"));
    let texts = terms.filter_map(|term| term.split('`').nth(1));
    texts.map(|text| (text.to_owned(), Regex::new(text).expect("it means the same in both engines"))).collect()
});

type Visit = (&'static str, &'static str, &'static str);

/// As Traefik judges it, term by term.
fn matches(expression: &Expression, visit: Visit) -> bool {
    let (host, path, method) = visit;
    match expression {
        Expression::Not(inner) => !matches(inner, visit),
        Expression::All(members) => members.iter().all(|member| matches(member, visit)),
        Expression::Any(members) => members.iter().any(|member| matches(member, visit)),
        Expression::Term(Term { matcher, arguments, .. }) => {
            let argument = &arguments[0];
            match matcher {
                Matcher::Host => {
                    let wanted = argument.to_lowercase();
                    let one_level = |suffix: &str| host.split_once('.').is_some_and(|(_, rest)| rest == suffix);
                    wanted == "*"
                        || wanted.trim_end_matches('.') == host
                        || wanted.strip_prefix("*.").is_some_and(one_level)
                }
                Matcher::HostRegexp => EXPRESSIONS[argument].is_match(host),
                Matcher::Path => argument == path,
                Matcher::PathPrefix => path.starts_with(argument.as_str()),
                Matcher::PathRegexp => EXPRESSIONS[argument].is_match(path),
                Matcher::Method => argument.to_uppercase() == method,
                other => panic!("{} is not in this world", other.name()),
            }
        }
    }
}

fn rule() -> impl Strategy<Value = Rule> {
    let term = prop::sample::select(TERMS.to_vec()).prop_map(|term| parse(term, Http).expect("a rule").expression);
    let tree = term.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            1 => inner.clone().prop_map(|inner| Expression::Not(Box::new(inner))),
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(Expression::All),
            1 => prop::collection::vec(inner, 2..4).prop_map(Expression::Any),
        ]
    });
    tree.prop_map(|expression| Rule { protocol: Http, expression })
}

fn every_visit() -> impl Iterator<Item = Visit> {
    HOSTS.into_iter().flat_map(|host| {
        PATHS.into_iter().flat_map(move |path| METHODS.into_iter().map(move |method| (host, path, method)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_request_contradicts_what_is_said_of_two_rules(ours in rule(), theirs in rule()) {
        let said = overlap(&ours, &theirs);
        prop_assert_eq!(witness(&ours, &theirs).is_none(), said == Overlap::None);
        for visit in every_visit() {
            let both = (matches(&ours.expression, visit), matches(&theirs.expression, visit));
            let possible = match said {
                Overlap::Same => both.0 == both.1,
                Overlap::Contains => both.0 || !both.1,
                Overlap::Within => !both.0 || both.1,
                Overlap::Partial => true,
                Overlap::None => !(both.0 && both.1),
            };
            prop_assert!(possible, "{ours} and {theirs}: {said:?}, but {visit:?} gives {both:?}");
        }
    }

    #[test]
    fn what_is_read_off_a_rule_agrees_with_what_it_matches(rule in rule()) {
        let caught = every_visit().filter(|&visit| matches(&rule.expression, visit)).count();
        let never = rule.warnings().iter().any(|finding| finding.code == "rule_never_matches");
        prop_assert!(!never || caught == 0, "{rule} is said to match nothing, but matches {caught}");
        prop_assert!(!rule.is_catch_all() || caught == every_visit().count(), "{rule} matches only {caught}");
    }
}
