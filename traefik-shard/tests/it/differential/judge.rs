//! Several real Traefiks that say which documents their file provider takes.
//!
//! Each verdict is something that Traefik showed: it took a directory with the document in it, or it named the
//! document's file as the one that it refuses. Nothing is concluded from silence.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::Instant;

use crate::support::{Lab, LabOptions, PATIENCE};

/// Documents that lie in the directory at the same time.
const BATCH: usize = 25;

/// A text and the extension of its file.
pub(super) type Candidate = (String, &'static str);

/// Whether Traefik takes each of them, in their order; `None`: it does, else what it says.
pub(super) async fn judge(candidates: Vec<Candidate>, traefiks: usize) -> Vec<Option<String>> {
    let share = candidates.len().div_ceil(traefiks);
    let judging = async {
        let mut judges = JoinSet::new();
        for (place, part) in candidates.chunks(share).enumerate() {
            let part = part.to_vec();
            judges.spawn_local(async move { (place, Judge::start().await.all(&part).await) });
        }
        judges.join_all().await
    };
    let parts: BTreeMap<_, _> = LocalSet::new().run_until(judging).await.into_iter().collect();
    parts.into_values().flatten().collect()
}

struct Judge {
    lab: Lab,
    nonce: usize,
}

impl Judge {
    async fn start() -> Self {
        let options = LabOptions { throttle: Duration::from_millis(10), ..LabOptions::default() };
        let lab = Lab::start(options).await;
        // What lies in a folder is loaded but not watched, so only the nonce makes Traefik read.
        fs::create_dir(lab.dynamic_dir().join("candidates")).unwrap();
        Self { lab, nonce: 0 }
    }

    async fn all(mut self, candidates: &[Candidate]) -> Vec<Option<String>> {
        let mut verdicts = Vec::new();
        for batch in candidates.chunks(BATCH) {
            verdicts.extend(self.batch(batch).await);
        }
        verdicts
    }

    async fn batch(&mut self, batch: &[Candidate]) -> Vec<Option<String>> {
        let folder = self.lab.dynamic_dir().join("candidates");
        let names: Vec<_> = (0..batch.len()).map(|index| format!("c{index:03}.{}", batch[index].1)).collect();
        for (name, (text, _)) in names.iter().zip(batch) {
            fs::write(folder.join(name), text).unwrap();
        }
        let begin = self.lab.log().len();
        let mut refused = BTreeMap::new();
        loop {
            self.next_nonce();
            let Some((index, said)) = self.refusal(begin, &names, &refused).await else { break };
            fs::remove_file(folder.join(&names[index])).unwrap();
            refused.insert(index, said);
        }
        for name in &names {
            remove(&folder.join(name));
        }
        (0..batch.len()).map(|index| refused.remove(&index)).collect()
    }

    fn next_nonce(&mut self) {
        self.nonce += 1;
        let nonce = json!({"http": {"middlewares": {"nonce": {"addPrefix": {"prefix": format!("/{}", self.nonce)}}}}});
        self.lab.write("nonce.yml", nonce.to_string());
    }

    /// The next file that Traefik names; `None` once it took the whole directory.
    async fn refusal(
        &self,
        begin: usize,
        names: &[String],
        refused: &BTreeMap<usize, String>,
    ) -> Option<(usize, String)> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = self.lab.log();
            let lines = log[begin.min(log.len())..].lines().filter(|line| line.contains("ERR"));
            for line in lines {
                let named = |index: &usize| line.contains(&format!("candidates/{}:", names[*index]));
                if let Some(index) = (0..names.len()).filter(|index| !refused.contains_key(index)).find(named) {
                    return Some((index, line.to_owned()));
                }
            }
            let live = self.lab.api("/http/middlewares/nonce@file").await;
            if live.is_some_and(|live| live["addPrefix"]["prefix"] == format!("/{}", self.nonce)) {
                return None;
            }
            assert!(Instant::now() < deadline, "Traefik neither took nor refused; log:\n{log}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{}: {error}", path.display()),
        _ => {}
    }
}
