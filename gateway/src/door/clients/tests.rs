//! What people paste.

use super::*;

fn place(url: &str) -> Place {
    Place { program: "/opt/my tools/mcp-gateway".into(), shards: "/srv/it's/shards.d".into(), url: Some(url.into()) }
}

fn of(kind: ClientKind, via: Via, place: &Place) -> Snippet {
    snippets(kind, place).into_iter().find(|snippet| snippet.via == via).unwrap()
}

fn json_of(kind: ClientKind, via: Via, place: &Place) -> Value {
    serde_json::from_str(&of(kind, via, place).json).unwrap()
}

#[test]
fn every_snippet_names_its_page_and_the_day_and_says_what_to_do() {
    for kind in ClientKind::ALL {
        let found = snippets(kind, &place("http://127.0.0.1:9100/mcp"));
        assert!(!found.is_empty());
        for snippet in found {
            assert_eq!(snippet.client, kind.name());
            assert_eq!(snippet.text == snippet.json, snippet.language == "json", "{snippet:?}");
            assert!(snippet.source.starts_with("https://") && snippet.steps.len() > 1, "{snippet:?}");
            let day: Vec<usize> = snippet.source_date.split('-').map(str::len).collect();
            assert_eq!(day, [4, 2, 2], "{snippet:?}");
        }
    }
}

#[test]
fn without_a_running_gateway_only_own_processes_are_offered() {
    let alone = Place { url: None, ..place("") };
    for kind in ClientKind::ALL {
        let ways: Vec<Via> = snippets(kind, &alone).iter().map(|snippet| snippet.via).collect();
        let expected: &[Via] = if kind == ClientKind::OpenWebUi { &[] } else { &[Via::Stdio] };
        assert_eq!(ways, expected, "{kind:?}");
    }
}

#[test]
fn each_client_gets_the_keys_that_it_reads() {
    let place = place("http://127.0.0.1:9100/mcp");
    let own = json!({"command": "/opt/my tools/mcp-gateway", "args": ["stdio", "--shards", "/srv/it's/shards.d"]});
    let url = "http://127.0.0.1:9100/mcp";
    let check = |kind, via, expected: Value| assert_eq!(json_of(kind, via, &place), expected);
    check(ClientKind::ClaudeDesktop, Via::Stdio, json!({"mcpServers": {"gateway": own}}));
    check(ClientKind::Cursor, Via::Stdio, json!({"mcpServers": {"gateway": own}}));
    check(ClientKind::Cursor, Via::Http, json!({"mcpServers": {"gateway": {"url": url}}}));
    check(ClientKind::VsCode, Via::Http, json!({"servers": {"gateway": {"type": "http", "url": url}}}));
    let typed = json!({"type": "stdio", "command": own["command"], "args": own["args"]});
    check(ClientKind::VsCode, Via::Stdio, json!({"servers": {"gateway": typed}}));
    check(ClientKind::ClaudeCode, Via::Stdio, json!({"mcpServers": {"gateway": typed}}));
    check(ClientKind::ClaudeCode, Via::Http, json!({"mcpServers": {"gateway": {"type": "http", "url": url}}}));
    let connections = json_of(ClientKind::OpenWebUi, Via::Http, &place);
    assert_eq!((&connections[0]["type"], &connections[0]["url"]), (&json!("mcp"), &json!(url)));
}

#[test]
fn mcp_remote_is_told_to_allow_http_only_where_it_would_refuse() {
    let allowed = |url: &str| {
        let bridge = json_of(ClientKind::ClaudeDesktop, Via::McpRemote, &place(url));
        let args = bridge["mcpServers"]["gateway"]["args"].as_array().unwrap().clone();
        assert!(args.contains(&json!(url)), "{args:?}");
        args.contains(&json!("--allow-http"))
    };
    for (url, expected) in [
        ("http://127.0.0.1:9100/mcp", false),
        ("http://localhost:9100/mcp", false),
        ("http://[::1]:9100/mcp", true),
        ("http://127.0.0.2:9100/mcp", true),
        ("https://mcp.example.org/mcp", false),
        ("http://nas.local:9100/mcp", true),
        ("http://192.168.1.5:9100/mcp", true),
    ] {
        assert_eq!(allowed(url), expected, "{url}");
    }
}

#[test]
fn a_shell_reads_the_words_of_claude_code_as_they_are() {
    let text = |via| of(ClientKind::ClaudeCode, via, &place("http://127.0.0.1:9100/mcp?shards=a,b")).text;
    for (via, expected) in [
        (Via::Stdio, &["/opt/my tools/mcp-gateway", "stdio", "--shards", "/srv/it's/shards.d"][..]),
        (Via::Http, &["http://127.0.0.1:9100/mcp?shards=a,b"]),
    ] {
        let script = format!("claude() {{ printf '%s\\n' \"$@\"; }}; {}", text(via));
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let words = String::from_utf8(output.stdout).unwrap();
        assert!(
            words.ends_with(&format!(
                "gateway\n{}{}\n",
                if via == Via::Stdio { "--\n" } else { "" },
                expected.join("\n")
            )),
            "{words}"
        );
    }
}

#[test]
fn open_webui_is_told_what_its_form_begins_with_and_must_not_keep() {
    let steps = of(ClientKind::OpenWebUi, Via::Http, &place("http://nas:9100/mcp")).steps.join("\n");
    for part in [
        "Settings → Integrations (under Admin, Tools) → External Tool Servers → +",
        "until it says MCP Streamable HTTP (it begins as OpenAPI)",
        "Auth: None (it begins as Bearer)",
        "`http://nas:9100/mcp`",
    ] {
        assert!(steps.contains(part), "{part} is not in {steps}");
    }
}

#[test]
fn docker_is_warned_of_only_where_the_address_is_this_machine() {
    let warned = |url: &str| {
        let steps = of(ClientKind::OpenWebUi, Via::Http, &place(url)).steps;
        steps.iter().any(|step| step.contains("host.docker.internal"))
    };
    assert!(warned("http://127.0.0.1:9100/mcp"));
    assert!(!warned("http://gateway:9100/mcp"));
}
