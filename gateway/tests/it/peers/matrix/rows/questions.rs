//! What the shard asks in the midst of a call: by a request of its own, or by its answer.

use serde_json::{Value, json};

use super::Turned;
use crate::peers::matrix::client::Era;
use crate::peers::matrix::stage::{ALONE, Cell, OWN_ROOT};

/// What the modern shard writes down for itself.
const STATE: &str = "state of \"ä\" ==";

/// The shard asks these at once, the client answers each with `result`, and the shard hears just that, having run the
/// tool once.
async fn is_asked(cell: &Cell<'_>, method: &str, params: &[Value], result: Value) {
    let begun = cell.calls_of("ask").len();
    let keys = ["first", "second"];
    let with = |value: &dyn Fn(usize) -> Value| -> Value {
        (0..params.len()).map(|at| (keys[at].to_owned(), value(at))).collect::<serde_json::Map<_, _>>().into()
    };
    let questions = with(&|at| json!({"method": method, "params": params[at]}));
    let mut answers = json!({});
    answers[method] = result.clone();
    let told = cell.call_as("ask", json!({"questions": questions}), json!({"answers": answers})).await;
    let heard = with(&|_| result.clone());
    assert_eq!(told.content(), &json!({"heard": heard}));

    assert_eq!(told.asked().len(), params.len(), "{told:?}");
    for question in params {
        let is_it = |asked: &Value| asked["method"] == method && holds(&asked["params"], question);
        assert!(told.asked().iter().any(is_it), "{question} is not among {:?}", told.asked());
    }
    let calls = cell.calls_of("ask").split_off(begun);
    match cell.era {
        Era::Legacy => {
            assert_eq!(calls.len(), 1, "no call runs twice: {calls:?}");
            let answered = cell.sent().iter().filter(|message| message["result"] == result).count();
            assert!(answered >= params.len(), "the shard is sent the client's own answer: {:?}", cell.sent());
        }
        Era::Modern => {
            let [first, second] = &calls[..] else { panic!("two rounds: {calls:?}") };
            assert_eq!(first["params"].get("inputResponses"), None);
            assert_eq!(second["params"]["inputResponses"], heard);
            assert_eq!(second["params"]["requestState"], STATE);
            assert_eq!(first["params"]["arguments"], second["params"]["arguments"]);
        }
    }
    cell.is_quiet().await;
}

/// Whether all that the shard asked is in what the client was asked: the SDKs may fill in defaults.
fn holds(asked: &Value, question: &Value) -> bool {
    let question = question.as_object().expect("parameters are an object");
    question.iter().all(|(key, value)| &asked[key] == value)
}

pub(super) async fn elicitation(cell: Cell<'_>) -> Turned {
    let choice = json!({"type": "string", "enum": ["a", "b"], "enumNames": ["A", "B"], "default": "b"});
    let schema = json!({"type": "object", "properties": {"choice": choice}, "required": ["choice"]});
    let question = |message: &str| json!({"message": message, "requestedSchema": schema});
    let accepted = json!({"action": "accept", "content": {"choice": "a"}});
    is_asked(&cell, "elicitation/create", &[question("Which?")], accepted.clone()).await;
    is_asked(&cell, "elicitation/create", &[question("Which, really?")], json!({"action": "decline"})).await;
    is_asked(&cell, "elicitation/create", &[question("This?"), question("That?")], accepted).await;
    Ok(())
}

pub(super) async fn sampling(cell: Cell<'_>) -> Turned {
    let text = |text: &str| json!({"type": "text", "text": text});
    let question = json!({"messages": [{"role": "user", "content": text("Say \"ü\".")}], "maxTokens": 16});
    let answer = json!({"role": "assistant", "content": text("ü"), "model": "none", "stopReason": "endTurn"});
    is_asked(&cell, "sampling/createMessage", &[question], answer).await;
    Ok(())
}

pub(super) async fn roots(cell: Cell<'_>) -> Turned {
    let own = json!({"roots": [{"uri": "file:///home/%C3%BC", "name": "mine"}, {"uri": "file:///srv"}]});
    if cell.era == Era::Modern {
        is_asked(&cell, "roots/list", &[json!({})], own).await;
        return Ok(());
    }
    let told = cell.call("ask", json!({"questions": {"q": {"method": "roots/list"}}})).await;
    assert_eq!(told.content(), &json!({"heard": {"q": {"roots": [{"uri": OWN_ROOT}]}}}), "of a shard that all share");
    assert!(told.asked().is_empty(), "{told:?}");
    is_asked(&cell.at(ALONE), "roots/list", &[json!({})], own).await;
    Err(
        "of a shared shard `roots:` in its file answers, since servers take one answer for all their clients; the client is \
         asked by a shard with `instances: exclusive`",
    )
}
