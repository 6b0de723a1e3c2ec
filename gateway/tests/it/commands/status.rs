//! `mcp-gateway status`.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{DOWN, ask, command, ended, folder, run};
use crate::support::{Gateway, fake_shard};

#[tokio::test]
async fn a_gateway_that_is_well_is_shown_as_a_table_and_as_its_own_registry() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let said = ask(&gateway, &["status"]).await;
    let lines: Vec<Vec<&str>> = said.good().lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0][..2], ["mcp-gateway", env!("CARGO_PKG_VERSION")]);
    assert_eq!(lines[0].last(), Some(&"ok"));
    assert_eq!(lines[2][..2], ["SHARD", "STATE"]);
    assert_eq!(lines[3][..3], ["fake", "ready", "legacy"]);
    let json = ask(&gateway, &["status", "--json"]).await.json();
    assert_eq!((&json["status"], &json["shards"][0]["name"]), (&"ok".into(), &"fake".into()));
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_reason_and_ends_in_1() {
    let gateway = Gateway::builder().shard("down", DOWN).shard("odd", "comand: x\n").start().await;
    gateway.until("down", "backoff").await;
    let said = ask(&gateway, &["status"]).await;
    assert_eq!((said.code, &*said.err), (Some(1), ""));
    assert!(said.out.lines().next().unwrap().ends_with(": degraded"), "{said:?}");
    assert!(said.out.contains("  down: it ended with exit status: 3"), "{said:?}");
    assert!(said.out.contains("\n    no key\n"), "{said:?}");
    assert!(said.out.contains("odd.yaml:1: unknown key `comand`; did you mean `command`?"), "{said:?}");
    let live = ask(&gateway, &["status", "--live"]).await;
    assert_eq!(live.good(), "", "it lives, whatever its shards do");
    gateway.stop().await;
}

#[tokio::test]
async fn the_gateway_that_runs_with_the_same_state_folder_is_found() {
    let gateway = Gateway::builder().flags(&["--public-url", "http://tools.example.org"]).start().await;
    let state = gateway.dir().path().join("state");
    let flags = ["--state-dir", state.to_str().unwrap()];
    let elsewhere = folder(&[]);
    let said = run(&[&["status"], &flags[..]].concat(), elsewhere.path()).await;
    let first = said.good().lines().next().unwrap();
    assert_eq!(gateway.host(), "tools.example.org", "what clients are told, and nobody here can reach");
    assert!(first.contains(" at http://127.0.0.1:"), "{first}");
    gateway.stop().await;
}

#[tokio::test]
async fn the_variables_of_a_gateway_say_where_it_is() {
    let gateway = Gateway::builder().start().await;
    let port = gateway.host().rsplit_once(':').unwrap().1;
    let elsewhere = folder(&[]);
    for (name, value) in
        [("MCP_GATEWAY_LISTEN", format!("0.0.0.0:{port}")), ("MCP_GATEWAY_URL", format!("http://127.0.0.1:{port}/mcp"))]
    {
        let mut command = command(&["status", "--live"], elsewhere.path());
        // A proxy that is not there must not be asked for what is on this machine.
        command.env(name, value).env("http_proxy", "http://127.0.0.1:9").env("HTTP_PROXY", "http://127.0.0.1:9");
        assert_eq!(ended(command.spawn().unwrap()).await.good(), "", "{name}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn where_no_gateway_answers_it_ends_in_3_and_says_how_to_start_one() {
    let elsewhere = folder(&[]);
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{gone}");
    for flags in [&["--url", &url][..], &["--live", "--url", &url], &["--json", "--url", &url]] {
        let said = run(&[&["status"], flags].concat(), elsewhere.path()).await;
        let told = said.bad(3);
        assert!(told.starts_with(&format!("error: no gateway answers at `{url}`")), "{told}");
        assert!(told.contains("`--url`"), "{told}");
    }
    let slip = run(&["status", "--url", "127.0.0.1:9100"], elsewhere.path()).await;
    assert!(slip.bad(2).contains("write for instance http://127.0.0.1:9100"), "{slip:?}");
}

/// Answers every request with this status line, further headers and `text`, or never.
async fn stranger(answer: Option<(String, &'static str)>) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    let task = tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            if let Some((head, text)) = &answer {
                let _ = stream.read(&mut [0; 4096]).await;
                let answer = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{text}", text.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            }
            open.push(stream);
        }
    });
    (url, task)
}

