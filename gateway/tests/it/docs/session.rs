//! One shell that runs all blocks of a document, so that `cd` and variables live on.
//!
//! Invariant: the first command that fails ends it, and so does a process that is left behind.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// What all commands of a document may take; the first build of an SDK is among them, beside all other tests.
const LIMIT: Duration = Duration::from_secs(14 * 60);
/// How soon a process ends that was told to.
const SOON: Duration = Duration::from_secs(10);

/// Reads the script from `$1`, so that the shell counts its lines as those of the document.
const SHELL: &str = r#"
PS4='+ $LINENO: '
trap 'echo "=== line $LINENO failed with $?"' ERR
set -x
source "$1"
"#;

/// Runs a script whose lines are those of `document`, and gives what it printed. `command` says where, and with which
/// variables.
///
/// # Panics
/// Where a command fails, takes too long or leaves a process behind; the text names document, line and output.
pub(super) async fn run(document: &str, script: &str, mut command: Command, folder: &Path) -> String {
    let (file, log) = (folder.join("script"), folder.join("output"));
    fs::write(&file, script).unwrap();
    let output = File::create(&log).unwrap();
    command.args(["-E", "-euo", "pipefail", "-c", SHELL, document]).arg(&file);
    command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
    let mut shell = command.process_group(0).kill_on_drop(true).spawn().unwrap();
    let group = Pid::from_raw(i32::try_from(shell.id().expect("it runs")).unwrap()).unwrap();
    let ended = end(&mut shell).await;
    let left = !is_gone(group).await;
    if left {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let output = String::from_utf8_lossy(&fs::read(&log).unwrap()).replace(&*file.to_string_lossy(), document);
    assert!(ended.is_none(), "{document}: {}; its output:\n{output}", ended.unwrap_or_default());
    assert!(!left, "{document}: a command is left running; its output:\n{output}");
    show(&output);
    output
}

/// Beside the verdict, for who reads a run: what the commands said, or what was left out and why.
pub(super) fn show(text: &str) {
    #[expect(clippy::print_stderr, reason = "the test runner shows it with the test that it belongs to")]
    {
        eprintln!("{text}");
    }
}

/// `None` if all went well.
async fn end(shell: &mut Child) -> Option<String> {
    match timeout(LIMIT, shell.wait()).await {
        Ok(status) => {
            Some(status.unwrap()).filter(|status| !status.success()).map(|status| format!("ended with {status}"))
        }
        Err(_) => Some(format!("not done within {LIMIT:?}")),
    }
}

async fn is_gone(group: Pid) -> bool {
    let gone = async {
        while test_kill_process_group(group).is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, gone).await.is_ok()
}

/// How running a script fails.
async fn failure(script: &'static str) -> String {
    let mut running = JoinSet::new();
    running.spawn(async move {
        let folder = TempDir::new().unwrap();
        run("a.md", script, Command::new("bash"), folder.path()).await
    });
    let panic = running.join_next().await.unwrap().expect_err("it fails").into_panic();
    *panic.downcast::<String>().unwrap()
}

#[tokio::test]
async fn a_command_that_fails_ends_the_document_and_is_told_with_its_line() {
    for (script, expected) in [
        ("echo good\n\nfalse\necho never\n", "=== line 3 failed with 1"),
        ("true\ncd /nowhere\necho never\n", "=== line 2 failed with 1"),
        ("false | cat\necho never\n", "=== line 1 failed with 1"),
        ("within() {\n  false\n}\nwithin\necho never\n", "=== line 2 failed with 1"),
        ("true\necho \"$NOT_SET_ANYWHERE\"\necho never\n", "a.md: line 2: NOT_SET_ANYWHERE: unbound variable"),
    ] {
        let told = failure(script).await;
        assert!(told.starts_with("a.md: ended with ") && told.contains(expected), "{script:?}: {told}");
        assert!(!told.contains("\nnever\n"), "{script:?}: {told}");
    }
}

#[tokio::test]
async fn a_process_that_a_document_leaves_behind_fails_it_and_is_ended() {
    let told = failure("sleep 4711 &\necho \"pid $!\"\n").await;
    assert!(told.starts_with("a.md: a command is left running"), "{told}");
    let pid = told.lines().find_map(|line| line.strip_prefix("pid ")).unwrap();
    crate::support::eventually("it is gone", async || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        (stat.is_empty() || stat.contains(") Z ")).then_some(())
    })
    .await;
}
