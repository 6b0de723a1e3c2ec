//! `mcp-gateway check` and `schema`, as a person runs them.
//!
//! Invariant: a check starts no process and writes no file.

mod broken;
mod names;
mod shipped;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::process::geteuid;
use tempfile::TempDir;

/// A folder `shards.d`, and what checking it says.
struct Folder {
    dir: TempDir,
}

impl Folder {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("shards.d")).unwrap();
        // Another user must come in too.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("shards.d").join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(name), content).unwrap();
        self
    }

    fn check(&self, flags: &[&str]) -> Output {
        self.run(Command::new(env!("CARGO_BIN_EXE_mcp-gateway")), flags)
    }

    /// As a user to whom [`Folder::close`] applies: root is told nothing of modes, so that a user who owns nothing here
    /// takes its place, with a copy of the program that this user can reach.
    fn check_as_nobody(&self, flags: &[&str]) -> Output {
        if !geteuid().is_root() {
            let output = self.check(flags);
            for closed in ["", "bin"] {
                // Or it could not be taken away; most cases have not closed it.
                drop(fs::set_permissions(self.path(closed), fs::Permissions::from_mode(0o700)));
            }
            return output;
        }
        let program = self.dir.path().join("mcp-gateway");
        // Written by another process, so that no thread of this one can hold it open when it is started.
        let copied =
            Command::new("install").args(["-m", "755", env!("CARGO_BIN_EXE_mcp-gateway")]).arg(&program).status();
        assert!(copied.unwrap().success());
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        let output = self.run(command, flags);
        fs::remove_file(program).unwrap();
        output
    }

    /// Gives a file or folder the mode that lets others do with it what `others` says, and no one else more.
    fn close(&self, name: &str, others: u32) {
        let owners = if geteuid().is_root() { 0o7 } else { others };
        let mode = fs::Permissions::from_mode(owners << 6 | others);
        fs::set_permissions(self.path(name), mode).unwrap();
    }

    fn run(&self, mut command: Command, flags: &[&str]) -> Output {
        command.arg("check").args(flags).current_dir(self.dir.path());
        command.env_clear().env("PATH", "/usr/bin:/bin").env("MCP_GATEWAY_STATE_DIR", self.dir.path().join("state"));
        command.output().unwrap()
    }
}

/// What was printed, without the folder of the program, which is another one on each machine.
fn text(output: &Output) -> String {
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let own = Path::new(env!("CARGO_BIN_EXE_mcp-gateway")).parent().unwrap().display().to_string();
    String::from_utf8(output.stdout.clone()).unwrap().replace(&own, "(the gateway's folder)")
}