#[tokio::test]
async fn a_stranger_at_the_port_and_one_that_never_answers_are_no_gateway() {
    let elsewhere = folder(&[]);
    let (url, _task) = stranger(Some(("200 OK".to_owned(), "# HELP node_exporter\n"))).await;
    let said = run(&["status", "--url", &url], elsewhere.path()).await;
    assert!(said.bad(3).contains("what answers there is no mcp-gateway"), "{said:?}");
    let (url, _task) = stranger(None).await;
    let said = run(&["status", "--live", "--url", &url], elsewhere.path()).await;
    assert!(said.bad(3).contains("within 3s"), "{said:?}");
}

#[tokio::test]
async fn what_sends_a_command_elsewhere_is_not_followed() {
    let gateway = Gateway::builder().start().await;
    let head = format!("307 Temporary Redirect\r\nlocation: http://{}/livez", gateway.host());
    let (url, _task) = stranger(Some((head, ""))).await;
    let said = run(&["status", "--url", &url], gateway.dir().path()).await;
    assert!(said.bad(3).contains("it answers with HTTP status 307"), "{said:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn states_have_colours_on_a_terminal_and_nowhere_else() {
    let gateway = Gateway::builder().shard("fake", fake_shard(&[])).shard("odd", "comand: x\n").start().await;
    gateway.until("fake", "ready").await;
    let line = format!("{} status --url {}", env!("CARGO_BIN_EXE_mcp-gateway"), gateway.url());
    let drawn = async |variables: &[(&str, &str)]| {
        let mut script = tokio::process::Command::new("script");
        script.args(["-q", "-e", "-c", &line, "/dev/null"]).env("TERM", "xterm").env_remove("NO_COLOR");
        let output = script.envs(variables.iter().copied()).kill_on_drop(true).output().await.unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = drawn(&[]).await;
    for part in ["\u{1b}[33mdegraded\u{1b}[0m", "\u{1b}[32mready\u{1b}[0m", "\u{1b}[31minvalid\u{1b}[0m"] {
        assert!(text.contains(part), "{text}");
    }
    for variables in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let text = drawn(&[variables]).await;
        assert!(text.contains("invalid") && !text.contains('\u{1b}'), "{text}");
    }
    assert!(!ask(&gateway, &["status"]).await.out.contains('\u{1b}'));
    gateway.stop().await;
}

#[tokio::test]
async fn the_help_of_each_command_has_examples_and_exit_codes() {
    let elsewhere = folder(&[]);
    let commands = [
        "serve",
        "stdio",
        "check",
        "schema",
        "ps",
        "client",
        "new",
        "list",
        "call",
        "status",
        "add",
        "import",
        "completions",
    ];
    for name in commands {
        let said = run(&[name, "--help"], elsewhere.path()).await;
        let text = said.good();
        let wrong = "2 the command line is wrong";
        for part in ["\nExamples:\n", "Exit codes: 0 ", wrong] {
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains(part) || flat.contains(part), "{part} is not in {text}");
        }
    }
}

#[tokio::test]
async fn a_gateway_without_tls_is_told_from_one_that_does_not_answer() {
    let gateway = Gateway::builder().start().await;
    let url = gateway.url().replace("http://", "https://");
    let said = run(&["status", "--url", &url], gateway.dir().path()).await;
    assert!(said.bad(3).contains("it does not speak TLS; an address of it begins with `http://`"), "{said:?}");
    gateway.stop().await;
}
