//! What changes between the eras, as text.

use std::sync::Arc;

use super::*;
use crate::mux::route::Errand;
use crate::mux::{ClientKey, Principal};
use crate::wire::{Capabilities, Level, code};

fn client(revision: Revision, level: Option<Level>) -> Client {
    let info = Arc::from(r#"{"name":"n","version":"1"}"#);
    let key = ClientKey(1);
    let principal = Principal::Connection(key);
    Client { key, principal, revision, info, capabilities: Capabilities::default(), level }
}

fn route(method: &str, own: Option<&str>) -> Route {
    let own_name = own.map(Arc::from);
    let uri = Some("file:///a\"b".into());
    let (method, shard, view, errand) = (method.into(), "shard".into(), Arc::default(), Errand::None);
    Route { method, shard, own_name, exposed: None, uri, view, errand }
}

fn sent(route: &Route, client: &Client, era: Era, params: &str) -> String {
    let params = Raw::parse(params.as_bytes()).unwrap();
    let asks = client.capabilities;
    let line = outgoing(7, route, (client, asks), era, Some(params), &Params::read(Some(params)).unwrap());
    let line = String::from_utf8(line).unwrap();
    let head = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{}","params":"#, route.method);
    line.strip_prefix(&head).unwrap().strip_suffix('}').unwrap().to_owned()
}

#[test]
fn a_request_changes_in_name_and_meta_only() {
    let (legacy, modern) = (client(Revision::V2025_06_18, None), client(Revision::MODERN, None));
    let call = route("tools/call", Some("a\"b"));
    let asked =
        r#"{"x":1e5, "name":"s__a_b","_meta":{ "progressToken" : "t" ,"io.modelcontextprotocol/a":1, "k":[2] }}"#;
    let same_era =
        r#"{"x":1e5, "name":"a\"b","_meta":{ "progressToken" : 7 ,"io.modelcontextprotocol/a":1, "k":[2] }}"#;
    assert_eq!(sent(&call, &legacy, Era::Legacy, asked), same_era);
    assert_eq!(sent(&call, &modern, Era::Modern, asked), same_era);
    assert_eq!(
        sent(&call, &modern, Era::Legacy, asked),
        r#"{"x":1e5, "name":"a\"b","_meta":{ "progressToken" : 7 , "k":[2] }}"#
    );
    let same_name = route("resources/read", None);
    assert_eq!(sent(&same_name, &legacy, Era::Legacy, "{\"uri\":\n\"u\"}"), r#"{"uri": "u"}"#);
    let complete = route("completion/complete", Some("own"));
    assert_eq!(
        sent(&complete, &legacy, Era::Legacy, r#"{"ref":{"type":"ref/prompt", "name":"s__own"},"name":"x"}"#),
        r#"{"ref":{"type":"ref/prompt", "name":"own"},"name":"x"}"#
    );
}

#[test]
fn answers_of_a_modern_client_do_not_reach_a_legacy_shard() {
    let (call, modern) = (route("tools/call", None), client(Revision::MODERN, None));
    let again = r#"{"name":"a", "inputResponses":{"k":{}},"requestState":"s","x":1}"#;
    assert_eq!(sent(&call, &modern, Era::Legacy, again), r#"{"name":"a","x":1,"_meta":{}}"#);
    assert_eq!(sent(&call, &modern, Era::Modern, again), again);
    assert_eq!(sent(&call, &client(Revision::V2025_11_25, None), Era::Legacy, again), again);
}

#[test]
fn a_modern_shard_hears_of_a_legacy_client_in_meta() {
    let expected = |level: &str| {
        [
            r#"{"uri":"u","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
            r#""io.modelcontextprotocol/clientInfo":{"name":"n","version":"1"},"#,
            r#""io.modelcontextprotocol/clientCapabilities":{}"#,
            level,
            "}}",
        ]
        .concat()
    };
    let read = route("resources/read", None);
    let sent = |level| sent(&read, &client(Revision::V2025_06_18, level), Era::Modern, r#"{"uri":"u"}"#);
    assert_eq!(sent(None), expected(""));
    assert_eq!(sent(Some(Level::Warning)), expected(r#","io.modelcontextprotocol/logLevel":"warning""#));
}

#[test]
fn a_modern_client_gets_the_members_that_its_era_demands_and_no_other_change() {
    let check = |method: &str, given: &'static str, expected: &str| {
        let given = result(Bytes::from(given), method, Era::Legacy, Era::Modern).unwrap();
        assert_eq!(given, Crossed::Complete(Bytes::copy_from_slice(expected.as_bytes())));
    };
    check("tools/call", r#"{"a":1.0 }"#, r#"{"a":1.0 ,"resultType":"complete"}"#);
    check("tools/call", r#"{"resultType":"complete", "a":1 }"#, r#"{"resultType":"complete", "a":1 }"#);
    check("tools/call", "{}", r#"{"resultType":"complete"}"#);
    check("tools/call", r#"{"resultType":"table","a":1}"#, r#"{"resultType":"complete","a":1}"#);
    let asking = r#"{"resultType":"input_required","inputRequests":{}}"#;
    check("tools/call", asking, r#"{"resultType":"complete","inputRequests":{}}"#);
    let added = r#"{"contents":[],"resultType":"complete","ttlMs":0,"cacheScope":"private"}"#;
    check("resources/read", r#"{"contents":[]}"#, added);
    let partly = r#"{"ttlMs":5,"cacheScope":"public","resultType":"complete"}"#;
    check("resources/read", r#"{"ttlMs":5,"cacheScope":"public"}"#, partly);
}

#[test]
fn a_legacy_client_gets_complete_results_as_they_are_and_questions_are_told_from_them() {
    let given = |text: &'static str| result(Bytes::from(text), "tools/call", Era::Modern, Era::Legacy);
    let complete = r#"{"resultType":"complete", "a":-0 }"#;
    assert_eq!(given(complete), Ok(Crossed::Complete(Bytes::from(complete))));
    let asking = r#"{"resultType":"input\u005frequired","inputRequests":{}}"#;
    assert_eq!(given(asking), Ok(Crossed::InputRequired(Bytes::from(asking))));
    assert!(given(r#"{"resultType":"task"}"#).is_err());
    assert!(given(r#"{"resultType":"complete","resultType":"input_required"}"#).is_err());
}

#[test]
fn a_resource_that_is_not_there_has_the_code_of_the_clients_era() {
    let check = |method: &str, from: Era, to: Era, given: &'static str, expected: (&str, i64)| {
        let (text, code) = error(&Bytes::from(given), &route(method, None), from, to);
        assert_eq!((&*text, code), expected);
    };
    let (legacy, modern) = (Era::Legacy, Era::Modern);
    let missing = r#"{"code":-32002, "x":1.0,"message":"m"}"#;
    let missing_now = r#"{"code":-32602, "x":1.0,"message":"m","data":{"uri":"file:///a\"b"}}"#;
    check("resources/read", legacy, modern, missing, (missing_now, -32602));
    check("resources/read", legacy, legacy, missing, (missing, -32002));
    let internal = r#"{"code":-32603, "x":1.0,"message":"m"}"#;
    check("tools/call", legacy, modern, missing, (internal, -32603));
    check("tools/call", modern, modern, missing, (missing, -32002));
    let named = r#"{"code":-32602,"data":{"uri":"u"}}"#;
    check("resources/read", modern, legacy, named, (r#"{"code":-32002,"data":{"uri":"u"}}"#, -32002));
    let unnamed = r#"{"code":-32602}"#;
    check("resources/read", modern, legacy, unnamed, (unnamed, -32602));
    let odd = r#"{"code":99999999999999999999,"message":7}"#;
    check("tools/call", modern, legacy, odd, (odd, code::INTERNAL));
}

#[test]
fn a_code_that_means_something_else_to_modern_clients_does_not_reach_them() {
    let check = |from: Era, to: Era, number: i64, expected: i64| {
        let given = format!(r#"{{"message":"m" , "code":{number},"data":[1.0]}}"#);
        let (text, code) = error(&Bytes::from(given), &route("tools/call", None), from, to);
        assert_eq!((text, code), (format!(r#"{{"message":"m" , "code":{expected},"data":[1.0]}}"#), expected));
    };
    let (legacy, modern) = (Era::Legacy, Era::Modern);
    for reserved in [-32020, -32021, -32022, -32042, -32050, -32099] {
        check(legacy, modern, reserved, code::INTERNAL);
        check(legacy, legacy, reserved, reserved);
        check(modern, legacy, reserved, reserved);
        check(modern, modern, reserved, reserved);
    }
    for free in [-32019, -32000, -32100, -32602, 7] {
        check(legacy, modern, free, free);
    }
}

const URLS: &str = concat!(
    r#"{"code":-32042,"message":"log in","data":{"elicitations":[{"mode":"url","elicitationId":"1","url":"https://a/","#,
    r#""message":"here"},{"mode":"url","elicitationId":"2","url":"https://b/"}]}}"#
);

#[test]
fn a_modern_client_that_cannot_send_the_person_to_urls_is_told_so() {
    let (text, code) = error(&Bytes::from(URLS), &route("tools/call", None), Era::Legacy, Era::Modern);
    assert_eq!(code, code::MISSING_CAPABILITY);
    assert!(text.contains(r#""requiredCapabilities":{"elicitation":{"url":{}}}"#) && text.contains("log in"), "{text}");
    assert_eq!(error(&Bytes::from(URLS), &route("tools/call", None), Era::Legacy, Era::Legacy), (URLS.into(), -32042));
}

#[test]
fn structured_content_that_is_no_object_is_put_into_one_for_legacy_clients() {
    let check = |text: &'static str, expected: &'static str| {
        let given = result(Bytes::from(text), "tools/call", Era::Modern, Era::Legacy);
        assert_eq!(given, Ok(Crossed::Complete(Bytes::from(expected))));
    };
    check(r#"{"structuredContent":[1.0], "a":1}"#, r#"{"structuredContent":{"result":[1.0]}, "a":1}"#);
    check(r#"{"structuredContent":null}"#, r#"{"structuredContent":{"result":null}}"#);
    check(r#"{"structuredContent":{"a":1.0 } }"#, r#"{"structuredContent":{"a":1.0 } }"#);
}

#[test]
fn progress_goes_out_under_the_clients_token_and_is_else_the_same() {
    let params = Bytes::from(r#"{"progress":1.50,"x":{"progressToken":7}, "progressToken" : "7" }"#);
    let expected = r#"{"progress":1.50,"x":{"progressToken":7}, "progressToken" : [1] }"#;
    assert_eq!(progress(&params, "[1]").unwrap(), expected.as_bytes());
}
