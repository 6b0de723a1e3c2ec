//! A real Traefik with a watched directory, a human's routes and backends.
//!
//! Invariant: no port is fixed, no file is shared, and Traefik is killed when the laboratory is dropped.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::process::Process;
use super::setup::{PASSWORD, Ports, free_ports, human_file, static_file, write_certificate};
use super::{Backend, Closed, LabOptions, Launch, Outcome, PATIENCE, eventually, http};

/// A running laboratory.
pub(crate) struct Lab {
    traefik: Option<Process>,
    ports: Ports,
    dir: TempDir,
    backend: Backend,
    dead: Closed,
    http: reqwest::Client,
}

/// What came back through Traefik.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Lab {
    /// Starts Traefik and waits until the human's routes are there.
    pub(crate) async fn start(options: LabOptions) -> Self {
        let (backend, dead) = (Backend::start("human").await, Closed::new());
        let dir = TempDir::new().unwrap();
        let (dynamic_dir, certs) = (dir.path().join("dynamic"), dir.path().join("certs"));
        fs::create_dir(&dynamic_dir).unwrap();
        write_certificate(&certs, "lab", &["secure.lab.test", "*.wild.lab.test"]);
        fs::write(dynamic_dir.join("human.yml"), human_file(&options, &backend.url(), &dead.url(), &certs)).unwrap();
        let http = http().pool_max_idle_per_host(0).build().unwrap();
        let mut lab = Self { traefik: None, ports: Ports::new(), dir, backend, dead, http };
        for (path, text) in &options.files {
            lab.write(path, text);
        }
        // Between the choice of a port and its use by Traefik another process may take it.
        for _ in 0..5 {
            lab.ports = free_ports();
            fs::write(lab.static_file(), static_file(&options, &lab.ports, &lab.dynamic_dir())).unwrap();
            if lab.launch_traefik().await {
                lab.until("the human's routes are there", async |lab| lab.api("/http/routers/human@file").await).await;
                return lab;
            }
        }
        panic!("no free ports; log:\n{}", lab.log());
    }

    /// Traefik's API, as `TRAEFIK_API_URL` is written.
    pub(crate) fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}/api", self.port("traefik"))
    }

    /// The directory that Traefik watches.
    pub(crate) fn dynamic_dir(&self) -> PathBuf {
        self.dir.path().join("dynamic")
    }

    /// Where the shard keeps its backups.
    pub(crate) fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Where certificates lie, outside the watched directory.
    pub(crate) fn certs_dir(&self) -> PathBuf {
        self.dir.path().join("certs")
    }

    /// Writes a self-signed certificate for these names into [`Lab::certs_dir`], as `NAME.pem` and `NAME.key`.
    pub(crate) fn write_certificate(&self, name: &str, hosts: &[&str]) {
        write_certificate(&self.certs_dir(), name, hosts);
    }

    /// The port of `web`, `websecure`, `tcp`, `udp` or `traefik`.
    pub(crate) fn port(&self, entry_point: &str) -> u16 {
        self.ports[entry_point]
    }

    /// The server behind the human's routes.
    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
    }

    /// The server behind the human's route `half` that is down.
    pub(crate) fn dead(&self) -> &Closed {
        &self.dead
    }

    /// A shard for this Traefik.
    pub(crate) fn shard(&self) -> Launch {
        Launch::default()
            .variable("TRAEFIK_API_URL", self.api_url())
            .variable("TRAEFIK_DYNAMIC_DIR", self.dynamic_dir().to_str().unwrap())
            .variable("TRAEFIK_STATE_DIR", self.state_dir().to_str().unwrap())
    }

    /// Puts a file into the watched directory at once, as a careful human does.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let target = self.dynamic_dir().join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        let prepared = self.dir.path().join("prepared");
        fs::write(&prepared, text).unwrap();
        fs::rename(prepared, target).unwrap();
    }

    /// Takes a file away.
    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.dynamic_dir().join(path)).unwrap();
    }

    /// Every file that Traefik would load, by its path in the watched directory.
    pub(crate) fn tree_bytes(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        collect(&self.dynamic_dir(), "", &mut found);
        found.retain(|path, _| [".yml", ".yaml", ".toml"].iter().any(|end| path.to_lowercase().ends_with(end)));
        found
    }

    /// Every file below the watched directory, whatever it is named.
    pub(crate) fn all_files(&self) -> Vec<String> {
        let mut found = BTreeMap::new();
        collect(&self.dynamic_dir(), "", &mut found);
        found.into_keys().collect()
    }

    /// What the API says at a path such as `/http/routers/human@file`, if it answers with 200.
    pub(crate) async fn api(&self, path: &str) -> Option<Value> {
        let asked = self.http.get(self.api_url() + path).basic_auth("lab", Some(PASSWORD)).send().await.ok()?;
        if asked.status() != 200 {
            return None;
        }
        asked.json().await.ok()
    }

    /// Asks for a page through Traefik; `websecure` speaks TLS with `host` as the server's name.
    ///
    /// # Panics
    /// Where no HTTP answer comes.
    pub(crate) async fn get(&self, entry_point: &str, host: &str, path: &str) -> Reply {
        self.try_get(entry_point, host, path).await.expect("Traefik answers")
    }

    /// As [`Lab::get`], but without an answer there is none.
    pub(crate) async fn try_get(&self, entry_point: &str, host: &str, path: &str) -> Option<Reply> {
        let port = self.port(entry_point);
        let answer = if entry_point == "websecure" {
            let client = http().resolve(host, ([127, 0, 0, 1], port).into()).build().unwrap();
            client.get(format!("https://{host}:{port}{path}")).send().await.ok()?
        } else {
            self.http.get(format!("http://127.0.0.1:{port}{path}")).header("host", host).send().await.ok()?
        };
        Some(Reply { status: answer.status().as_u16(), body: answer.text().await.ok()? })
    }

    /// Waits for what `ask` finds.
    ///
    /// # Panics
    /// After [`PATIENCE`], with the end of Traefik's log.
    pub(crate) async fn until<T>(&self, what: &str, ask: impl AsyncFn(&Self) -> Option<T>) -> T {
        let asking = async {
            loop {
                if let Some(found) = ask(self).await {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, asking).await;
        found.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}; log:\n{}", self.log()))
    }

    /// How each enabled HTTP route with a plain host answers, by the router's name. Left out is the route whose servers
    /// are half down: after each reload it takes Traefik a while to know that.
    pub(crate) async fn answers(&self) -> BTreeMap<String, Reply> {
        let routers = self.api("/http/routers?per_page=1000").await.unwrap_or_default();
        let mut answers = BTreeMap::new();
        for router in routers.as_array().into_iter().flatten() {
            let quoted = |function: &str| {
                let (_, after) = router["rule"].as_str()?.split_once(&format!("{function}(`"))?;
                Some(after.split_once('`')?.0)
            };
            let name = router["name"].as_str().unwrap();
            let (Some(host), Some(entry_point)) = (quoted("Host"), router["using"][0].as_str()) else { continue };
            if name != "half@file" && router["status"] == "enabled" {
                let path = quoted("PathPrefix").unwrap_or("/");
                answers.insert(name.to_owned(), self.get(entry_point, host, path).await);
            }
        }
        answers
    }

    /// Waits for a call that must fail, and checks that it changed no file and no route.
    ///
    /// # Panics
    /// Where it succeeded or left a trace.
    pub(crate) async fn refusal(&self, call: impl Future<Output = Outcome>) -> Outcome {
        let answers = self.answers().await;
        let outcome = self.refusal_unseen(call).await;
        assert_eq!(self.answers().await, answers, "a route was changed: {}", outcome.text);
        outcome
    }

    /// As [`Lab::refusal`] where Traefik cannot be asked: checks the files alone.
    ///
    /// # Panics
    /// Where it succeeded or left a trace.
    pub(crate) async fn refusal_unseen(&self, call: impl Future<Output = Outcome>) -> Outcome {
        let tree = self.tree_bytes();
        let outcome = call.await;
        assert!(outcome.is_error, "not refused but: {} {:#}", outcome.text, outcome.structured);
        let names = |tree: &BTreeMap<String, Vec<u8>>| tree.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&self.tree_bytes()), names(&tree), "files came or went: {}", outcome.text);
        assert!(self.tree_bytes() == tree, "a file was changed: {}", outcome.text);
        self.assert_tidy();
        outcome
    }

    /// Checks that no temporary file, poke, probe or journal is left in the watched directory.
    ///
    /// # Panics
    /// Where one is.
    pub(crate) fn assert_tidy(&self) {
        let left: Vec<_> = self.all_files().into_iter().filter(|path| is_stray(path)).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }

    /// What Traefik has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("traefik.log")).unwrap_or_default()
    }

    /// Kills Traefik.
    pub(crate) fn stop(&mut self) {
        self.traefik = None;
    }

    /// Starts Traefik again on the same ports, and waits until its API answers; a guarded one needs a good tree.
    pub(crate) async fn restart(&mut self) {
        self.stop();
        // A connection of another process may have one of the ports for a moment.
        for _ in 0..100 {
            if self.launch_traefik().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the ports do not become free; log:\n{}", self.log());
    }

    /// Stops Traefik's clock: connections are taken, and nothing is answered.
    pub(crate) fn freeze(&self) {
        self.traefik.as_ref().expect("it runs").signal(Signal::STOP);
    }

    /// Lets a frozen Traefik go on.
    pub(crate) fn thaw(&self) {
        self.traefik.as_ref().expect("it runs").signal(Signal::CONT);
    }

    /// Makes Traefik read its files, also where it watches nothing.
    pub(crate) fn hang_up(&self) {
        self.traefik.as_ref().expect("it runs").signal(Signal::HUP);
    }

    fn static_file(&self) -> PathBuf {
        self.dir.path().join("traefik.yml")
    }

    /// False where a port was taken.
    async fn launch_traefik(&mut self) -> bool {
        let log = self.dir.path().join("traefik.log");
        let output = File::create(&log).unwrap();
        let mut command = Process::command(traefik().to_str().unwrap());
        command.arg(format!("--configFile={}", self.static_file().display()));
        command.stdout(output.try_clone().unwrap()).stderr(output);
        let mut process = Process::start(&mut command);
        let answers = eventually("Traefik's API answers", async || {
            if let Some(status) = process.ended() {
                let log = fs::read_to_string(&log).unwrap();
                assert!(log.contains("address already in use"), "Traefik ended with {status}; log:\n{log}");
                return Some(false);
            }
            self.api("/version").await.map(|_| true)
        });
        let answers = answers.await;
        self.traefik = answers.then_some(process);
        answers
    }
}

/// The real Traefik, where `make test` installs it.
fn traefik() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is a folder of the workspace");
    let peers = std::env::var_os("PEERS").map_or_else(|| root.join(".peers"), PathBuf::from);
    let path = peers.join("bin/traefik");
    assert!(path.is_file(), "{} is missing: run `make peers` first", path.display());
    path
}

/// What the shard may leave beside the files is its lock alone.
fn is_stray(path: &str) -> bool {
    path.contains("tmp-") || path.contains("poke") || path.contains("probe") || path.ends_with("journal")
}

fn collect(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{path}/"), found);
        } else {
            found.insert(path, fs::read(entry.path()).unwrap_or_default());
        }
    }
}
