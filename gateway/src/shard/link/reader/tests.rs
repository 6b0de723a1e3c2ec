//! What becomes of the lines of a shard, without a process: a link, one call of a client, and the text that the shard
//! writes.

use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::*;
use crate::config::Mask;
use crate::shard::Heritage;
use crate::shard::budget::Budget;
use crate::shard::link::{Call, Caller, Deadlines, Limits, Ties};
use crate::shard::pool::{Mail, Owner};
use crate::wire::Capabilities;

const HOUR: Duration = Duration::from_secs(3600);

/// A link and the call 1, which the shard has been sent.
fn calling(budget: usize) -> (Link, Call) {
    let limits = Limits::new(64, 6000, Budget::new(budget), Mask::default());
    let link = Link::new(limits, Heritage::default(), Ties::default());
    let caller = Caller { client: 7, level: Some(Level::Debug), progress: true, ..Caller::GATEWAY };
    let call = link.call(1, b"call".to_vec(), caller, Deadlines { call: HOUR, max: HOUR }).unwrap();
    link.table().take_batch(64, &mut Vec::new());
    (link, call)
}

/// What the caller hears of what the shard writes, up to the end of the call.
async fn heard(budget: usize, text: &str) -> Vec<String> {
    let (link, mut call) = calling(budget);
    read(link, text.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    loop {
        match call.next().await {
            Event::Done(Ok(Reply::Result(result))) => {
                heard.push(String::from_utf8(result.to_vec()).unwrap());
                return heard;
            }
            Event::Done(Ok(Reply::Error(error))) => {
                heard.push(format!("error {}", String::from_utf8_lossy(&error)));
                return heard;
            }
            Event::Done(Err(failure)) => {
                heard.push(failure.to_string());
                return heard;
            }
            Event::Progress(_) => heard.push("progress".into()),
            Event::Log(_) => heard.push("log".into()),
            event => panic!("{event:?}"),
        }
    }
}

const RIGHT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"right":true}}"#;

