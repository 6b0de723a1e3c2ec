//! Shard files as people, editors and orchestrators change them, under a running gateway, with and without the kernel's
//! help.
//!
//! Each change is one of the view (`prefix`), so that the process tells whether the shard was ever thought gone.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Gateway, Legacy, eventually, fake_shard};

/// How changes are noticed: by the kernel, and by looking.
const MODES: [&str; 2] = ["auto", "poll"];

struct Watched {
    gateway: Gateway,
    folder: PathBuf,
    client: Legacy,
    pid: Value,
}

fn file(prefix: &str) -> String {
    format!("{}prefix: {prefix}\n", fake_shard(&[]))
}

impl Watched {
    /// A gateway with one shard `fake`, whose prefix is `p0`.
    async fn start(mode: &str) -> Self {
        let gateway = Gateway::builder().shard("fake", file("p0")).flags(&["--watch", mode]).start().await;
        let pid = gateway.until("fake", "ready").await["pid"].clone();
        let client = Legacy::open(&gateway, "2025-11-25").await;
        Self { folder: gateway.dir().path().join("shards.d"), gateway, client, pid }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Waits until the shard has this prefix, and checks that it is the same process.
    async fn shows(&mut self, prefix: &str) {
        let tool = format!("{prefix}__echo");
        eventually(&format!("the prefix {prefix}"), async || self.client.tools().await.contains(&tool).then_some(()))
            .await;
        assert_eq!(self.client.call(&tool, json!({"a": 1})).await["structuredContent"], json!({"a": 1}));
        assert_eq!(self.gateway.shard("fake").await["pid"], self.pid, "nothing but the view has changed");
    }

    /// Checks that no other file was taken for a shard.
    async fn ends_with_one_shard(self) {
        let health = self.gateway.health().await;
        assert_eq!(health["shards"].as_array().unwrap().len(), 1, "{health}");
        assert_eq!(health["problems"], json!([]), "{health}");
        let log = self.gateway.log();
        assert!(!log.contains("shard taken away"), "{log}");
        self.gateway.stop().await;
    }
}

/// As `vim` saves: it tries a number for a name, keeps a swap file, moves the old file away and writes a new one.
fn save_like_vim(folder: &Path, text: &str) {
    let path = |name: &str| folder.join(name);
    fs::write(path(".fake.yaml.swp"), "swap").unwrap();
    fs::write(path("4913"), "").unwrap();
    fs::remove_file(path("4913")).unwrap();
    fs::rename(path("fake.yaml"), path("fake.yaml~")).unwrap();
    fs::write(path("fake.yaml"), text).unwrap();
    fs::remove_file(path("fake.yaml~")).unwrap();
    fs::remove_file(path(".fake.yaml.swp")).unwrap();
}

/// As Emacs saves: a lock that is a dangling link, an autosave, a copy, and the file in place.
fn save_like_emacs(folder: &Path, text: &str) {
    let path = |name: &str| folder.join(name);
    symlink("me@host.1:1", path(".#fake.yaml")).unwrap();
    fs::write(path("#fake.yaml#"), "half of it").unwrap();
    fs::copy(path("fake.yaml"), path("fake.yaml~")).unwrap();
    fs::write(path("fake.yaml"), text).unwrap();
    fs::remove_file(path("#fake.yaml#")).unwrap();
    fs::remove_file(path(".#fake.yaml")).unwrap();
}

/// As most others: a draft beside it, moved over it.
fn save_by_rename(folder: &Path, text: &str) {
    fs::write(folder.join("fake.yaml.tmp"), text).unwrap();
    fs::rename(folder.join("fake.yaml.tmp"), folder.join("fake.yaml")).unwrap();
}

#[tokio::test]
async fn the_ways_in_which_editors_save_are_changes_of_one_file_and_no_other() {
    for mode in MODES {
        let mut watched = Watched::start(mode).await;
        let ways: [fn(&Path, &str); 3] = [save_like_vim, save_like_emacs, save_by_rename];
        for (number, save) in ways.into_iter().enumerate() {
            let prefix = format!("p{}", number + 1);
            save(&watched.folder, &file(&prefix));
            watched.shows(&prefix).await;
        }
        watched.ends_with_one_shard().await;
    }
}

#[tokio::test]
async fn a_file_that_is_written_in_pieces_takes_effect_when_it_is_whole() {
    for mode in MODES {
        let mut watched = Watched::start(mode).await;
        // Not even YAML, so that it is known when it has been read.
        fs::write(watched.path("fake.yaml"), "command: [\n").unwrap();
        eventually("the half is read", async || {
            (watched.gateway.health().await["problems"] != json!([])).then_some(())
        })
        .await;
        watched.shows("p0").await;
        fs::write(watched.path("fake.yaml"), file("p1")).unwrap();
        watched.shows("p1").await;
        watched.ends_with_one_shard().await;
    }
}

#[tokio::test]
async fn a_config_map_that_is_swapped_takes_effect_as_a_whole() {
    for mode in MODES {
        let mut watched = Watched::start(mode).await;
        let folder = watched.folder.clone();
        let publish = |version: &str, text: String| {
            fs::create_dir(folder.join(version)).unwrap();
            fs::write(folder.join(version).join("fake.yaml"), text).unwrap();
            symlink(version, folder.join("..data_tmp")).unwrap();
            fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
        };
        publish("..v1", file("p1"));
        symlink("..data/fake.yaml", watched.path("link")).unwrap();
        fs::rename(watched.path("link"), watched.path("fake.yaml")).unwrap();
        watched.shows("p1").await;
        for (version, prefix) in [("..v2", "p2"), ("..v3", "p3")] {
            publish(version, file(prefix));
            watched.shows(prefix).await;
        }
        fs::remove_dir_all(watched.path("..v2")).unwrap();
        watched.shows("p3").await;
        watched.ends_with_one_shard().await;
    }
}

#[tokio::test]
async fn a_burst_of_changes_ends_in_what_the_folder_says_last() {
    for mode in MODES {
        let mut watched = Watched::start(mode).await;
        for number in 1..=200 {
            save_by_rename(&watched.folder, &file(&format!("p{number}")));
            let passing = watched.path(&format!("passing{}.yaml", number % 7));
            if number % 2 == 0 {
                fs::write(passing, "comand: broken\n").unwrap();
            } else if passing.exists() {
                fs::remove_file(passing).unwrap();
            }
        }
        for number in 0..7 {
            // Not all of them are there any more.
            let _ = fs::remove_file(watched.path(&format!("passing{number}.yaml")));
        }
        watched.shows("p200").await;
        eventually("the broken files are forgotten", async || {
            (watched.gateway.health().await["problems"] == json!([])).then_some(())
        })
        .await;
        watched.ends_with_one_shard().await;
    }
}

#[tokio::test]
async fn a_file_that_is_renamed_is_another_shard() {
    for mode in MODES {
        let gateway = Gateway::builder().shard("old", fake_shard(&[])).flags(&["--watch", mode]).start().await;
        gateway.until("old", "ready").await;
        let folder = gateway.dir().path().join("shards.d");
        fs::rename(folder.join("old.yaml"), folder.join("new.yaml")).unwrap();
        gateway.until("new", "ready").await;
        assert!(gateway.shard("old").await.is_null());
        let mut client = Legacy::open(&gateway, "2025-11-25").await;
        assert!(client.tools().await.iter().all(|tool| tool.starts_with("new__")));
        gateway.stop().await;
    }
}
