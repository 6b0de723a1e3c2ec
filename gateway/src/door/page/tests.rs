//! The page as it is rendered, with nothing, with much and with malice.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::fleet::Trouble;
use crate::mux::{Entry, Registry, Tool};

fn here() -> Here {
    let place = Place {
        program: "/usr/bin/mcp-gateway".into(),
        shards: "/srv/shards.d".into(),
        url: Some("http://nas:9100/mcp".into()),
    };
    Here { place, root: "http://nas:9100".into(), view: View::All }
}

fn overview(shards: Vec<Entry>) -> Overview {
    let registry = Registry { status: "ok", version: "1.2.3", uptime_s: 61, shards, problems: Vec::new(), ready: true };
    Overview { registry, tools: BTreeMap::new() }
}

fn entry(name: &str, state: &'static str) -> Entry {
    Entry { name: name.into(), state, ..Entry::default() }
}

fn trouble(file: &str, line: Option<usize>, message: &str) -> Trouble {
    Trouble { file: file.into(), line, message: message.into() }
}

fn page(overview: &Overview) -> String {
    render(overview, &here(), SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_374_000)).into_string()
}

#[track_caller]
fn shows(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "`{text}` is not in\n{page}");
    }
}

#[test]
fn a_gateway_without_shards_says_how_to_add_one() {
    let page = page(&overview(Vec::new()));
    shows(&page, &["no shards · 0 tools · up 1m 1s · version 1.2.3", "args: [mcp-server-time]", "/srv/shards.d"]);
    shows(&page, &["2026-11-22 19:00:00 UTC", "http://nas:9100/mcp"]);
    assert!(!page.contains("<table") && !page.contains("#tools") && !page.contains("id=\"mend\""), "{page}");
}

#[test]
fn each_shard_tells_how_it_is_and_how_it_ended() {
    let well = Entry {
        era: Some("legacy"),
        revision: Some("2025-06-18".into()),
        pid: Some(4_711),
        restarts: 3,
        calls: 1_234,
        failed: 56,
        in_flight: 7,
        tools: 1,
        prompts: 8,
        resources: 9,
        last_error: Some("it ended with signal 9".into()),
        ..entry("well", "ready")
    };
    let down = Entry {
        last_error: Some("it ended with exit status: 3".into()),
        next_retry_s: Some(12),
        stderr_tail: ["one", "two", "three", "four"].map(ToOwned::to_owned).to_vec(),
        ..entry("down", "backoff")
    };
    let mut seen = overview(vec![well, down, entry("off", "disabled"), entry("odd", "invalid")]);
    let tool = Tool { name: "well__go".into(), title: Some("Go".into()), description: Some("goes to `where`".into()) };
    seen.tools.insert("well".into(), vec![tool]);
    let page = page(&seen);
    shows(&page, &["4 shards · 1 ready · 1 backoff · 1 invalid · 1 disabled · 1 tool"]);
    for (label, value) in [("PID", "4711"), ("Restarts", "3"), ("Calls", "1234 (7 now)"), ("Failed", "56")] {
        shows(&page, &[&format!("data-label=\"{label}\">{value}</td>")]);
    }
    shows(
        &page,
        &["legacy <span class=\"quiet\">2025-06-18</span>", "data-label=\"Prompts\">8<", "data-label=\"Resources\">9<"],
    );
    shows(&page, &["Before it was started again: it ended with signal 9.", "badge disabled", "badge invalid"]);
    shows(
        &page,
        &["Last error: it ended with exit status: 3. It is tried again in 12 s.", "<pre>two\nthree\nfour\n</pre>"],
    );
    shows(&page, &["<code>well__go</code> <strong dir=\"auto\">Go</strong>", "goes to <code>where</code>"]);
    shows(&page, &["http://nas:9100/mcp/well", "href=\"#tools-well\"", "id=\"tools-well\""]);
}

#[test]
fn problems_name_file_and_line_and_the_sixth_file_is_folded() {
    let mut seen = overview(Vec::new());
    for n in 1..=6 {
        seen.registry.problems.push(trouble(&format!("/srv/shards.d/{n}.yaml"), Some(n), "unknown key `comand`"));
    }
    seen.registry.problems.push(trouble("/etc/else.yaml", None, "cannot be read"));
    let page = page(&seen);
    shows(
        &page,
        &["<bdi>1.yaml</bdi>:1</code>", "unknown key <code>comand</code>", "<bdi>/etc/else.yaml</bdi></code>"],
    );
    shows(&page, &["7 problems", "and 2 more files"]);
    let folded = page.find("and 2 more files").unwrap();
    assert!(page.find("5.yaml").unwrap() > folded && page.find("4.yaml").unwrap() < folded, "{page}");
}

#[test]
fn every_client_is_told_how_to_connect_to_this_address() {
    let page = page(&overview(Vec::new()));
    shows(&page, &["Open WebUI", "Claude Desktop", "Claude Code", "Cursor", "VS Code"]);
    shows(&page, &["claude mcp add --scope user --transport http gateway http://nas:9100/mcp</code>"]);
    shows(&page, &["&quot;/usr/bin/mcp-gateway&quot;", "modelcontextprotocol.io</a>, as of <time>2026-"]);
}

