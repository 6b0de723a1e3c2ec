//! The schema of the shard file, as a validator reads it that others wrote.
//!
//! Invariant: it says the same of every text as the validator of the unit tests, which compare that one with the reader.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::servers::{installed, source};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

async fn judged(schema: &Path, documents: &[Value]) -> Vec<bool> {
    let mut command = Command::new(installed().join("python/bin/python"));
    command.arg(source("schema.py")).arg(schema).kill_on_drop(true);
    let mut python = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = python.stdin.take().unwrap();
    stdin.write_all(Value::from(documents).to_string().as_bytes()).await.unwrap();
    drop(stdin);
    let output = python.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every shard file of the repository.
fn shipped() -> Vec<Value> {
    let folders = ["shards.d", "open-webui/shards", "gateway/tests/peers/shards"].map(|folder| root().join(folder));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    files.map(|path| serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn two_validators_say_the_same_of_every_vector_and_take_every_file_that_ships() {
    let file = root().join("shards.d/.schema.json");
    let schema: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let ours = jsonschema::draft7::new(&schema).unwrap();
    let vectors = fs::read_to_string(root().join("gateway/src/config/file/tests/broken_yaml.txt")).unwrap();
    let texts = vectors.split_terminator("====\n").map(|case| case.split_once(">>>\n").unwrap().0);
    // What is no YAML reaches no schema.
    let documents: Vec<Value> = texts.filter_map(|text| serde_yaml::from_str(text).ok()).collect();
    let verdicts = judged(&file, &documents).await;
    assert!(documents.len() > 30 && verdicts.contains(&true) && verdicts.contains(&false), "{verdicts:?}");
    for (document, verdict) in documents.iter().zip(&verdicts) {
        assert_eq!(ours.is_valid(document), *verdict, "{document}");
    }
    let shipped = shipped();
    assert!(shipped.len() >= 11, "{}", shipped.len());
    assert_eq!(judged(&file, &shipped).await, vec![true; shipped.len()]);
}
