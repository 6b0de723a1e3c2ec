//! Calls and what belongs to them.

use serde_json::{Value, json};

use super::Turned;
use crate::cells::client::Client;
use crate::cells::stage::{Sharing, Stage};

pub(super) async fn plain(stage: &mut Stage) -> Turned {
    let client = &mut stage.client;
    let arguments = json!({"text": "a \"line\"\nü\u{2028}", "n": -1.5e3, "deep": [[], {}, null]});
    let result = client.call("echo", arguments.clone()).await.result();
    assert_eq!(result, json!({"content": [{"type": "text", "text": "ok"}], "structuredContent": arguments}));
    let read = client.ask("resources/read", json!({"uri": "fake://one"})).await.result();
    assert_eq!(read["contents"][0]["text"], "fake has fake://one");
    let prompt = client.ask("prompts/get", json!({"name": "fake__greet"})).await.result();
    assert_eq!(prompt["messages"][0]["content"]["text"], "fake has greet");
    assert_eq!(client.ask("ping", json!({})).await.result(), json!({}));
    has_its_children(stage).await;
    Ok(())
}

/// Two calls at once, and two sessions where the door has them, have as many children as `instances` says.
async fn has_its_children(stage: &mut Stage) {
    let own = child(&mut stage.client).await;
    let id = stage.client.start_call("hang", json!({})).await;
    let call = stage.journal.call_of("hang").await;
    let at_once = child(&mut stage.client).await;
    assert_eq!(own == at_once, stage.sharing != Sharing::Exclusive, "two calls of one session at once");
    if let Some(mut other) = stage.another().await {
        let of_other = child(&mut other).await;
        assert_eq!(own == of_other, stage.sharing == Sharing::Shared, "the calls of two sessions");
        other.leave().await;
    }
    stage.client.tell("notifications/cancelled", json!({"requestId": id})).await;
    stage.journal.until_cancelled(&call).await;
}

async fn child(client: &mut Client) -> Value {
    client.call("whoami", json!({})).await.result()["structuredContent"]["pid"].take()
}

pub(super) async fn progress(stage: &mut Stage) -> Turned {
    for (token, delay) in [(json!("a \"token\""), 0), (json!(7), 2)] {
        let arguments = json!({"n": 5, "delay_ms": delay});
        let params = json!({"name": "fake__progress", "arguments": arguments, "_meta": {"progressToken": token}});
        let told = stage.client.ask("tools/call", params).await;
        let steps: Vec<Value> = (1..=5)
            .map(
                |step| json!({"progressToken": token, "progress": step, "total": 5, "message": format!("step {step}")}),
            )
            .collect();
        assert_eq!(told.only("notifications/progress"), steps.iter().collect::<Vec<_>>());
        assert_eq!(told.answer["result"]["content"][0]["text"], "5 steps");
    }
    let silent = stage.client.call("progress", json!({"n": 5})).await.result();
    assert_eq!(silent["content"][0]["text"], "5 steps", "without a token there is no progress");
    Ok(())
}

pub(super) async fn cancel(stage: &mut Stage) -> Turned {
    let id = stage.client.start_call("hang", json!({})).await;
    let call = stage.journal.call_of("hang").await;
    stage.client.tell("notifications/cancelled", json!({"requestId": id, "reason": "no longer of use"})).await;
    stage.journal.until_cancelled(&call).await;
    let told = &stage.journal.of("notifications/cancelled")[0]["params"];
    assert_eq!(*told, json!({"requestId": call["id"], "reason": "no longer of use"}));
    stage.client.call("echo", json!({})).await.result();
    stage.client.ask("ping", json!({})).await.result();
    assert_eq!(stage.client.kept().next(), None, "nothing is heard of what was cancelled");
    Ok(())
}

pub(super) async fn completion(stage: &mut Stage) -> Turned {
    let argument = json!({"name": "name", "value": "al"});
    let prompt = json!({"type": "ref/prompt", "name": "fake__greet"});
    let template = json!({"type": "ref/resource", "uri": "fake://item/{id}"});
    for (reference, own) in [(prompt, json!({"type": "ref/prompt", "name": "greet"})), (template.clone(), template)] {
        let params = json!({"ref": reference, "argument": argument, "context": {"arguments": {"a": "b"}}});
        let completed = stage.client.ask("completion/complete", params.clone()).await.result();
        assert_eq!(completed["completion"], json!({"values": ["alpha", "beta"], "total": 2, "hasMore": false}));
        let mut heard = stage.journal.of("completion/complete").pop().expect("the shard is asked");
        assert_eq!(heard["params"]["ref"].take(), own);
        assert_eq!((&heard["params"]["argument"], &heard["params"]["context"]), (&argument, &params["context"]));
    }
    let nobody = json!({"ref": {"type": "ref/prompt", "name": "fake__gret"}, "argument": argument});
    let told = stage.client.ask("completion/complete", nobody).await;
    assert_eq!(told.error(), (-32602, "unknown prompt `fake__gret`; did you mean `fake__greet`?"));
    Ok(())
}

pub(super) async fn not_found(stage: &mut Stage) -> Turned {
    let client = &mut stage.client;
    let tool = client.call("ecko", json!({})).await;
    assert_eq!(tool.error(), (-32602, "unknown tool `fake__ecko`; did you mean `fake__echo`?"));
    let of_shard = client.call("not_found", json!({})).await;
    assert_eq!(of_shard.error(), (-32602, "Unknown tool: not_found"));
    let prompt = client.ask("prompts/get", json!({"name": "fake__gret"})).await;
    assert_eq!(prompt.error(), (-32602, "unknown prompt `fake__gret`; did you mean `fake__greet`?"));
    let resource = client.ask("resources/read", json!({"uri": "none://there"})).await;
    assert_eq!(resource.error(), (-32002, "no shard has the resource `none://there`"));
    assert_eq!(resource.answer["error"]["data"]["uri"], "none://there");
    let method = client.ask("vendor/method", json!({})).await;
    assert_eq!(method.error(), (-32601, "method `vendor/method` is not served here"));
    Ok(())
}
