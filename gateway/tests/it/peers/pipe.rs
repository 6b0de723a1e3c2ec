//! A gateway of one's own over stdin and stdout, spoken to line by line.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::servers::Servers;
use crate::support::{PATIENCE, Tree, modern_meta};

/// The gateway's command line for the stdio door on the folder of `servers`.
pub(super) fn command_line(servers: &Servers) -> Vec<String> {
    let folder = |name: &str| servers.dir().path().join(name).display().to_string();
    let program = env!("CARGO_BIN_EXE_mcp-gateway").to_owned();
    vec![program, "stdio".into(), "--shards".into(), folder("shards.d"), "--state-dir".into(), folder("state")]
}

/// A running `mcp-gateway stdio`.
#[derive(Debug)]
pub(super) struct Pipe {
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    last_id: u64,
}

impl Pipe {
    /// Starts it. Its log goes to the test's own stderr.
    pub(super) fn start(servers: &Servers) -> Self {
        let line = command_line(servers);
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).envs(servers.variables()).kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, stdin, stdout: BufReader::new(stdout).lines(), last_id: 0 }
    }

    /// Makes a modern request and gives its result.
    pub(super) async fn ask(&mut self, method: &str, mut params: Value) -> Value {
        params["_meta"] = modern_meta();
        self.last_id += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params});
        self.stdin.write_all(format!("{request}\n").as_bytes()).await.unwrap();
        let answer = async {
            loop {
                let line = self.stdout.next_line().await.unwrap().expect("the gateway goes on");
                let mut message: Value = serde_json::from_str(&line).unwrap();
                if message["id"] == self.last_id {
                    assert!(message.get("error").is_none(), "{message}");
                    break message["result"].take();
                }
            }
        };
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        answer.unwrap_or_else(|_| panic!("no answer to {method}"))
    }

    /// Closes its stdin and checks that it ends well and leaves no process behind.
    pub(super) async fn stop(self) {
        let Self { mut child, stdin, stdout, .. } = self;
        let mut tree = Tree::of(child.id().expect("it runs"));
        assert!(!tree.look().is_empty(), "it runs the shards");
        drop(stdin);
        let status = tokio::time::timeout(Duration::from_secs(20), child.wait()).await;
        assert!(status.expect("it stops").unwrap().success());
        drop(stdout);
        assert_eq!(tree.look(), [], "left behind");
    }
}
