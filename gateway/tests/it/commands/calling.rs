//! `mcp-gateway call`: what is sent, what comes back, and how it ends.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Child;

use super::{DOWN, Said, ask, command, ended, folder, run, started};
use crate::support::{Gateway, Journal, fake_shard};

fn send(signal: Signal, child: &Child) {
    let pid = i32::try_from(child.id().expect("it runs")).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

#[tokio::test]
async fn a_tool_gets_the_arguments_in_their_own_words_and_its_result_is_printed_byte_for_byte() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let words = r#"{"n": 1.50, "big": 123456789012345678901, "text": "é\n"}"#;
    let said = ask(&gateway, &["call", "fake__echo", words, "--json"]).await;
    assert!(
        said.good().contains(r#""big":123456789012345678901"#) || said.out.contains(r#""big": 123456789012345678901"#)
    );
    assert!(said.out.contains("1.50"), "{said:?}");
    let sent = String::from_utf8(journal.bytes()).unwrap();
    assert!(sent.contains(r#""arguments":{"n": 1.50, "big": 123456789012345678901, "text": "é\n"}"#), "{sent}");
    let said = ask(&gateway, &["call", "fake__echo", "a=1"]).await;
    assert_eq!(said.good(), "ok\n{\n  \"a\": 1\n}\n", "the text, and the structure that says something else");
    gateway.stop().await;
}

#[tokio::test]
async fn without_a_gateway_only_the_shard_of_the_tool_is_started_and_ended() {
    let (journal, other) = (Journal::new(), Journal::new());
    let folder = folder(&[("fake", &journal.fake_shard(&[])), ("other", &other.fake_shard(&[]))]);
    let said = run(&["call", "fake__echo", "a=1", "--own"], folder.path()).await;
    assert!(said.good().starts_with("ok\n"), "{said:?}");
    assert_eq!(journal.of("tools/call").len(), 1);
    assert_eq!(journal.keepers(), [""; 0]);
    assert!(other.bytes().is_empty(), "the other shard was started");
}

#[tokio::test]
async fn an_error_of_the_tool_is_readable_on_stderr_and_ends_in_1() {
    let folder = folder(&[("fake", &fake_shard(&[]))]);
    let crashed = run(&["call", "fake__crash", "--own"], folder.path()).await;
    let told = crashed.bad(1);
    assert!(told.contains("shard `fake`") && told.contains("fake_shard: crashed on demand"), "{told}");
    let json = run(&["call", "fake__crash", "--own", "--json"], folder.path()).await;
    assert_eq!(json.code, Some(1));
    assert_eq!(serde_json::from_str::<Value>(&json.out).unwrap()["isError"], true);
}

#[tokio::test]
async fn a_tool_that_is_not_there_is_answered_with_the_nearest_and_with_the_shards_that_are_down() {
    let folder = folder(&[("fake", &fake_shard(&[])), ("down", DOWN)]);
    let check = async |tool: &str, parts: &[&str]| {
        let said = run(&["call", tool, "--own"], folder.path()).await;
        assert_eq!((said.code, &*said.out), (Some(1), ""));
        for part in parts {
            assert!(said.err.contains(part), "{tool}: {part}: {said:?}");
        }
    };
    check("fake__ecko", &["there is no tool `fake__ecko`", "did you mean `fake__echo`?"]).await;
    check("echo", &["did you mean `fake__echo`?"]).await;
    check("down__x", &["shard `down` does not run: it ended with exit status: 3", "`mcp-gateway list`"]).await;
}

#[tokio::test]
async fn progress_is_told_in_order_on_stderr_and_only_if_it_is_wanted() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let elsewhere = folder(&[("fake", &fake_shard(&[]))]);
    let call = ["call", "fake__progress", "n=3", "delay_ms=20"];
    let lines = |said: &Said| {
        assert_eq!((said.code, &*said.out), (Some(0), "3 steps\n"), "{said:?}");
        said.err.lines().map(|line| line.split('/').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let running = ask(&gateway, &[&call[..], &["--progress", "lines"]].concat()).await;
    assert_eq!(lines(&running), ["1", "2", "3"]);
    let own = run(&[&call[..], &["--progress", "lines", "--own"]].concat(), elsewhere.path()).await;
    assert_eq!(lines(&own), ["1", "2", "3"]);
    assert_eq!(ask(&gateway, &call).await.good(), "3 steps\n", "a bar is for terminals");
    ask(&gateway, &[&call[..], &["--progress", "off"]].concat()).await.good();
    let tokens = journal.of("tools/call").into_iter().map(|call| !call["params"]["_meta"]["progressToken"].is_null());
    assert_eq!(tokens.collect::<Vec<_>>(), [true, true, false]);
    gateway.stop().await;
}

#[tokio::test]
async fn an_interrupt_cancels_the_call_at_the_shard_of_a_running_gateway() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let url = gateway.url();
    let child = started(&["call", "fake__hang", "--url", &url], gateway.dir().path());
    let call = journal.call_of("hang").await;
    send(Signal::INT, &child);
    let said = ended(child).await;
    assert_eq!(said.bad(130), "error: interrupted; what was under way is cancelled\n");
    journal.until_cancelled(&call).await;
    gateway.stop().await;
}

#[tokio::test]
async fn an_interrupt_and_the_end_of_the_time_end_the_shards_of_the_command() {
    let journal = Journal::new();
    let folder = folder(&[("fake", &journal.fake_shard(&[]))]);
    let child = started(&["call", "fake__hang", "--own"], folder.path());
    let call = journal.call_of("hang").await;
    send(Signal::TERM, &child);
    let said = ended(child).await;
    assert!(said.bad(143).contains("interrupted"), "{said:?}");
    assert_eq!((journal.keepers(), journal.cancelled()), (Vec::new(), vec![call["id"].clone()]));

    let said = run(&["call", "fake__hang", "--own", "--timeout", "2s"], folder.path()).await;
    assert!(said.bad(1).contains("no answer within 2s (`--timeout`)"), "{said:?}");
    assert_eq!((journal.keepers(), journal.cancelled().len()), (Vec::new(), 2));
}

#[tokio::test]
async fn what_is_not_text_is_written_to_new_files() {
    let folder = folder(&[("fake", &fake_shard(&[]))]);
    let image = json!({"type": "image", "data": "aGk=", "mimeType": "image/png"});
    let text = json!({"type": "text", "text": "look"});
    let arguments = json!({"result": {"content": [text, image]}}).to_string();
    let call = ["call", "fake__raw_result", &arguments, "--own", "--out", "pictures"];
    for number in 1..=2 {
        let said = run(&call, folder.path()).await;
        assert_eq!(said.good(), format!("look\npictures/fake__raw_result-{number}.png (image/png, 2 bytes)\n"));
        let path = folder.path().join(format!("pictures/fake__raw_result-{number}.png"));
        assert_eq!(std::fs::read(path).unwrap(), b"hi");
    }
}

#[tokio::test]
async fn a_part_of_an_answer_that_cannot_be_read_does_not_hide_the_others() {
    let folder = folder(&[("fake", &fake_shard(&[]))]);
    let call = async |result: Value| {
        let arguments = json!({ "result": result }).to_string();
        run(&["call", "fake__raw_result", &arguments, "--own"], folder.path()).await
    };
    let broken = json!({"type": "audio", "data": "?", "mimeType": "audio/wav"});
    let said = call(json!({"content": [broken, {"type": "text", "text": "look"}]})).await;
    assert_eq!((said.code, &*said.out), (Some(1), "look\n"));
    assert!(said.err.starts_with("error: the tool's answer of type `audio/wav` is not base64"), "{said:?}");
    let said = call(json!({"isError": true})).await;
    assert!(said.bad(1).contains("`fake__raw_result` reports an error, and does not say which"), "{said:?}");
}

#[tokio::test]
async fn a_gateway_that_is_killed_under_a_call_is_told_with_what_may_have_happened() {
    let journal = Journal::new();
    let gateway = Gateway::builder().shard("fake", journal.fake_shard(&[])).start().await;
    gateway.until("fake", "ready").await;
    let elsewhere = folder(&[]);
    let child = started(&["call", "fake__hang", "--url", &gateway.url()], elsewhere.path());
    journal.call_of("hang").await;
    gateway.kill().await;
    let said = ended(child).await;
    assert!(said.bad(1).starts_with("error: cannot call `fake__hang`: `http://127.0.0.1:"), "{said:?}");
}

#[tokio::test]
async fn all_arguments_come_from_stdin_if_they_are_a_dash() {
    let folder = folder(&[("fake", &fake_shard(&[]))]);
    let mut child =
        command(&["call", "fake__echo", "-", "--own", "--json"], folder.path()).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(br#"{"a": [1, 2]}"#).await.unwrap();
    assert_eq!(ended(child).await.json()["structuredContent"], json!({"a": [1, 2]}));
}

#[tokio::test]
async fn a_gateway_that_must_be_there_and_is_not_is_not_replaced_by_own_shards() {
    let journal = Journal::new();
    let folder = folder(&[("fake", &journal.fake_shard(&[]))]);
    let said = run(&["call", "fake__echo", "--url", "http://127.0.0.1:9"], folder.path()).await;
    assert!(said.bad(3).starts_with("error: no gateway answers at `http://127.0.0.1:9`: "), "{said:?}");
    assert!(journal.bytes().is_empty());
}
