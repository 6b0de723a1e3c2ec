//! Shards that refuse to be agreed with.

use serde_json::json;

use super::Expected::Down;
use super::{case, check};
use crate::support::{Gateway, Journal, eventually};

const START: &str = "timeouts: { start: 1s }\n";

#[tokio::test]
async fn a_refused_handshake_is_told_in_the_last_error() {
    let (error, exit) = (Down("cannot initialize"), Down("it ended with exit status: 1"));
    check(&[
        case("error", "--on-initialize error", error, "| discover initialize").with(START),
        case("exit", "--on-initialize exit", exit, "| discover initialize | initialize").with(START),
        case("silent", "--on-initialize silent", Down("within 1s (`timeouts.start`)"), "| discover initialize")
            .with(START),
    ])
    .await;
}

#[tokio::test]
async fn a_shard_that_refuses_is_tried_again_and_again_until_it_does_not() {
    let journal = Journal::new();
    journal.set_flags("--on-initialize error");
    let gateway = Gateway::builder().shard("stubborn", journal.marked_fake_shard(&[])).start().await;
    let tried = async || Some(gateway.shard("stubborn").await).filter(|shard| shard["restarts"].as_u64() >= Some(3));
    let shard = eventually("three more starts", tried).await;
    assert_eq!(shard["era"], json!(null));
    assert_eq!(gateway.health().await["status"], "degraded");
    journal.set_flags("");
    let shard = gateway.until("stubborn", "ready").await;
    assert!(shard["last_error"].as_str().unwrap().contains("cannot initialize"), "it is still told: {shard}");
    assert_eq!(gateway.health().await["status"], "ok");
    gateway.stop().await;
}

#[tokio::test]
async fn a_command_that_cannot_be_run_is_told_with_the_systems_words() {
    let dir = tempfile::TempDir::new().unwrap();
    let program = dir.path().join("no-interpreter");
    std::fs::write(&program, "#!/nowhere/at/all\n").unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let gateway = Gateway::builder().shard("broken", format!("command: {}\n", program.display())).start().await;
    let shard = super::fallen(&gateway, "broken").await;
    let error = shard["last_error"].as_str().unwrap();
    assert!(error.contains("cannot start") && error.contains("No such file"), "{error}");
    gateway.stop().await;
}
