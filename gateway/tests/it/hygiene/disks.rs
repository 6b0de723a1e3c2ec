//! The state folder cannot be written.

use super::{Brood, logged, ready};
use crate::support::{Gateway, fake_shard};

const LOST: &str = "should this gateway be killed, the next one";

/// Puts a file system over the state folder that only this gateway sees.
fn over(options: &str, then: &str) -> [String; 5] {
    let script = format!("mkdir -p \"$0\" && mount -t tmpfs -o {options} none \"$0\" && {then} exec \"$@\"");
    ["unshare".into(), "--mount".into(), "sh".into(), "-c".into(), script]
}

async fn serves_on(options: &str, then: &str) {
    let brood = Brood::new();
    let folder = tempfile::TempDir::new().unwrap();
    let state = folder.path().join("state");
    let words = over(options, then);
    let words: Vec<&str> = words.iter().map(String::as_str).chain([state.to_str().unwrap()]).collect();
    let gateway = Gateway::builder().under(&words).state_dir(&state).shard("wild", brood.shard("")).start().await;
    ready(&gateway, "wild", &brood).await;
    logged(&gateway, LOST).await;
    gateway.write_shard("calm", &fake_shard(&[]));
    gateway.until("calm", "ready").await;
    assert_eq!(gateway.log().matches(LOST).count(), 1, "{}", gateway.log());
    gateway.stop().await;
    brood.assert_gone();
}

#[tokio::test]
async fn a_read_only_state_folder_costs_the_ledger_and_says_so_once() {
    serves_on("ro", "").await;
}

#[tokio::test]
async fn a_full_state_folder_costs_the_ledger_and_says_so_once() {
    serves_on("size=4k", "{ cat /dev/zero > \"$0/filling\" 2> /dev/null; :; } &&").await;
}
