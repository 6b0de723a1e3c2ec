//! What the command line takes, and what it says where it does not.

use super::*;

/// The message for one flag, or nothing where it is taken.
fn fault(flag: &str, value: &str) -> Option<String> {
    Settings::try_parse_from(["traefik-shard", flag, value]).err().map(|error| error.to_string())
}

#[track_caller]
fn check(flag: &str, good: &[&str], bad: &[&str], told: &[&str]) {
    for value in good {
        assert_eq!(fault(flag, value), None, "{flag} {value}");
    }
    for value in bad {
        let message = fault(flag, value).unwrap_or_else(|| panic!("{flag} takes {value:?}"));
        for word in told.iter().chain([&flag]) {
            assert!(message.contains(word), "{value:?}: {message}");
        }
    }
}

#[test]
fn the_command_line_is_consistent() {
    Settings::command().debug_assert();
}

#[test]
fn a_name_prefix_begins_with_a_letter_and_ends_with_a_hyphen() {
    let bad = ["", "-", "mcp", "Mcp-", "1-", "mcp.-", "mcp -", "mcp@-", "a234567890123456789b-", "é-"];
    check("--name-prefix", &["mcp-", "a-", "a2-b-", "a23456789012345678b-"], &bad, &["NAME_PREFIX", "such as mcp-"]);
}

#[test]
fn a_managed_folder_is_one_visible_folder() {
    let bad = ["", ".", "..", ".hidden", "a/b", "../up", "/abs", "x.yml", "x.YAML", "x.toml", "a b", "a\nb"];
    check("--managed-folder", &["mcp-managed", "a.b", "A_1"], &bad, &["TRAEFIK_MANAGED_FOLDER", "such as mcp-managed"]);
}

#[test]
fn durations_have_bounds() {
    for flag in ["--connect-timeout", "--request-timeout"] {
        check(flag, &["1ms", "2s", "1d"], &["0s", "0ms", "2d", "soon", "5"], &["TRAEFIK_", "such as 5s"]);
    }
    let bad = ["0s", "999ms", "121s", "1000000years"];
    check("--apply-timeout", &["1s", "2m"], &bad, &["TRAEFIK_APPLY_TIMEOUT", "from 1s to 120s"]);
    check("--docs-ttl", &["0s", "1h", "30d"], &["31d", "1000000000years", "x"], &["TRAEFIK_DOCS_TTL", "30d"]);
}

#[test]
fn urls_must_be_of_the_web_and_are_never_shown() {
    let good = ["http://h", "https://u:geheim@h:8443/traefik/api"];
    let bad = ["ftp://u:geheim@h", "http://u:geheim@h:port/", "u:geheim", "", "//u:geheim@h"];
    check("--api-url", &good, &bad, &["TRAEFIK_API_URL", "such as http://HOST:8080/api"]);
    let good = ["http://h/traefik/"];
    let bad = [&bad[..], &["https://u:geheim@h/", "https://geheim@h/"]].concat();
    check("--docs-url", &good, &bad, &["TRAEFIK_DOCS_URL", "such as https://doc.traefik.io/traefik/"]);
    for flag in ["--api-url", "--docs-url"] {
        for value in &bad {
            let told = fault(flag, value).unwrap_or_default();
            assert!(!told.contains("geheim"), "{told}");
        }
    }
}
