//! Each feature for a client of either era before a shard of either era, all of them on real SDKs: one table of forty
//! rows, which is played for each family of SDKs and each door.
//!
//! Invariant: no row is left out. Where the specification lets a feature take another way in an era, the row quotes it
//! and asserts that way.

mod client;
mod rows;
mod stage;

use std::io::Write as _;
use std::rc::Rc;

pub(super) use client::{Client, Era, Told};
use comfy_table::{Table, presets};
use rows::{FEATURES, Turned};
use stage::{Cell, Stage, Way};
use tokio::task::{JoinError, JoinSet, LocalSet};

/// One row: the feature, the era of the client and that of the shard.
type Row = (usize, Era, Era);

/// All of them.
fn rows() -> impl Iterator<Item = Row> {
    let eras = || Era::ALL.into_iter();
    (0..FEATURES.len())
        .flat_map(move |feature| eras().flat_map(move |client| eras().map(move |shard| (feature, client, shard))))
}

async fn play(stage: Rc<Stage>, (feature, client, shard): Row) -> Turned {
    FEATURES[feature].1(Cell::begin(&stage, client, shard).await).await
}

fn why(failed: JoinError) -> String {
    let said = failed.into_panic();
    let text = said.downcast_ref::<String>().cloned();
    text.or_else(|| said.downcast_ref::<&str>().map(ToString::to_string)).expect("a panic that says why")
}

/// Plays the rows one after the other, so that whatever is heard belongs to one of them, and gives the table and what
/// failed.
async fn play_all(stage: &Rc<Stage>) -> (String, Vec<String>) {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header(["client", "shard", "feature", "as"]);
    let (mut notes, mut failures): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
    let mut playing = JoinSet::new();
    for row in rows() {
        let (feature, client, shard) = row;
        let names = [client.name(), shard.name(), FEATURES[feature].0];
        playing.spawn_local(play(Rc::clone(stage), row));
        let outcome = match playing.join_next().await.expect("one row is under way") {
            Ok(Ok(())) => "is".to_owned(),
            Ok(Err(note)) => {
                let at = notes.iter().position(|known| *known == note).unwrap_or(notes.len());
                if at == notes.len() {
                    notes.push(note);
                }
                format!("({})", at + 1)
            }
            Err(failed) => {
                failures.push(format!("{} client, {} shard, {}: {}", names[0], names[1], names[2], why(failed)));
                "FAILED".to_owned()
            }
        };
        table.add_row(names.into_iter().chain([&*outcome]));
    }
    let notes: String = notes.iter().enumerate().map(|(at, note)| format!("\n({}) {note}", at + 1)).collect();
    (format!("{table}{notes}\n"), failures)
}

/// The whole table for these two drivers, of a legacy and of a modern client.
async fn crosses(drivers: [&'static str; 2], way: Way) {
    let playing = async {
        let stage = Rc::new(Stage::set(drivers, way).await);
        let (table, failures) = play_all(&stage).await;
        writeln!(std::io::stderr(), "{drivers:?} over {way:?}\n{table}").unwrap();
        assert_eq!(rows().count(), 40);
        assert!(failures.is_empty(), "{}\nlog:\n{}", failures.join("\n"), stage.gateway.log());
        Rc::into_inner(stage).expect("all rows are over").clear().await;
    };
    LocalSet::new().run_until(playing).await;
}

#[tokio::test]
async fn every_feature_crosses_the_eras_for_the_typescript_sdks_over_http() {
    crosses(["ts1.mjs", "ts2.mjs"], Way::Http).await;
}

#[tokio::test]
async fn every_feature_crosses_the_eras_for_the_typescript_sdks_over_stdio() {
    crosses(["ts1.mjs", "ts2.mjs"], Way::Stdio).await;
}

#[tokio::test]
async fn every_feature_crosses_the_eras_for_the_python_sdk_over_http() {
    crosses(["py2.py", "py2.py"], Way::Http).await;
}

#[tokio::test]
async fn every_feature_crosses_the_eras_for_the_python_sdk_over_stdio() {
    crosses(["py2.py", "py2.py"], Way::Stdio).await;
}
