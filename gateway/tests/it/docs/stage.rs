//! Where a document's commands run: a copy of the repository, a home, and a gateway that serves the copy's shards.
//!
//! Invariant: nothing outside the stage is written to, except what cargo builds, which all documents share.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command as Plain;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::process::Command;

use super::blocks::{Block, script};
use super::traefik::Traefik;
use super::{Fixture, root, session};
use crate::support::{Gateway, built, eventually, foreign_variables};

/// What README and docs call the gateway's address.
const ADDRESSES: [&str; 2] = ["127.0.0.1:9100", "localhost:9100"];
/// The programs that a person has installed who reads the docs.
const PROGRAMS: [&str; 3] = ["mcp-gateway", "shard-template", "traefik-shard"];

pub(super) struct Stage {
    /// The copy of the repository.
    copy: Arc<TempDir>,
    home: TempDir,
    variables: Vec<(&'static str, OsString)>,
    traefik: Option<Traefik>,
    gateway: Gateway,
}

impl Stage {
    pub(super) async fn set_up(fixture: Fixture) -> Self {
        let (copy, home) = (Arc::new(TempDir::new().unwrap()), TempDir::new().unwrap());
        copy_repository(copy.path());
        let mut variables = variables(home.path());
        let traefik = match fixture {
            Fixture::Gateway => None,
            Fixture::Traefik => Some(Traefik::start().await),
        };
        variables.extend(traefik.iter().flat_map(Traefik::variables));
        let state = home.path().join(".local/state/mcp-gateway");
        let mut builder = Gateway::builder().in_dir(&copy).state_dir(state);
        for (name, value) in &variables {
            builder = builder.variable(name, value.to_str().expect("it is a text"));
        }
        let gateway = builder.start().await;
        eventually("all shards were tried", async || {
            let ready = gateway.http().await.send("GET", "/readyz", &[], "").await;
            (ready.status == 200).then_some(())
        })
        .await;
        variables.push(("MCP_GATEWAY_URL", format!("http://{}", gateway.host()).into()));
        Self { copy, home, variables, traefik, gateway }
    }

    /// Runs the blocks in the copy's root, and gives what they printed.
    pub(super) async fn run(&self, document: &str, blocks: &[Block]) -> String {
        let mut command = Command::new("bash");
        for name in foreign_variables() {
            command.env_remove(name);
        }
        command.current_dir(self.copy.path()).envs(self.variables.iter().cloned());
        let script =
            ADDRESSES.iter().fold(script(blocks), |script, address| script.replace(address, self.gateway.host()));
        session::run(document, &script, command, self.home.path()).await
    }

    /// Takes everything down, and checks that nothing stays.
    pub(super) async fn close(self) {
        self.gateway.stop().await;
        if let Some(traefik) = self.traefik {
            traefik.stop().await;
        }
    }
}

/// The files that git knows or would take, as they are on the disk.
fn copy_repository(target: &Path) {
    let mut list = Plain::new("git");
    list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root());
    let listing = list.output().expect("git runs");
    assert!(listing.status.success(), "git ls-files: {listing:?}");
    for path in String::from_utf8(listing.stdout).expect("paths are UTF-8").split_terminator('\0') {
        let (from, to) = (root().join(path), target.join(path));
        // One that is deleted but not yet committed is listed.
        if from.is_file() {
            fs::create_dir_all(to.parent().expect("it lies in a folder")).unwrap();
            fs::copy(from, to).unwrap();
        }
    }
}

/// What commands and shards see of the machine.
fn variables(home: &Path) -> Vec<(&'static str, OsString)> {
    let programs = home.join("bin");
    fs::create_dir(&programs).unwrap();
    for program in PROGRAMS {
        symlink(built(program), programs.join(program)).unwrap();
    }
    let peers = std::env::var_os("PEERS").map_or_else(|| root().join(".peers"), PathBuf::from);
    let usual = std::env::var_os("PATH").unwrap_or_default();
    let folders = [programs, peers.join("bin"), peers.join("node/node_modules/.bin"), peers.join("python/bin")];
    let path = std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&usual))).expect("no colons");
    vec![
        ("PATH", path),
        ("HOME", home.into()),
        // Another home has no toolchain and no registry.
        ("CARGO_HOME", toolchain("CARGO_HOME", ".cargo")),
        ("RUSTUP_HOME", toolchain("RUSTUP_HOME", ".rustup")),
        // What was built for one document serves the next one; finished programs still go to its own `target/`.
        ("CARGO_BUILD_BUILD_DIR", root().join("target/docs").into()),
        // Whether a crate builds in release is asked here, not how fast it is then: this costs half as much.
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0".into()),
        ("CARGO_PROFILE_RELEASE_LTO", "off".into()),
        ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16".into()),
    ]
}

fn toolchain(variable: &str, below_home: &str) -> OsString {
    let home = || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(below_home).into_os_string();
    std::env::var_os(variable).unwrap_or_else(home)
}
