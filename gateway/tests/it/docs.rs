//! The commands in README and docs, run as they are printed there.
//!
//! Invariant: a block that is not run says why, there are five of them at most, and no document escapes.

mod blocks;
mod session;
mod shards;
mod stage;
mod traefik;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use self::blocks::{Block, Fate, blocks};
use self::stage::Stage;

/// The most blocks of all documents that may be left out.
const NOT_RUN: usize = 5;

/// What a document's commands find beside a gateway with the shards of `shards.d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fixture {
    /// Nothing else.
    Gateway,
    /// The real Traefik of the test peers, known to the gateway's shard and to the commands: `TRAEFIK_API_URL`,
    /// `TRAEFIK_DYNAMIC_DIR`, and `TRAEFIK_WEB`, the address of its entry point `web`.
    Traefik,
}

/// Every document with commands, and what they need.
const DOCUMENTS: &[(&str, Fixture)] = &[
    ("README.md", Fixture::Gateway),
    ("docs/clients.md", Fixture::Gateway),
    ("docs/commands.md", Fixture::Gateway),
    ("docs/deploy.md", Fixture::Traefik),
    ("docs/open-webui.md", Fixture::Gateway),
    ("docs/shard-files.md", Fixture::Gateway),
    ("shard-template/INTEGRATION.md", Fixture::Gateway),
    ("shard-template/README.md", Fixture::Gateway),
    ("traefik-shard/README.md", Fixture::Gateway),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is a folder of the workspace")
}

fn read(document: &str) -> Vec<Block> {
    let text = fs::read_to_string(root().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"));
    blocks(&text)
}

/// Runs a document's commands, and gives what they printed.
async fn run(document: &str) -> String {
    let (_, fixture) = DOCUMENTS.iter().find(|(path, _)| *path == document).expect("the document stands in the table");
    let blocks = read(document);
    shards::check(document, &blocks);
    let stage = Stage::set_up(*fixture).await;
    let output = stage.run(document, &blocks).await;
    stage.close().await;
    output
}

#[tokio::test]
async fn the_readme_does_what_it_says() {
    run("README.md").await;
}

#[tokio::test]
async fn clients_md_does_what_it_says() {
    run("docs/clients.md").await;
}

#[tokio::test]
async fn commands_md_does_what_it_says() {
    run("docs/commands.md").await;
}

#[tokio::test]
async fn deploy_md_does_what_it_says() {
    run("docs/deploy.md").await;
}

#[tokio::test]
async fn open_webui_md_does_what_it_says() {
    run("docs/open-webui.md").await;
}

#[tokio::test]
async fn shard_files_md_does_what_it_says() {
    run("docs/shard-files.md").await;
}

#[tokio::test]
async fn the_templates_integration_md_does_what_it_says() {
    run("shard-template/INTEGRATION.md").await;
}

#[tokio::test]
async fn the_templates_readme_does_what_it_says() {
    let output = run("shard-template/README.md").await;
    // The tool that a person has just written, called through the running gateway.
    assert!(output.contains(r#"{"errors":1,"warnings":0,"others":0}"#), "{output}");
}

#[tokio::test]
async fn the_traefik_shards_readme_does_what_it_says() {
    run("traefik-shard/README.md").await;
}

#[test]
fn every_document_with_commands_is_run() {
    let folders = ["docs", "shard-template"].map(|folder| root().join(folder));
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let paths = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "md"));
    let written: BTreeSet<PathBuf> = paths
        .chain(["README.md", "traefik-shard/README.md"].map(|path| root().join(path)))
        .map(|path| path.strip_prefix(root()).expect("it is below").to_owned())
        .collect();
    let known: BTreeSet<PathBuf> = DOCUMENTS.iter().map(|(path, _)| PathBuf::from(path)).collect();
    assert_eq!(written, known, "give each document its line and its test in gateway/tests/it/docs.rs");
}

#[test]
fn few_blocks_are_not_run_and_each_says_why() {
    let mut left_out = Vec::new();
    for (document, _) in DOCUMENTS {
        for block in read(document) {
            match block.fate {
                Fate::Unclear(fault) => panic!("{document}:{}: {fault}", block.line),
                Fate::LeftOut(reason) => left_out.push(format!("{document}:{}: not run: {reason}", block.line)),
                Fate::Run | Fate::Shown => {}
            }
        }
    }
    session::show(&left_out.join("\n"));
    assert!(
        left_out.len() <= NOT_RUN,
        "{} blocks are not run, {NOT_RUN} may be:\n{}",
        left_out.len(),
        left_out.join("\n")
    );
}
