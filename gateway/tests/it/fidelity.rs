//! What the gateway carries arrives byte for byte, apart from line breaks and the keys that it must set (DESIGN D1): as
//! properties of raw JSON text, through both doors, between clients and shards of both eras.
//!
//! Invariant: every property is also shown to fail when something on the way parses the text and writes it anew.

mod payload;
mod rig;

// Arbitrary JSON text is the wire's own; a test binary sees nothing of the library that is private.
#[path = "../../src/wire/arbitrary.rs"]
mod arbitrary;

use std::cell::RefCell;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use serde_json::json;
use tokio::runtime::Runtime;

use arbitrary::{Member, members, object_text, value};
use payload::{Params, curious_meta, expected_error, expected_result, one_line, pieces, token};
use rig::{DoorKind, Era, Rig, Way};

/// What came, and what had to come.
type Compared = (Vec<String>, Vec<String>);

/// Sends many cases on one way; the error holds the smallest case that was changed.
fn holds<S: Strategy>(
    runtime: &Runtime,
    rig: &mut Rig,
    way: Way,
    cases: &S,
    travel: &impl AsyncFn(&mut Rig, Way, &S::Value) -> Compared,
) -> Result<(), TestError<S::Value>> {
    let rig = RefCell::new(rig);
    // Two doors share the cases of a way.
    let cases_per_way = Config::default().cases / 2;
    let config = Config { cases: cases_per_way, failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(cases, |case| {
        let (seen, expected) = runtime.block_on(travel(&mut rig.borrow_mut(), way, &case));
        if seen == expected {
            return Ok(());
        }
        Err(TestCaseError::fail(format!("{way:?}\nseen     {seen:#?}\nexpected {expected:#?}")))
    })
}

/// The property holds on every way and through both doors, and on no way if the shard spoils what it handles.
fn check<S: Strategy>(cases: &S, travel: &impl AsyncFn(&mut Rig, Way, &S::Value) -> Compared) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for door in [DoorKind::Http, DoorKind::Stdio] {
        let mut rig = runtime.block_on(Rig::start(door, "nothing"));
        for way in Way::ALL {
            holds(&runtime, &mut rig, way, cases, travel).unwrap_or_else(|error| panic!("{door:?}: {error}"));
        }
        runtime.block_on(rig.stop());
    }
    let mut rig = runtime.block_on(Rig::start(DoorKind::Http, "values"));
    for way in Way::ALL {
        let spoiled = holds(&runtime, &mut rig, way, cases, travel);
        assert!(matches!(spoiled, Err(TestError::Fail(..))), "{way:?}: {spoiled:?}");
    }
    runtime.block_on(rig.stop());
}

