//! From hosts and a path prefix, or a rule as it was given, to the rule of the router.
//!
//! Stricter than Traefik, which takes hosts that no request can have.

use std::net::Ipv4Addr;

use url::Host;

use super::Request;
use super::checks::{MAX_LIST, Problems, shown, unsafe_rule, unsafe_text, without_secrets};
use crate::finding::{Finding, Severity};
use crate::rule::{self, Protocol, Rule};

/// The rule's text and tree; `None` where a problem was added.
pub(super) fn rule_of(
    request: &Request,
    problems: &mut Problems,
    warnings: &mut Vec<Finding>,
) -> Option<(String, Rule)> {
    let given = usize::from(request.host.is_some())
        + usize::from(!request.hosts.is_empty())
        + usize::from(request.rule.is_some());
    let hint = "give exactly one of host, hosts and rule";
    if given != 1 {
        let fault =
            if given == 0 { "nothing says which requests are meant" } else { "several say which requests are meant" };
        problems.about("host", fault, hint);
    }
    let prefix = path_prefix(request, problems);
    let text = match &request.rule {
        Some(rule) => {
            if request.path_prefix.is_some() {
                problems.about("path_prefix", "does not go with `rule`", "put PathPrefix(`…`) into the rule");
            }
            whole_rule(rule, problems)?
        }
        None => from_hosts(request, prefix.as_deref(), problems, warnings)?,
    };
    match rule::parse(&text, Protocol::Http) {
        Ok(parsed) => Some((text, parsed)),
        Err(error) => {
            let hint = format!("correct the rule at column {}; matchers look like Host(`example.com`)", error.column);
            problems.add("rule", &text, error.to_string(), hint);
            None
        }
    }
}

fn whole_rule(rule: &str, problems: &mut Problems) -> Option<String> {
    if let Some(fault) = unsafe_rule(rule) {
        problems.add("rule", rule, fault, "write the rule in one line of visible characters, without `{{`");
        return None;
    }
    Some(rule.trim().to_owned())
}

fn from_hosts(
    request: &Request,
    prefix: Option<&str>,
    problems: &mut Problems,
    warnings: &mut Vec<Finding>,
) -> Option<String> {
    let field = if request.host.is_some() { "host" } else { "hosts" };
    if request.hosts.len() > MAX_LIST {
        problems.about("hosts", "too many names", format!("give at most {MAX_LIST}"));
        return None;
    }
    let mut hosts: Vec<String> = Vec::new();
    for given in request.host.iter().chain(&request.hosts) {
        match normal(given) {
            Ok(host) if hosts.contains(&host) => problems.add(field, given, "given twice", "name each host once"),
            Ok(host) => {
                remark(given, &host, warnings);
                hosts.push(host);
            }
            Err((fault, hint)) => problems.add(field, &without_secrets(given), fault, hint),
        }
    }
    let mut text = hosts.iter().map(|host| format!("Host(`{host}`)")).collect::<Vec<_>>().join(" || ");
    if text.is_empty() {
        return None;
    }
    if let Some(prefix) = prefix {
        let several = hosts.len() > 1;
        text = if several { format!("({text})") } else { text };
        text.push_str(&format!(" && PathPrefix(`{prefix}`)"));
    }
    Some(text)
}

fn remark(given: &str, host: &str, warnings: &mut Vec<Finding>) {
    if !given.is_ascii() {
        let message = format!("`{}` is written as `{host}`, as browsers send it", shown(given));
        warnings.push(Finding::new(Severity::Info, "host_in_punycode", message).at("host"));
    }
    if host.starts_with("*.") {
        let message =
            format!("`{host}` stands for one level of names; Traefik before 3.7 may not know wildcards in Host");
        warnings.push(Finding::new(Severity::Info, "wildcard_host", message).at("host"));
    }
}

/// The prefix where it says anything: every path begins with `/`.
fn path_prefix(request: &Request, problems: &mut Problems) -> Option<String> {
    let field = "path_prefix";
    let Some(prefix) = request.path_prefix.as_deref() else {
        if request.strip_prefix {
            problems.about("strip_prefix", "there is no path_prefix to strip", "give path_prefix too");
        }
        return None;
    };
    if let Some(fault) = unsafe_text(prefix) {
        problems.add(field, prefix, fault, "give a plain path such as /api");
    } else if !prefix.starts_with('/') {
        problems.add(field, prefix, "does not begin with `/`", format!("write `/{}`", shown(prefix)));
    } else if prefix.contains(['?', '#', ' ', '\\', '"']) {
        problems.add(field, prefix, "no path", "a path ends before `?` and `#` and has no spaces");
    } else if prefix.split('/').any(|segment| segment == ".." || segment == ".") {
        problems.add(field, prefix, "Traefik resolves `.` and `..` before it compares", "write the path that is meant");
    } else if prefix == "/" {
        if request.strip_prefix {
            problems.add("strip_prefix", prefix, "nothing is left to strip", "leave strip_prefix out");
        }
    } else {
        return Some(prefix.to_owned());
    }
    None
}

/// A host name, a wildcard for one level or an IPv4 address, lower case and in ASCII; or fault and way out.
pub(super) fn normal(given: &str) -> Result<String, (&'static str, String)> {
    let plain = "write the bare name, such as app.example.com";
    if let Some(fault) = unsafe_text(given) {
        return Err((fault, plain.into()));
    }
    if given == "*" {
        return Err(("stands for every host", "give `rule` with Host(`*`) and a low priority if that is meant".into()));
    }
    let (wildcard, rest) = given.strip_prefix("*.").map_or(("", given), |rest| ("*.", rest));
    let fault = match rest {
        "" => Some("empty"),
        _ if rest.contains("://") => Some("a host has no scheme"),
        _ if rest.contains('@') => Some("a host has no user"),
        _ if rest.contains('/') => Some("a host has no path; that is path_prefix"),
        _ if rest.contains(':') => Some("a host has no port; that is entry_points"),
        _ if rest.contains(char::is_whitespace) => Some("a host has no white space"),
        _ if rest.contains('*') => Some("a wildcard stands only for the first label, as in *.example.com"),
        _ if rest.contains('_') => Some("a host has no underscore"),
        _ => None,
    };
    if let Some(fault) = fault {
        return Err((fault, plain.into()));
    }
    let no_name = || ("no host name", plain.to_owned());
    let host = if rest.is_ascii() {
        rest.to_ascii_lowercase()
    } else {
        match Host::parse(rest) {
            Ok(Host::Domain(ascii)) => ascii,
            _ => return Err(no_name()),
        }
    };
    let host = host.strip_suffix('.').unwrap_or(&host);
    let numeric = host.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    let is_address = wildcard.is_empty() && host.parse::<Ipv4Addr>().is_ok();
    if !is_domain(host) || numeric && !is_address {
        return Err(no_name());
    }
    Ok(format!("{wildcard}{host}"))
}

fn is_domain(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(label)
}
