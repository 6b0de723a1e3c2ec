//! What a person sees who opens the gateway, and that no MCP client ever does.

use serde_json::json;

use crate::support::{Gateway, Legacy, Response, fake_shard, template_shard};

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");

async fn get(gateway: &Gateway, path: &str, headers: &[(&str, &str)]) -> Response {
    gateway.http().await.send("GET", path, headers, "").await
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_browser_sees_shards_tools_and_problems_at_both_addresses() {
    let gateway = Gateway::builder()
        .shard("host", template_shard())
        .shard("down", "command: sh\nargs: [-c, 'echo no database >&2; exit 3']\n")
        .shard("typo", "comand: x\n")
        .start()
        .await;
    gateway.until("host", "ready").await;
    gateway.until("down", "backoff").await;
    for path in ["/", "/mcp"] {
        let page = get(&gateway, path, &[BROWSER]).await;
        assert_eq!((page.status, header(&page, "content-type")), (200, "text/html; charset=utf-8"), "{path}");
        assert!(header(&page, "content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
        assert_eq!((header(&page, "x-content-type-options"), header(&page, "vary")), ("nosniff", "Accept"));
        let pid = gateway.shard("host").await["pid"].to_string();
        let address = gateway.url();
        let expected = [
            "badge degraded",
            "host__disk_usage",
            "it ended with exit status: 3",
            "no database",
            "<bdi>typo.yaml</bdi>:1</code>",
            "did you mean <code>command</code>?",
            &format!("data-label=\"PID\">{pid}<"),
            &format!("<code>{address}</code>"),
            &format!("--transport http gateway {address}</code>"),
        ];
        for text in expected {
            assert!(page.text().contains(text), "`{text}` is not at {path}:\n{}", page.text());
        }
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_view_has_its_own_page_and_an_unknown_one_says_what_was_meant() {
    let gateway = Gateway::builder().shard("host", template_shard()).shard("fake", fake_shard(&[])).start().await;
    gateway.until("host", "ready").await;
    gateway.until("fake", "ready").await;
    let alone = get(&gateway, "/mcp/host", &[BROWSER]).await.text();
    assert!(alone.contains("<code>disk_usage</code>") && alone.contains("1 shard ·"), "{alone}");
    assert!(!alone.contains("host__disk_usage") && !alone.contains("fake__echo"), "{alone}");
    assert!(alone.contains(&format!("gateway {}/host</code>", gateway.url())), "{alone}");
    let some = get(&gateway, "/mcp?shards=host", &[BROWSER]).await.text();
    assert!(some.contains("<code>host__disk_usage</code>") && !some.contains("fake__echo"), "{some}");
    let unknown = get(&gateway, "/mcp/hots", &[BROWSER]).await;
    assert_eq!((unknown.status, header(&unknown, "content-type")), (404, "text/html; charset=utf-8"));
    assert!(unknown.text().contains("There is no shard <code>hots</code>"), "{}", unknown.text());
    assert!(unknown.text().contains("<code>host</code>"), "{}", unknown.text());
    for (path, status, text) in [
        ("/nowhere/at/all", 404, "There is nothing at <code>/nowhere/at/all</code>"),
        ("/mcp?shard=host", 400, "did you mean <code>shards</code>?"),
    ] {
        let page = get(&gateway, path, &[BROWSER]).await;
        assert_eq!((page.status, header(&page, "content-type")), (status, "text/html; charset=utf-8"), "{path}");
        assert!(page.text().contains(text), "{}", page.text());
    }
    assert!(get(&gateway, "/nowhere", &[]).await.text().starts_with('{'), "a program is told in JSON");
    let root = gateway.http().await.send("POST", "/", &[], "{}").await;
    assert!(root.status == 405 && root.text().contains("endpoint is `/mcp`"), "{root:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn the_page_of_a_view_has_the_problems_and_the_counts_of_its_own_shards_only() {
    let gateway = Gateway::builder()
        .shard("one", fake_shard(&[]))
        .shard("two", fake_shard(&[]))
        .shard("typo", "comand: x\n")
        .start()
        .await;
    gateway.until("one", "ready").await;
    gateway.until("two", "ready").await;
    let all = get(&gateway, "/mcp", &[BROWSER]).await.text();
    assert!(all.contains("badge degraded") && all.contains("typo.yaml") && all.contains("is left out"), "{all}");
    let first = all.find("<bdi>typo.yaml</bdi>").unwrap();
    assert!(first < all.find("is left out").unwrap(), "a broken file comes before what is only left out: {all}");
    // Alone, each has the resources that only one of them can have for all.
    for path in ["/mcp/one", "/mcp/two", "/mcp?shards=two"] {
        let alone = get(&gateway, path, &[BROWSER]).await.text();
        assert!(alone.contains("badge ok") && alone.contains("data-label=\"Resources\">3<"), "{path}: {alone}");
        assert!(!alone.contains("id=\"problems\""), "{path}: {alone}");
    }
    let both = get(&gateway, "/mcp?shards=one,two", &[BROWSER]).await.text();
    assert!(both.contains("is left out") && !both.contains("comand"), "{both}");
    let with_broken = get(&gateway, "/mcp?shards=one,typo", &[BROWSER]).await.text();
    assert!(with_broken.contains("unknown key <code>comand</code>") && !with_broken.contains("is left out"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_head_request_is_answered_like_a_get_and_nothing_is_kept() {
    let gateway = Gateway::builder().start().await;
    for path in ["/", "/mcp", "/mcp/"] {
        let head = gateway.http().await.send("HEAD", path, &[BROWSER], "").await;
        assert_eq!((head.status, head.body.len(), header(&head, "cache-control")), (200, 0, "no-store"), "{path}");
        assert_ne!(header(&head, "content-length"), "0", "{path}");
    }
    let again = get(&gateway, "/", &[BROWSER, ("if-none-match", "*")]).await;
    assert_eq!((again.status, header(&again, "etag")), (200, ""), "what is true now is told each time");
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_not_a_browser_gets_no_page() {
    let gateway = Gateway::builder().shard("host", template_shard()).start().await;
    gateway.until("host", "ready").await;
    let client = Legacy::open(&gateway, "2025-11-25").await;
    let session = ("mcp-session-id", &*client.session);
    for accept in ["text/event-stream", "*/*", BROWSER.1] {
        let mut http = gateway.http().await;
        let stream = http.open("GET", "/mcp", &[("accept", accept), session], "").await;
        assert_eq!(
            (stream.status().as_u16(), &stream.headers()["content-type"]),
            (200, &"text/event-stream".parse().unwrap()),
            "{accept}"
        );
    }
    let modern = get(&gateway, "/mcp", &[BROWSER, ("mcp-protocol-version", "2026-07-28")]).await;
    assert_eq!(modern.status, 405);
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    let posted = gateway.http().await.send("POST", "/mcp", &[("accept", "text/html, */*"), session], request).await;
    assert_eq!((posted.status, header(&posted, "content-type")), (200, "application/json"));

    let curl = get(&gateway, "/mcp", &[("accept", "*/*")]).await;
    assert_eq!((curl.status, curl.code()), (400, Some(-32600)));
    for text in ["no `Mcp-Session-Id` header", "a browser shows a page here", "`/health`"] {
        assert!(curl.text().contains(text), "{}", curl.text());
    }
    let curl = get(&gateway, "/", &[("accept", "*/*")]).await;
    assert_eq!((curl.status, header(&curl, "content-type")), (200, "text/plain; charset=utf-8"));
    assert!(curl.text().contains(&format!("MCP      {} ", gateway.url())), "{}", curl.text());
    gateway.stop().await;
}

#[tokio::test]
async fn the_page_gives_the_address_by_which_it_was_reached_and_no_foreign_one() {
    let gateway = Gateway::builder().start().await;
    let lan = get(&gateway, "/", &[BROWSER, ("host", "nas.lan:9100")]).await.text();
    assert!(lan.contains("<code>http://nas.lan:9100/mcp</code>"), "{lan}");
    let proxied = [BROWSER, ("host", "nas.lan"), ("x-forwarded-proto", "https")];
    let proxied = get(&gateway, "/", &proxied).await.text();
    assert!(proxied.contains("<code>https://nas.lan/mcp</code>"), "{proxied}");
    for path in ["/", "/mcp"] {
        let foreign = get(&gateway, path, &[BROWSER, ("host", "evil.example")]).await;
        assert_eq!((foreign.status, header(&foreign, "content-type")), (403, "text/html; charset=utf-8"), "{path}");
        assert!(foreign.text().contains("<code>--allow-host evil.example</code>"), "{foreign:?}");
        assert!(!foreign.text().contains("href") || !foreign.text().contains("Shards"), "{foreign:?}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_secret_that_a_shard_tells_is_not_on_the_page() {
    let told = json!([{"name": "login", "description": "logs in with hunter2-hunter2", "title": "as hunter2-hunter2",
        "inputSchema": {"type": "object"}}]);
    let folder = tempfile::tempdir().unwrap();
    let tools = folder.path().join("tools.json");
    std::fs::write(&tools, told.to_string()).unwrap();
    let shard = fake_shard(&["--tools-file", tools.to_str().unwrap()]) + "env: { DB_PASSWORD: hunter2-hunter2 }\n";
    let down = "command: sh\nargs: [-c, 'echo $DB_PASSWORD >&2; exit 3']\nenv: { DB_PASSWORD: hunter2-hunter2 }\n";
    let gateway = Gateway::builder().shard("told", shard).shard("down", down).start().await;
    gateway.until("told", "ready").await;
    gateway.until("down", "backoff").await;
    for path in ["/", "/mcp/told"] {
        let page = get(&gateway, path, &[BROWSER]).await.text();
        assert!(page.contains("logs in with ***") && !page.contains("hunter2"), "{page}");
    }
    gateway.stop().await;
}
