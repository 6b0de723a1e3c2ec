//! Lists of a shard that answers as it is told, over a pipe in memory. Time is virtual.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};

use super::*;
use crate::config::Mask;
use crate::shard::Heritage;
use crate::shard::budget::Budget;
use crate::shard::link::{Limits, Ties, read, write};

const LIMIT: Duration = Duration::from_secs(3);
const GREETING: &str = r#"{"tools":{},"resources":{}}"#;

/// Answers the requests in turn with these members, and those after them never.
async fn play(mut stdout: DuplexStream, stdin: DuplexStream, answers: &[&str]) -> io::Result<()> {
    let mut lines = BufReader::new(stdin).lines();
    let mut answers = answers.iter();
    while let Some(line) = lines.next_line().await? {
        let request: serde_json::Value = serde_json::from_str(&line)?;
        if let (Some(id), Some(answer)) = (request.get("id"), answers.next()) {
            stdout.write_all(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{answer}}}\n").as_bytes()).await?;
        }
    }
    Ok(())
}

/// Runs `ask` over a link to such a shard.
async fn with_shard<T>(answers: &[&str], ask: impl AsyncFnOnce(&Link) -> T) -> T {
    let limits = Limits::new(1, 100_000, Budget::new(1 << 20), Mask::default());
    let link = Link::new(limits, Heritage::default(), Ties::default());
    let ((stdin, theirs), (ours, stdout)) = (duplex(1000), duplex(1000));
    tokio::select! {
        asked = ask(&link) => asked,
        ended = read(link.clone(), ours) => panic!("{ended:?}"),
        ended = write(link.clone(), stdin) => panic!("{ended:?}"),
        ended = play(stdout, theirs, answers) => panic!("{ended:?}"),
    }
}

async fn tools(answers: &[&str]) -> Offered {
    with_shard(answers, async |link| offered(link, Era::Legacy, List::Tools, Within::from_now(LIMIT)).await).await
}

fn keys(offered: &Offered) -> Vec<&str> {
    offered.items.iter().map(|item| &*item.key).collect()
}

#[tokio::test(start_paused = true)]
async fn all_pages_are_one_list_and_an_odd_item_costs_itself_alone() {
    let offered = tools(&[
        r#""result":{"tools":[{"name":"a"},{"name":7},"x",{"name":"b"}],"nextCursor":"2"}"#,
        r#""result":{"tools":[{"name":"c"}]}"#,
    ])
    .await;
    assert_eq!(keys(&offered), ["a", "b", "c"]);
    assert_eq!(offered.problems.len(), 2, "{:?}", offered.problems);
    assert!(!offered.broken_off);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_breaks_off_says_so_and_gives_way_to_the_one_before() {
    let first = r#""result":{"tools":[{"name":"a"}],"nextCursor":"2"}"#;
    let before = tools(&[r#""result":{"tools":[{"name":"old"}]}"#]).await;
    for answers in [&[first, r#""error":{"code":-1,"message":"no"}"#][..], &[first]] {
        let offered = tools(answers).await;
        assert!(offered.broken_off && offered.problems[0].starts_with("`tools/list` failed: "), "{offered:?}");
        let problems = offered.problems.clone();
        assert_eq!(keys(&offered.clone().or_what_was(&Offered::default())), ["a"], "better than nothing");
        let kept = offered.or_what_was(&before);
        assert_eq!((keys(&kept), &kept.problems, kept.broken_off), (vec!["old"], &problems, false));
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_not_served_after_all_is_empty() {
    let offered = tools(&[r#""error":{"code":-32601,"message":"Method not found"}"#]).await;
    assert_eq!(offered, Offered { ttl_ms: 0, ..Offered::default() });
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_repeats_and_pages_without_end_are_cut() {
    let page = r#""result":{"tools":[{"name":"a"}],"nextCursor":"again"}"#;
    let offered = tools(&[page; 3]).await;
    assert_eq!((keys(&offered), &*offered.problems[0]), (vec!["a", "a"], "`tools/list` repeats the cursor `again`"));
    let pages: Vec<String> =
        (0..=PAGES).map(|page| format!(r#""result":{{"tools":[],"nextCursor":"{page}"}}"#)).collect();
    let offered = tools(&pages.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(offered.problems, ["`tools/list` has more than 200 pages; the rest is left out"]);
}

#[tokio::test(start_paused = true)]
async fn all_lists_together_keep_to_the_time_of_a_start() {
    let greeting = Greeting {
        era: Era::Legacy,
        revision: "2025-11-25".into(),
        server_info: "{}".into(),
        capabilities: GREETING.into(),
        instructions: None,
        certain: true,
        discover: None,
    };
    let begun = Instant::now();
    let roster = with_shard(&[], async |link| roster(link, &greeting, Within::from_now(LIMIT)).await).await;
    assert_eq!(begun.elapsed().as_secs(), LIMIT.as_secs());
    let problems: Vec<_> = roster.lists.iter().flat_map(|list| &list.problems).collect();
    let expected = |method| format!("`{method}` failed: no answer within 3s (`timeouts.start`)");
    let methods = ["tools/list", "resources/list", "resources/templates/list"];
    assert_eq!(problems, methods.map(expected).iter().collect::<Vec<_>>(), "prompts were not declared");
}