/// The answer to a call of `tool` with these arguments, and of the notices before it.
async fn call(rig: &mut Rig, way: Way, tool: &str, arguments: &str, token: &str) -> Vec<String> {
    let (name, meta) = (way.exposed(tool), curious_meta(way.client, token));
    let params = format!(r#"{{"name":"{name}","arguments":{arguments},"_meta":{meta}}}"#);
    rig.call(way.client, &name, &params).await
}

fn answer(payload: &str, text: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":7,"{payload}":{text}}}"#)
}

/// What the shard answers of its own, as the client must get it.
fn plain_result(way: Way, members: &[(&str, &str)]) -> String {
    let typed = ("resultType", "\"complete\"");
    let own = if way.shard == Era::Modern { &[typed][..] } else { &[] };
    let members: Vec<_> = own.iter().chain(members).map(|(key, text)| Member::plain(key, *text)).collect();
    answer("result", &expected_result(way, &members))
}

async fn arguments(rig: &mut Rig, way: Way, members: &[Member]) -> Compared {
    let arguments = object_text(members);
    let seen = call(rig, way, "echo", &arguments, "1").await;
    let content = r#"[{"type":"text","text":"ok"}]"#;
    (seen, vec![plain_result(way, &[("content", content), ("structuredContent", &one_line(&arguments))])])
}

async fn parameters(rig: &mut Rig, way: Way, params: &Params) -> Compared {
    let answered = rig.call(way.client, &way.exposed("echo"), &params.sent(way, "echo")).await;
    assert!(answered[0].contains(r#""structuredContent":"#), "{answered:?}");
    let received = rig.received(way.shard);
    let head = r#"{"jsonrpc":"2.0","id":"#;
    let number: String = received.trim_start_matches(head).chars().take_while(|digit| digit.is_ascii_digit()).collect();
    let expected = params.expected(way, "echo", &number);
    (vec![received], vec![format!(r#"{head}{number},"method":"tools/call","params":{expected}}}"#)])
}

/// The shard writes a line, so that only CR can stand between its tokens.
fn in_one_line(text: &str) -> String {
    text.replace('\n', "\r")
}

async fn results(rig: &mut Rig, way: Way, members: &[Member]) -> Compared {
    let arguments = json!({"text": in_one_line(&object_text(members))}).to_string();
    let seen = call(rig, way, "raw_text", &arguments, "1").await;
    (seen, vec![answer("result", &expected_result(way, members))])
}

async fn errors(rig: &mut Rig, way: Way, members: &[Member]) -> Compared {
    let text = object_text(members);
    let seen = call(rig, way, "raw_error", &json!({"text": in_one_line(&text)}).to_string(), "1").await;
    (seen, vec![answer("error", &expected_error(way, members))])
}

async fn notices(rig: &mut Rig, way: Way, method: &str, members: &[Member], token: &str) -> Compared {
    let pieces = pieces(members);
    let told: Vec<_> = pieces.iter().map(|piece| in_one_line(piece)).collect();
    let arguments = json!({"method": method, "pieces": told}).to_string();
    let seen = call(rig, way, "raw_notice", &arguments, token).await;
    let params = one_line(&pieces.join(token));
    let notice = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#);
    (seen, vec![notice, plain_result(way, &[("content", r#"[{"type":"text","text":"ok"}]"#)])])
}

#[test]
fn arguments_arrive_as_they_were_written() {
    check(&members(), &async |rig, way, members| arguments(rig, way, members).await);
}

#[test]
fn parameters_change_only_in_the_name_and_in_the_keys_of_meta_that_must_be_set() {
    check(&payload::params(), &async |rig, way, params| parameters(rig, way, params).await);
}

#[test]
fn results_arrive_as_they_were_written() {
    check(&payload::result(), &async |rig, way, members| results(rig, way, members).await);
}

#[test]
fn errors_arrive_as_they_were_written() {
    check(&payload::error(), &async |rig, way, members| errors(rig, way, members).await);
}

#[test]
fn progress_arrives_as_it_was_written_but_for_the_token() {
    check(&(payload::progress(), token()), &async |rig, way, (members, token)| {
        notices(rig, way, "notifications/progress", members, token).await
    });
}

#[test]
fn log_messages_arrive_as_they_were_written() {
    check(&payload::log(), &async |rig, way, members| notices(rig, way, "notifications/message", members, "1").await);
}

/// What a round trip through `serde_json::Value` does not keep, one kind each.
const FRAGILE: [&str; 12] = [
    r#"{"a":1234567890123456789012345678901234567890}"#,
    r#"{"a":3.141592653589793238462643383279502884197}"#,
    r#"{"a":1e5}"#,
    r#"{"a":-0}"#,
    r#"{"a":1.10}"#,
    r#"{"a":1,"a":2}"#,
    r#"{"\u0061":1}"#,
    r#"{"a":"\u0041"}"#,
    r#"{"a":"\/"}"#,
    r#"{"a":"\ud83d\ude00"}"#,
    r#"{"a" :1}"#,
    "{\"a\":\t[ ]}",
];

#[test]
fn the_properties_notice_each_thing_that_a_round_trip_loses_and_a_mere_change_of_order() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for spoil in ["nothing", "values", "order"] {
        let mut rig = runtime.block_on(Rig::start(DoorKind::Http, spoil));
        for way in Way::ALL {
            let fragile = FRAGILE.map(|text| [Member::plain("x", text)]);
            for members in fragile {
                let (seen, expected) = runtime.block_on(arguments(&mut rig, way, &members));
                assert_eq!(seen == expected, spoil != "values", "{spoil}: {seen:?}");
            }
            // Written without white space, so that nothing but the order is there to be lost.
            let plain = vec(("[a-z]", value()), 0..4)
                .prop_map(|members| members.iter().map(|(key, text)| Member::plain(key, text)).collect::<Vec<_>>());
            let found = holds(&runtime, &mut rig, way, &plain, &async |rig, way, members: &Vec<Member>| {
                arguments(rig, way, members).await
            });
            match (spoil, found) {
                ("nothing", Ok(())) => {}
                ("values", Err(TestError::Fail(_, least))) => assert!(object_text(&least).len() < 60, "{least:?}"),
                ("order", Err(TestError::Fail(_, least))) => assert_eq!(least.len(), 2, "{least:?}"),
                (_, found) => panic!("{spoil}: {found:?}"),
            }
        }
        runtime.block_on(rig.stop());
    }
}
