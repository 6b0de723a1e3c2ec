//! What the shard asks in the midst of a call.

use serde_json::{Value, json};

use super::Turned;
use crate::cells::stage::{OWN_ROOT, Sharing, Stage};

/// The shard asks, the client answers, and the shard hears just that.
async fn is_asked(stage: &mut Stage, method: &str, params: Value, result: Value) {
    let id = stage.client.start_call("ask", json!({"method": method, "params": params})).await;
    let question = stage.client.question(id).await;
    assert_eq!((&question["method"], &question["params"]), (&json!(method), &params));
    stage.client.respond(&question, result.clone()).await;
    let heard = stage.client.end(id).await.result();
    assert_eq!(heard["structuredContent"]["result"], result);
}

pub(super) async fn elicitation(stage: &mut Stage) -> Turned {
    let choice = json!({"type": "string", "enum": ["a", "b"], "enumNames": ["A", "B"], "default": "b"});
    let schema = json!({"type": "object", "properties": {"choice": choice}, "required": ["choice"]});
    let params = json!({"message": "Which?", "requestedSchema": schema, "vendor": [1.5]});
    is_asked(stage, "elicitation/create", params.clone(), json!({"action": "accept", "content": {"choice": "a"}}))
        .await;
    is_asked(stage, "elicitation/create", params, json!({"action": "decline"})).await;
    Ok(())
}

pub(super) async fn sampling(stage: &mut Stage) -> Turned {
    let text = |text: &str| json!({"type": "text", "text": text});
    let params = json!({"messages": [{"role": "user", "content": text("Say \"ü\".")}], "maxTokens": 16});
    let result = json!({"role": "assistant", "content": text("ü"), "model": "none", "stopReason": "endTurn"});
    is_asked(stage, "sampling/createMessage", params, result).await;
    Ok(())
}

pub(super) async fn roots(stage: &mut Stage) -> Turned {
    if stage.sharing == Sharing::Shared {
        let heard = stage.client.call("ask", json!({"method": "roots/list"})).await.result();
        assert_eq!(heard["structuredContent"]["result"], json!({"roots": [{"uri": OWN_ROOT}]}));
        return Err("answered from `roots:` of the file: servers take one answer for all their clients");
    }
    let roots = json!({"roots": [{"uri": "file:///home/ü", "name": "mine"}, {"uri": "file:///srv"}]});
    is_asked(stage, "roots/list", json!({}), roots).await;
    Ok(())
}
