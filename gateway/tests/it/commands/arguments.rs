//! `mcp-gateway call` with arguments that the tool's schema does not take.

use std::fs;

use serde_json::json;

use super::{folder, run};
use crate::support::Journal;

/// A shard with one tool that wants much.
fn picky(folder: &tempfile::TempDir, journal: &Journal) {
    let schema = json!({"type": "object", "required": ["city"], "properties": {
        "city": {"type": "string", "minLength": 2, "description": "Where"},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
        "units": {"enum": ["metric", "imperial"]},
    }});
    let tools = folder.path().join("tools.json");
    fs::write(&tools, json!([{"name": "weather", "description": "Forecast", "inputSchema": schema}]).to_string())
        .unwrap();
    let shard = journal.fake_shard(&["--tools-file", tools.to_str().unwrap()]);
    fs::write(folder.path().join("shards.d/sky.yaml"), shard).unwrap();
}

#[tokio::test]
async fn wrong_arguments_show_the_complaint_and_what_the_tool_takes_and_are_not_sent() {
    let (folder, journal) = (folder(&[]), Journal::new());
    picky(&folder, &journal);
    let check = async |words: &[&str], parts: &[&str]| {
        let said = run(&[&["call", "sky__weather", "--own"], words].concat(), folder.path()).await;
        let told = said.bad(1);
        for part in
            parts.iter().chain(&["`sky__weather` was not called", "What it takes:", "city", "required", "Where"])
        {
            assert!(told.contains(part), "{words:?}: `{part}` in {told}");
        }
    };
    check(&[], &[r#""city" is a required property"#]).await;
    check(&["city=Ulm", "days=many"], &["`days` must be an integer, and `many` is not"]).await;
    check(&["city=Ulm", "days=9"], &["`days`: 9 is greater than the maximum of 7"]).await;
    check(&["city=Ulm", "units=feet"], &["`units`: \"feet\" is not one of", r#""metric" | "imperial""#]).await;
    check(&["town=Ulm"], &["is a required property", "unknown argument `town`"]).await;
    check(&[r#"{"city": 7}"#], &["`city`: 7 is not of type \"string\""]).await;
    assert!(journal.of("tools/call").is_empty());
}

#[tokio::test]
async fn right_arguments_are_sent_with_the_types_of_the_schema() {
    let (folder, journal) = (folder(&[]), Journal::new());
    picky(&folder, &journal);
    let said = run(&["call", "sky__weather", "city=12", "days=3", "--own", "--json"], folder.path()).await;
    assert_eq!(said.json()["structuredContent"]["arguments"], json!({"city": "12", "days": 3}));
}

#[tokio::test]
async fn a_tool_is_described_without_being_called() {
    let (folder, journal) = (folder(&[]), Journal::new());
    picky(&folder, &journal);
    let said = run(&["call", "sky__weather", "--describe", "--own"], folder.path()).await;
    let lines: Vec<String> =
        said.good().lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "sky__weather",
        "Forecast",
        "",
        "ARGUMENT TYPE MEANING",
        "city string required Where",
        "days integer",
        r#"units "metric" | "imperial""#,
    ];
    assert_eq!(lines, expected);
    assert!(journal.of("tools/call").is_empty());
}

#[tokio::test]
async fn words_that_are_no_arguments_start_nothing() {
    let (folder, journal) = (folder(&[]), Journal::new());
    picky(&folder, &journal);
    for (word, part) in
        [("Ulm", "write `key=value`"), ("@nowhere.json", "cannot open `nowhere.json`"), ("city=@nowhere", "`@@`")]
    {
        let said = run(&["call", "sky__weather", word, "--own"], folder.path()).await;
        assert!(said.bad(1).contains(part), "{said:?}");
    }
    assert!(journal.bytes().is_empty());
}
