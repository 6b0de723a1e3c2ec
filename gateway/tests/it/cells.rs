//! Each feature at each door, however the shard behind it is shared: one table, a cell for each.
//!
//! Invariant: no cell is left out. Where a feature cannot be the same everywhere, its cell says why and asserts what
//! there is instead.

mod client;
mod door;
mod pipe;
mod rows;
mod stage;

use std::collections::HashMap;
use std::io::Write as _;

use comfy_table::{Table, presets};
use rows::{ROWS, Turned};
use stage::{Sharing, Stage, Way};
use tokio::task::{JoinError, JoinSet, LocalSet};

/// So many cells are under way at once; each has a gateway and a shard of its own.
const AT_ONCE: usize = 4;

/// Row and column.
type Cell = (usize, usize);

fn columns() -> Vec<(Way, Sharing)> {
    Way::ALL.into_iter().flat_map(|way| Sharing::ALL.map(|sharing| (way, sharing))).collect()
}

async fn play((row, column): Cell) -> Turned {
    let (way, sharing) = columns()[column];
    let mut stage = Stage::set(way, sharing).await;
    let turned = ROWS[row].1(&mut stage).await;
    stage.clear().await;
    turned
}

/// What each cell came to; one that failed, by what.
async fn play_all(mut cells: impl Iterator<Item = Cell>) -> HashMap<Cell, Result<Turned, String>> {
    let mut turned = HashMap::new();
    let (mut playing, mut cell_of) = (JoinSet::new(), HashMap::new());
    loop {
        while playing.len() < AT_ONCE
            && let Some(cell) = cells.next()
        {
            cell_of.insert(playing.spawn_local(play(cell)).id(), cell);
        }
        let (task, outcome) = match playing.join_next_with_id().await {
            Some(Ok((task, turned))) => (task, Ok(turned)),
            Some(Err(failed)) => (failed.id(), Err(why(failed))),
            None => return turned,
        };
        turned.insert(cell_of[&task], outcome);
    }
}

fn why(failed: JoinError) -> String {
    let said = failed.into_panic();
    let text = said.downcast_ref::<String>().cloned();
    text.or_else(|| said.downcast_ref::<&str>().map(ToString::to_string)).expect("a panic that says why")
}

/// The table with a note for each cell that says something.
fn table(turned: &HashMap<Cell, Result<Turned, String>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    let names = columns().into_iter().map(|(way, sharing)| format!("{} {}", way.name(), sharing.name()));
    table.set_header(std::iter::once("feature".to_owned()).chain(names));
    let mut notes: Vec<&str> = Vec::new();
    for (row, (feature, _)) in ROWS.iter().enumerate() {
        let cell = |column| match &turned[&(row, column)] {
            Ok(Ok(())) => "yes".to_owned(),
            Err(_) => "FAILED".to_owned(),
            Ok(Err(note)) => {
                let at = notes.iter().position(|known| known == note).unwrap_or(notes.len());
                if at == notes.len() {
                    notes.push(note);
                }
                format!("({})", at + 1)
            }
        };
        let cells: Vec<String> = (0..columns().len()).map(cell).collect();
        table.add_row(std::iter::once((*feature).to_owned()).chain(cells));
    }
    let notes: String = notes.iter().enumerate().map(|(at, note)| format!("\n({}) {note}", at + 1)).collect();
    format!("{table}{notes}\n")
}

#[tokio::test]
async fn each_feature_is_the_same_at_each_door_however_its_shard_is_shared() {
    let cells = (0..columns().len()).flat_map(|column| (0..ROWS.len()).map(move |row| (row, column)));
    let turned = LocalSet::new().run_until(play_all(cells)).await;
    writeln!(std::io::stderr(), "{}", table(&turned)).unwrap();
    let failed: Vec<String> = turned
        .iter()
        .filter_map(|((row, column), outcome)| {
            let (way, sharing) = columns()[*column];
            let why = outcome.as_ref().err()?;
            Some(format!("{}, {}, {}: {why}", ROWS[*row].0, way.name(), sharing.name()))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(turned.len(), ROWS.len() * columns().len());
}
