//! Two shards at work on one directory, killed again and again, and Traefik restarted under them: each operation
//! is all or nothing, and nothing is left over.
//!
//! `SOAK_SEED` and `SOAK` set the seed and the number of operations; the seed is printed.

#![expect(clippy::print_stdout, reason = "the figures are the result")]

mod end;
mod journal;
mod model;
mod operation;
mod process;
mod version;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::json;
use tokio::sync::watch;

use crate::support::{Backend, Lab, LabOptions, Shard};
use journal::Journal;
use model::Model;
use process::Process;

/// How many servers the routes share.
const BACKENDS: usize = 4;
const OWN_NAMES: usize = 8;
const SHARED_NAMES: usize = 3;
/// Of this many operations at least this many kills must fall between the rename and the end of the verification.
const OPERATIONS: usize = 500;
const LEAST_KILLS: usize = 50;
/// A human's file in the managed folder.
const FOREIGN: &str =
    "# mine\nhttp: {routers: {by-hand: {rule: Host(`by-hand.lab.test`), service: human, entryPoints: [web]}}}\n";

/// What the processes share.
struct Soak {
    model: RefCell<Model>,
    figures: RefCell<Figures>,
    shared: Vec<String>,
    backends: Vec<String>,
    begun: watch::Sender<usize>,
    operations: usize,
}

/// What has happened so far.
#[derive(Default)]
struct Figures {
    operations: usize,
    kills: usize,
    /// The journals that killed shards left, by their id.
    left: BTreeMap<String, Journal>,
    /// Those whose file was changed already, and the kind of the operation.
    applied: BTreeMap<String, String>,
    answers: BTreeMap<String, usize>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kills, left, applied) = (self.kills, self.left.len(), self.applied.len());
        write!(f, "{kills} kills, {left} journals left, {applied} of them applied; answers: {:?}", self.answers)
    }
}

impl Soak {
    /// The serial number of the next operation, if there is to be one.
    fn next(&self) -> Option<usize> {
        let serial = *self.begun.borrow();
        (serial < self.operations).then(|| self.begun.send_replace(serial + 1))
    }
}

fn names(kind: &str, number: usize) -> Vec<String> {
    (0..number).map(|at| format!("{kind}-{at}")).collect()
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[tokio::test]
async fn two_killed_and_restarted_shards_leave_each_route_as_one_of_its_operations_wanted_it() {
    let seed = setting("SOAK_SEED", fastrand::u64(..1 << 32));
    let operations = usize::try_from(setting("SOAK", OPERATIONS as u64)).unwrap();
    println!("SOAK_SEED={seed} SOAK={operations}");
    let files = vec![("mcp-managed/by-hand.yml".to_owned(), FOREIGN.to_owned())];
    let throttle = Duration::from_millis(10);
    let mut lab = Lab::start(LabOptions { files, throttle, ..LabOptions::default() }).await;
    let human = lab.tree_bytes();
    let mut backends = Vec::new();
    for at in 0..BACKENDS {
        backends.push(Backend::start(&at.to_string()).await);
    }
    let (left, right, shared) = (names("left", OWN_NAMES), names("right", OWN_NAMES), names("shared", SHARED_NAMES));
    let soak = Soak {
        model: RefCell::new(Model::new([left.as_slice(), &right, &shared].concat())),
        figures: RefCell::default(),
        shared,
        backends: backends.iter().map(Backend::url).collect(),
        begun: watch::Sender::new(0),
        operations,
    };
    let begun = Instant::now();
    let (launch, managed) = (lab.shard(), lab.dynamic_dir().join("mcp-managed"));
    let process = |own: &[String], seed| Process {
        soak: &soak,
        launch: launch.clone(),
        managed: managed.clone(),
        own: own.to_vec(),
        rng: Rng::with_seed(seed),
    };
    let restarts = async {
        let mut begun = soak.begun.subscribe();
        for third in 1..3 {
            begun.wait_for(|begun| *begun >= third * operations / 3).await.unwrap();
            lab.restart().await;
        }
    };
    tokio::join!(process(&left, seed).run(), process(&right, seed + 1).run(), restarts);

    let last = Shard::start(&lab.shard()).await;
    let reload = last.call("reload_config", json!({})).await.done();
    assert_eq!(reload["reloaded"], true, "{reload:#}");
    last.end().await;
    println!("after {:?}: {}", begun.elapsed(), soak.figures.borrow());
    let routes = end::check_files(&soak, &lab, &human);
    end::check_traefik(&lab, &soak, &routes).await;
    end::check_audit(&soak, &lab);
    for name in ["human", "by-hand"] {
        let reply = lab.get("web", &format!("{name}.lab.test"), "/").await;
        assert_eq!(reply.body, "human GET /", "{name}");
    }
    let figures = soak.figures.borrow();
    assert_eq!(figures.operations, operations);
    let writes = figures.applied.values().filter(|kind| ["create", "update"].contains(&kind.as_str())).count();
    let least = LEAST_KILLS * operations / OPERATIONS;
    assert!(writes >= least, "only {writes} of {} kills came between rename and verification", figures.kills);
}