#[test]
fn what_shards_and_files_say_is_never_markup_and_never_reorders_the_page() {
    let evil = "</code></style><script>alert(1)</script><img src=x onerror='a()'>\"\u{202e}\u{0}\u{1b}[2J";
    let shard = Entry {
        last_error: Some(evil.into()),
        stderr_tail: vec![evil.into()],
        revision: Some(evil.into()),
        era: Some("legacy"),
        tools: 1,
        ..entry("evil", "backoff")
    };
    let mut seen = overview(vec![shard]);
    seen.registry.problems.push(trouble(&format!("/srv/{evil}.yaml"), Some(1), evil));
    let tool = Tool { name: evil.into(), title: Some(evil.into()), description: Some(evil.into()) };
    seen.tools.insert("evil".into(), vec![tool]);
    let page = page(&seen);
    for bad in ["<script", "<img", "\u{202e}", "\u{0}", "\u{1b}", " style=", "javascript:"] {
        assert!(!page.contains(bad), "`{}` is in\n{page}", bad.escape_debug());
    }
    assert_eq!((page.matches("<style").count(), page.matches("</style").count()), (1, 1));
    shows(&page, &["&lt;script&gt;alert(1)&lt;/script&gt;"]);
    let lines = text::welcome(&seen, &here());
    assert!(lines.lines().count() < 20 && !lines.contains(['\u{1b}', '\u{0}', '\u{202e}']), "{lines:?}");
}

#[test]
fn a_page_has_a_bounded_length_whatever_there_is() {
    let long = "x".repeat(3_000);
    let shard = |n: usize| Entry {
        last_error: Some(long.clone()),
        stderr_tail: vec![long.clone(); 20],
        tools: 100_000,
        ..entry(&format!("shard-{n}"), "backoff")
    };
    let mut seen = overview((0..600).map(shard).collect());
    seen.registry.problems = (0..5_000).map(|n| trouble(&format!("{long}{n}"), Some(n), &long)).collect();
    let tool = Tool { name: long.clone(), title: Some(long.clone()), description: Some(long.clone()) };
    for n in 0..600 {
        seen.tools.insert(format!("shard-{n}"), vec![tool.clone(); 10]);
    }
    let page = page(&seen);
    assert!(page.len() < 8 * 1024 * 1024, "{} bytes", page.len());
    shows(&page, &["and 100 more, in ", "and 4900 more problems", "and 99990 more, which clients see"]);
    assert!(text::welcome(&seen, &here()).len() < 5_000);
}

#[test]
fn fifty_shards_are_fifty_rows_and_many_tools_are_warned_of() {
    let seen = overview((0..50).map(|n| Entry { tools: 3, ..entry(&format!("shard-{n}"), "ready") }).collect());
    let page = page(&seen);
    assert_eq!(page.matches("<tbody>").count(), 50);
    assert_eq!(page.matches("<ul class=\"tools\"").count(), 50);
    shows(&page, &["50 shards · 50 ready · 150 tools", "150 tools are many", "<code>/mcp?shards=a,b</code>"]);
    let few = self::page(&overview(vec![Entry { tools: 100, ..entry("few", "ready") }]));
    assert!(!few.contains("tools are many"));
}

#[test]
fn the_policy_lets_in_this_stylesheet_and_no_script() {
    let policy = POLICY.to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let page = page(&overview(Vec::new()));
    let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let hash = BASE64_STANDARD.encode(Sha256::digest(style));
    assert!(policy.contains(&hash), "the hash is the one of what a browser reads between the tags");
}

#[test]
fn curl_is_told_the_state_the_addresses_and_what_to_mend() {
    let down = Entry { last_error: Some("it ended with exit status: 3".into()), ..entry("git", "backoff") };
    let mut seen = overview(vec![down, entry("time", "ready")]);
    seen.registry.problems.push(trouble("shards.d/x.yaml", Some(7), "unknown key `comand`"));
    let lines = text::welcome(&seen, &here());
    let expected = [
        "mcp-gateway 1.2.3: ok, 2 shards · 1 ready · 1 backoff · 0 tools · 1 problem",
        "",
        "  MCP      http://nas:9100/mcp      for MCP clients",
        "  Health   http://nas:9100/health   all of it as JSON",
        "  Page     http://nas:9100/         in a browser: shards, tools, and how to connect each client",
        "",
        "To mend:",
        "  shards.d/x.yaml:7: unknown key `comand`",
        "  shard `git`: it ended with exit status: 3",
    ];
    assert_eq!(lines.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_public_url_goes_before_the_name_that_led_here() {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_static("nas.lan:9100"));
    let check = |public: Option<&str>, view: &View, expected: &str| {
        let place = Place { url: public.map(ToOwned::to_owned), ..here().place };
        assert_eq!(Here::new(&place, view, &headers).url(), expected);
    };
    let public = Some("https://example.com/mcp/mcp");
    check(None, &View::All, "http://nas.lan:9100/mcp");
    check(None, &View::alone("time"), "http://nas.lan:9100/mcp/time");
    check(public, &View::All, "https://example.com/mcp/mcp");
    check(public, &View::only(["b", "a"]), "https://example.com/mcp/mcp?shards=a,b");
}