#[tokio::test]
async fn a_broken_request_of_the_shard_is_no_answer_to_the_call_with_the_same_number() {
    let long = "x".repeat(7000);
    let lines = [
        r#"{"jsonrpc":"2.0","id":1,"method":"roots/list","params":[1]}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"roots/list","method":"ping"}"#.to_owned(),
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{{"x":"{long}"}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","params":{{"x":"{long}"}},"method":"sampling/createMessage","id":1}}"#),
        r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"#.to_owned(),
    ];
    for line in lines {
        assert_eq!(heard(0, &format!("{line}\n{RIGHT}\n")).await, [r#"{"right":true}"#], "{line}");
    }
}

#[tokio::test]
async fn a_broken_request_of_the_shard_is_refused_if_it_can_be_named() {
    let (link, _call) = calling(0);
    let text = r#"{"jsonrpc":"2.0","id":"a","method":"roots/list","params":[1]}"#.to_owned() + "\n";
    read(link.clone(), text.as_bytes()).await.unwrap();
    let mut out = Vec::new();
    link.table().take_batch(64, &mut out);
    let answer: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&"a".into(), &code::INVALID_REQUEST.into()));
}

#[tokio::test]
async fn a_broken_answer_ends_its_call_however_the_id_is_written() {
    let long = "x".repeat(7000);
    let cases = [
        (r#"{"jsonrpc":"2.0","id":"1","result":[]}"#.to_owned(), "`result` must be an object"),
        (r#"{"jsonrpc":"2.0","id":1.0,"result":{},"result":{}}"#.to_owned(), "duplicate key `result`"),
        (r#"{"jsonrpc":"2.0","result":{"x":tru},"id":1}"#.to_owned(), "invalid JSON"),
        (format!(r#"{{"jsonrpc":"2.0","id":"1","result":{{"x":"{long}"}}}}"#), "the limit is 6000 (`limits.message`)"),
        (format!(r#"{{"jsonrpc":"2.0","result":{{"x":"{long}"}},"id":1.0}}"#), "the limit is 6000 (`limits.message`)"),
    ];
    for (line, expected) in cases {
        let heard = heard(0, &format!("{line}\n{RIGHT}\n")).await;
        assert!(heard.len() == 1 && heard[0].contains(expected), "{line}: {heard:?}");
    }
}

#[tokio::test]
async fn an_answer_without_an_id_is_for_the_only_call_that_there_is() {
    let refused = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#;
    let expected = r#"error {"code":-32700,"message":"Parse error"}"#;
    assert_eq!(heard(0, &format!("{refused}\n")).await, [expected]);
}

#[tokio::test]
async fn notices_that_find_no_room_in_memory_are_lost_and_the_answer_is_not() {
    let notice = |method: &str, params: &str| {
        let text = "x".repeat(5000);
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{{{params},"data":"{text}"}}}}"#)
    };
    let text = [
        notice("progress", r#""progressToken":1"#),
        notice("message", r#""level":"info""#),
        notice("progress", r#""progressToken":"1""#),
        RIGHT.to_owned() + "\n",
    ];
    let heard = heard(11_000, &text.join("\n")).await;
    assert_eq!(heard, ["progress", "log", r#"{"right":true}"#], "the third notice is one too many");
}

#[tokio::test]
async fn what_the_child_of_a_session_logs_is_judged_by_what_the_session_wants_to_hear_then() {
    let (wish, level) = watch::channel(Some(Level::Error));
    let (post, mut mail) = mpsc::channel(4);
    let owner = Owner { client: 7, asks: Capabilities::NONE, level, post };
    let limits = Limits::new(64, 6000, Budget::new(1 << 20), Mask::default());
    let link = Link::new(limits, Heritage::default(), Ties { owner: Some(owner), ..Ties::default() });
    let line = |data: &str| {
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"info","data":"{data}"}}}}"#)
            + "\n"
    };
    read(link.clone(), line("before").as_bytes()).await.unwrap();
    wish.send_replace(Some(Level::Debug));
    assert!(mail.try_recv().is_err(), "a wish says nothing of what was said before");
    read(link.clone(), line("while").as_bytes()).await.unwrap();
    wish.send_replace(Some(Level::Error));
    let Ok(Mail { said: Unclaimed::Log(None, said), .. }) = mail.try_recv() else { panic!("it is told") };
    assert_eq!(said, r#"{"level":"info","data":"while"}"#);
}

#[tokio::test]
async fn a_question_with_an_endless_id_is_answered_and_not_kept() {
    let heritage = Heritage::default();
    let limits = Limits::new(64, 6000, Budget::new(1 << 20), Mask::default());
    let link = Link::new(limits, heritage.clone(), Ties::default());
    let asks = Capabilities::read(Raw::parse(br#"{"elicitation":{}}"#).ok());
    let caller = Caller { client: 7, asks, ..Caller::GATEWAY };
    let _call = link.call(1, b"call".to_vec(), caller, Deadlines { call: HOUR, max: HOUR }).unwrap();
    link.table().take_batch(64, &mut Vec::new());
    let ask =
        |id: &str| format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"elicitation/create","params":{{}}}}"#) + "\n";
    read(link.clone(), (ask(&"x".repeat(2000)) + &ask("x")).as_bytes()).await.unwrap();
    assert_eq!((heritage.stats.asked(), heritage.stats.declined()), (1, 1));
}

#[tokio::test]
async fn a_question_to_a_caller_that_goes_meanwhile_is_answered_and_takes_no_room() {
    let heritage = Heritage::default();
    let limits = Limits::new(64, 6000, Budget::new(1 << 20), Mask::default());
    let link = Link::new(limits, heritage.clone(), Ties::default());
    let asks = Capabilities::read(Raw::parse(br#"{"elicitation":{}}"#).ok());
    let caller = Caller { client: 7, asks, ..Caller::GATEWAY };
    let call = link.call(1, b"call".to_vec(), caller, Deadlines { call: HOUR, max: HOUR }).unwrap();
    link.table().take_batch(64, &mut Vec::new());
    // The reader has found the call, and then its caller is dropped.
    link.table().oldest_of(7).unwrap().mailbox.close();
    read(link.clone(), &b"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"elicitation/create\"}\n"[..]).await.unwrap();
    assert_eq!((heritage.stats.asked(), heritage.stats.declined()), (1, 1));
    assert!(link.is_settled());
    drop(call);
}

#[tokio::test]
async fn a_question_is_taken_back_without_a_reason_that_finds_no_room_in_memory() {
    let limits = Limits::new(64, 6000, Budget::new(6000), Mask::default());
    let link = Link::new(limits, Heritage::default(), Ties::default());
    let asks = Capabilities::read(Raw::parse(br#"{"elicitation":{}}"#).ok());
    let caller = Caller { client: 7, asks, ..Caller::GATEWAY };
    let mut call = link.call(1, b"call".to_vec(), caller, Deadlines { call: HOUR, max: HOUR }).unwrap();
    link.table().take_batch(64, &mut Vec::new());
    let reason = format!(r#""{}""#, "x".repeat(5000));
    let text: String = ["a", "b"]
        .map(|id| {
            format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"elicitation/create"}}"#)
                + "\n"
                + &format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":"{id}","reason":{reason}}}}}"#)
                + "\n"
        })
        .concat();
    read(link.clone(), text.as_bytes()).await.unwrap();
    let mut reasons = Vec::new();
    while reasons.len() < 2 {
        if let Event::AskCancelled { reason, .. } = call.next().await {
            reasons.push(reason);
        }
    }
    assert_eq!(reasons, [Some(reason.into()), None], "the first is still in memory");
}
