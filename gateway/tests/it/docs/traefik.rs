//! The real Traefik of the test peers, for documents that talk of one.
//!
//! Invariant: it listens on the loopback only, and is gone when the document is done.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::root;
use crate::support::eventually;

pub(super) struct Traefik {
    child: Child,
    dir: TempDir,
    api: u16,
    web: u16,
}

impl Traefik {
    /// Starts it, and returns when its API listens.
    pub(super) async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("dynamic")).unwrap();
        let held = [(), ()].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [api, web] = held.map(|listener| listener.local_addr().unwrap().port());
        let settings = json!({
            "global": {"checkNewVersion": false, "sendAnonymousUsage": false},
            "entryPoints": {
                "traefik": {"address": format!("127.0.0.1:{api}")},
                "web": {"address": format!("127.0.0.1:{web}")},
            },
            "api": {"insecure": true},
            "providers": {
                "providersThrottleDuration": "100ms",
                "file": {"directory": dir.path().join("dynamic"), "watch": true},
            },
        });
        let (file, log) = (dir.path().join("traefik.yml"), File::create(dir.path().join("log")).unwrap());
        fs::write(&file, settings.to_string()).unwrap();
        let mut command = Command::new(program());
        command.arg(format!("--configFile={}", file.display())).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.spawn().unwrap();
        eventually("Traefik listens", async || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "{}", fs::read_to_string(dir.path().join("log")).unwrap());
            TcpStream::connect(("127.0.0.1", api)).await.ok()
        })
        .await;
        Self { child, dir, api, web }
    }

    /// What the commands of the document and the gateway's shard are told of it.
    pub(super) fn variables(&self) -> [(&'static str, OsString); 3] {
        [
            ("TRAEFIK_API_URL", format!("http://127.0.0.1:{}/api", self.api).into()),
            ("TRAEFIK_DYNAMIC_DIR", self.dir.path().join("dynamic").into()),
            ("TRAEFIK_WEB", format!("http://127.0.0.1:{}", self.web).into()),
        ]
    }

    pub(super) async fn stop(mut self) {
        self.child.kill().await.unwrap();
    }
}

fn program() -> PathBuf {
    let peers = std::env::var_os("PEERS").map_or_else(|| root().join(".peers"), PathBuf::from);
    let program = peers.join("bin/traefik");
    assert!(program.is_file(), "{} is missing: run `make peers` first", program.display());
    program
}
