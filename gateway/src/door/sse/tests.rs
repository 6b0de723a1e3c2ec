//! The first event: where the client sends its messages to.

use axum::http::{HeaderName, HeaderValue};

use super::*;

#[track_caller]
fn check(public: Option<&str>, header: Option<&'static str>, path: &str, expected: &str) {
    let place = Place { program: "mcp-gateway".into(), shards: "shards.d".into(), url: public.map(ToOwned::to_owned) };
    let mut headers = HeaderMap::new();
    headers.extend(header.map(|name| (HeaderName::from_static(name), HeaderValue::from_static("/gateway"))));
    let told = endpoint(&place, &path.parse().unwrap(), &headers, "7");
    assert_eq!(told, format!("event: endpoint\ndata: {expected}\n\n"), "{public:?} {header:?} {path}");
}

#[test]
fn messages_go_to_a_path_of_the_host() {
    for path in ["/sse", "/sse/", "/sse/time", "/sse/time/", "/sse?shards=a,b"] {
        check(None, None, path, "/messages?sessionId=7");
        check(Some("https://mcp.example.com/mcp"), None, path, "/messages?sessionId=7");
    }
}

#[test]
fn below_a_path_of_a_proxy_messages_go_where_the_stream_is() {
    let cases = [("/sse", ""), ("/sse/", "../"), ("/sse/time", "../"), ("/sse/time/", "../../"), ("/sse?shards=a", "")];
    for (path, up) in cases {
        let expected = format!("{up}messages?sessionId=7");
        check(Some("https://example.com/gateway/mcp"), None, path, &expected);
        check(None, Some("x-forwarded-prefix"), path, &expected);
    }
}
