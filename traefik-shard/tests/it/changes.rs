//! Changes against the real Traefik: live as asked or taken back, whatever happens in between.
//!
//! Invariant: after each refusal all files and routes are as before; `Lab::refusal` checks it.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Backend, Lab, LabOptions, Reply, Shard, eventually};

/// A file that Traefik refuses: one such file freezes its whole file provider.
const BROKEN: &str = "http:\n  routers:\n    x:\n      rule: Host(`x.lab.test`)\n      servise: app\n";

fn route(name: &str, backend: &Backend) -> Value {
    json!({"name": name, "host": format!("{name}.lab.test"), "backend_url": backend.url(), "entry_points": ["web"]})
}

fn with(mut arguments: Value, mut more: Value) -> Value {
    arguments.as_object_mut().unwrap().append(more.as_object_mut().unwrap());
    arguments
}

fn unnoticing() -> LabOptions {
    LabOptions { watch: false, ..LabOptions::default() }
}

#[tokio::test]
async fn a_route_answers_is_changed_with_its_digest_and_is_gone_when_deleted() {
    let lab = Lab::start(LabOptions::default()).await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    let shard = Shard::start(&lab.shard()).await;
    let made = shard.call("create_route", route("app", &old)).await.done();
    assert_eq!(
        (&made["change"], &made["status"], &made["applied"]),
        (&json!("created"), &json!("enabled"), &json!(true))
    );
    assert_eq!(lab.get("web", "app.lab.test", "/").await, Reply { status: 200, body: "old GET /".into() });
    assert_eq!(lab.tree_bytes()["mcp-managed/app.yml"], made["yaml"].as_str().unwrap().as_bytes());

    let again = shard.call("create_route", route("app", &old)).await.done();
    assert_eq!((&again["change"], &again["sha256"]), (&json!("unchanged"), &made["sha256"]));
    let taken = lab.refusal(shard.call("create_route", route("app", &new))).await.failed("name_conflict");
    assert_eq!(taken["details"]["sha256"], made["sha256"]);
    let stale = with(route("app", &new), json!({"if_match": "0".repeat(64)}));
    let stale = lab.refusal(shard.call("create_route", stale)).await.failed("precondition_failed");
    assert_eq!(stale["details"]["sha256"], made["sha256"]);

    // Only the server changes: the router looks the same before and after.
    let change = with(route("app", &new), json!({"if_match": made["sha256"]}));
    assert_eq!(shard.call("create_route", change).await.done()["change"], "updated");
    assert_eq!(lab.get("web", "app.lab.test", "/").await.body, "new GET /");

    let gone = shard.call("delete_route", json!({"name": "app"})).await.done();
    assert_eq!((&gone["deleted"], &gone["status"]), (&json!(true), &json!("gone")));
    assert_eq!(lab.get("web", "app.lab.test", "/").await.status, 404);
    assert!(fs::read_to_string(gone["backup"].as_str().unwrap()).unwrap().contains(&new.url()));
    assert_eq!(lab.tree_bytes().into_keys().collect::<Vec<_>>(), ["human.yml"]);
    shard.call("delete_route", json!({"name": "app"})).await.failed("not_found");
    shard.end().await;
}

#[tokio::test]
async fn beside_the_files_of_others_a_route_answers_and_is_gone_when_deleted() {
    let lab = Lab::start(LabOptions::default()).await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    let shard = Shard::start(&lab.shard().flags(&["--layout", "top"])).await;
    let made = shard.call("create_route", route("app", &old)).await.done();
    assert_eq!(made["file"], "mcp-app.yml");
    assert_eq!(lab.get("web", "app.lab.test", "/").await.body, "old GET /");
    assert_eq!(lab.all_files(), [".mcp-lock", "human.yml", "mcp-app.yml"]);
    let change = with(route("app", &new), json!({"if_match": made["sha256"]}));
    assert_eq!(shard.call("create_route", change).await.done()["change"], "updated");
    assert_eq!(lab.get("web", "app.lab.test", "/").await.body, "new GET /");
    assert_eq!(shard.call("reload_config", json!({})).await.done()["reloaded"], true);
    assert_eq!(shard.call("delete_route", json!({"name": "app"})).await.done()["status"], "gone");
    assert_eq!(lab.get("web", "app.lab.test", "/").await.status, 404);
    assert_eq!(lab.all_files(), [".mcp-lock", "human.yml"]);
    shard.end().await;
}

#[tokio::test]
async fn an_update_that_traefik_would_disable_leaves_the_old_route_answering() {
    let files =
        vec![("bad.yml".to_owned(), "http: {middlewares: {bad: {ipAllowList: {sourceRange: [nonsense]}}}}".to_owned())];
    let lab = Lab::start(LabOptions { files, ..LabOptions::default() }).await;
    let backend = Backend::start("app").await;
    let shard = Shard::start(&lab.shard()).await;
    let made = shard.call("create_route", route("app", &backend)).await.done();
    let bad = with(route("app", &backend), json!({"if_match": made["sha256"], "middlewares": ["bad@file"]}));
    let refused = lab.refusal(shard.call("create_route", bad)).await.failed("rejected_by_traefik");
    assert_eq!(refused["details"]["rolled_back"], true, "{refused:#}");
    assert!(refused["message"].as_str().unwrap().contains("nonsense"), "{refused:#}");
    let other = with(route("other", &backend), json!({"middlewares": ["bad@file"]}));
    lab.refusal(shard.call("create_route", other)).await.failed("rejected_by_traefik");
    let missing = with(route("other", &backend), json!({"middlewares": ["nothing@file"]}));
    lab.refusal(shard.call("create_route", missing)).await.failed("invalid_input");
    shard.end().await;
}

#[tokio::test]
async fn a_broken_foreign_file_is_named_before_anything_is_written_and_by_a_reload() {
    let lab = Lab::start(LabOptions::default()).await;
    let backend = Backend::start("app").await;
    let shard = Shard::start(&lab.shard()).await;
    let fine = shard.call("reload_config", json!({})).await.done();
    assert_eq!((&fine["reloaded"], &fine["method"]), (&json!(true), &json!("poke")));
    lab.write("zz-broken.yml", BROKEN);
    let asked = with(route("app", &backend), json!({"wait_seconds": 2}));
    let refused = lab.refusal(shard.call("create_route", asked)).await.failed("tree_broken");
    let finding = &refused["details"]["findings"][0];
    assert_eq!((&finding["file"], &finding["line"]), (&json!("zz-broken.yml"), &json!(5)), "{refused:#}");
    let reload = shard.call("reload_config", json!({"wait_seconds": 2})).await.done();
    assert_eq!(reload["reloaded"], false);
    assert!(reload["diagnosis"].as_str().unwrap().contains("zz-broken.yml:5"), "{reload:#}");
    lab.remove("zz-broken.yml");
    assert_eq!(shard.call("reload_config", json!({})).await.done()["reloaded"], true);
    shard.call("create_route", route("app", &backend)).await.done();
    assert!(lab.all_files().iter().all(|file| !file.contains("probe")), "{:?}", lab.all_files());
    shard.end().await;
}

#[tokio::test]
async fn a_template_of_a_human_is_judged_by_traefik_itself() {
    let template = "http:\n  middlewares:\n    t:\n      headers:\n        customRequestHeaders:\n          X-Home: '{{ env \"HOME\" }}'\n";
    let files = vec![("template.yml".to_owned(), template.to_owned())];
    let lab = Lab::start(LabOptions { files, ..LabOptions::default() }).await;
    let backend = Backend::start("app").await;
    let shard = Shard::start(&lab.shard()).await;
    let made = shard.call("create_route", route("app", &backend)).await.done();
    assert!(made["warnings"].to_string().contains("template.yml"), "{made:#}");
    assert_eq!(lab.get("web", "app.lab.test", "/").await.status, 200);
    shard.end().await;
}

#[tokio::test]
async fn what_traefik_does_not_notice_is_taken_back_but_a_deletion_stays() {
    let lab = Lab::start(unnoticing()).await;
    let backend = Backend::start("app").await;
    let shard = Shard::start(&lab.shard()).await;
    let asked = with(route("app", &backend), json!({"wait_seconds": 1}));
    let refused = lab.refusal(shard.call("create_route", asked.clone())).await.failed("not_applied");
    assert_eq!(refused["details"]["rolled_back"], true, "{refused:#}");
    assert!(refused["hint"].as_str().unwrap().contains("watch"), "{refused:#}");
    let reload = shard.call("reload_config", json!({"wait_seconds": 1})).await.done();
    assert_eq!(reload["reloaded"], false);
    shard.end().await;

    let pid = traefik_of(&lab);
    let command = Shard::start(&lab.shard().variable("TRAEFIK_RELOAD_COMMAND", format!("kill -s HUP {pid}"))).await;
    command.call("create_route", with(route("app", &backend), json!({"wait_seconds": 4}))).await.done();
    assert_eq!(lab.get("web", "app.lab.test", "/").await.status, 200);
    let reload = command.call("reload_config", json!({"wait_seconds": 4})).await.done();
    assert_eq!((&reload["reloaded"], &reload["method"]), (&json!(true), &json!("reload_command")));
    command.end().await;

    let shard = Shard::start(&lab.shard()).await;
    let left =
        shard.call("delete_route", json!({"name": "app", "wait_seconds": 1})).await.failed("deleted_but_still_live");
    assert_eq!(left["details"]["file"], "mcp-managed/app.yml");
    assert_eq!(lab.tree_bytes().into_keys().collect::<Vec<_>>(), ["human.yml"]);
    let drift = shard.call("delete_route", json!({"name": "app"})).await.failed("not_found");
    assert_eq!(drift["details"]["drift"], true);
    shard.end().await;
}

#[tokio::test]
async fn only_managed_routes_that_nobody_uses_are_deleted() {
    let lab = Lab::start(LabOptions::default()).await;
    let backend = Backend::start("app").await;
    let shard = Shard::start(&lab.shard()).await;
    let human = lab.refusal(shard.call("delete_route", json!({"name": "human"}))).await.failed("not_managed");
    assert_eq!(human["details"]["file"], "human.yml");
    let internal = lab.refusal(shard.call("delete_route", json!({"name": "api"}))).await.failed("not_managed");
    assert_eq!(internal["details"]["provider"], "internal");
    lab.refusal(shard.call("delete_route", json!({"name": "../human"}))).await.failed("invalid_input");

    shard.call("create_route", route("app", &backend)).await.done();
    lab.write(
        "user.yml",
        "http: {routers: {user: {rule: Host(`user.lab.test`), service: mcp-app, entryPoints: [web]}}}",
    );
    lab.until("the user is there", async |lab| lab.api("/http/routers/user@file").await).await;
    let used = lab.refusal(shard.call("delete_route", json!({"name": "app"}))).await.failed("in_use");
    assert_eq!(used["details"]["used_by"], json!(["router `user@file` uses service `mcp-app@file`"]));
    let dry = shard.call("delete_route", json!({"name": "app", "force": true, "dry_run": true})).await.done();
    assert_eq!((&dry["deleted"], &dry["status"]), (&json!(false), &json!("dry_run")));
    assert!(lab.tree_bytes().contains_key("mcp-managed/app.yml"));
    let forced = shard.call("delete_route", json!({"name": "app", "force": true})).await.done();
    assert!(forced["warnings"].to_string().contains("user@file"), "{forced:#}");
    shard.end().await;
}

#[tokio::test]
async fn a_route_of_a_shard_with_another_prefix_is_deleted_only_with_its_digest() {
    let lab = Lab::start(LabOptions::default()).await;
    let backend = Backend::start("theirs").await;
    let theirs = Shard::start(&lab.shard().variable("NAME_PREFIX", "z-")).await;
    let made = theirs.call("create_route", route("app", &backend)).await.done();
    let ours = Shard::start(&lab.shard()).await;
    let refused = lab.refusal(ours.call("delete_route", json!({"name": "app"}))).await;
    assert_eq!(refused.failed("not_managed")["details"]["sha256"], made["sha256"]);
    assert_eq!(lab.get("web", "app.lab.test", "/").await.body, "theirs GET /");
    ours.call("delete_route", json!({"name": "app", "if_match": made["sha256"]})).await.done();
    assert_eq!(lab.get("web", "app.lab.test", "/").await.status, 404);
    theirs.end().await;
    ours.end().await;
}

#[tokio::test]
async fn nothing_is_written_where_the_audit_log_cannot_be() {
    let lab = Lab::start(LabOptions::default()).await;
    let backend = Backend::start("app").await;
    fs::write(lab.state_dir(), "a file where the folder should be").unwrap();
    let shard = Shard::start(&lab.shard()).await;
    lab.refusal(shard.call("create_route", route("app", &backend))).await.failed("io_error");
    shard.end().await;
}

#[tokio::test]
async fn a_file_that_a_person_edited_needs_its_present_digest() {
    let lab = Lab::start(LabOptions::default()).await;
    let backend = Backend::start("app").await;
    let shard = Shard::start(&lab.shard()).await;
    let made = shard.call("create_route", route("app", &backend)).await.done();
    lab.write("mcp-managed/app.yml", made["yaml"].as_str().unwrap().to_owned() + "# mine\n");
    let again = with(route("app", &backend), json!({"overwrite": true}));
    let refused = lab.refusal(shard.call("create_route", again.clone())).await.failed("precondition_failed");
    let present = &refused["details"]["sha256"];
    assert_ne!(present, &made["sha256"]);
    lab.refusal(shard.call("delete_route", json!({"name": "app"}))).await.failed("precondition_failed");
    let with_digest = with(again, json!({"if_match": present}));
    let mended = shard.call("create_route", with_digest).await.done();
    assert_eq!((&mended["change"], &mended["sha256"]), (&json!("updated"), &made["sha256"]));
    shard.end().await;
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_works_without_traefik() {
    let mut lab = Lab::start(LabOptions::default()).await;
    let backend = Backend::start("app").await;
    let shard = Shard::start(&lab.shard()).await;
    let asked = with(route("app", &backend), json!({"dry_run": true}));
    let dry = shard.call("create_route", asked.clone()).await.done();
    assert_eq!(
        (&dry["change"], &dry["applied"], &dry["status"]),
        (&json!("created"), &json!(false), &json!("dry_run"))
    );
    lab.stop();
    let offline = shard.call("create_route", asked).await.done();
    assert!(offline["warnings"].to_string().contains("not checked against the running Traefik"), "{offline:#}");
    assert_eq!(lab.all_files(), ["human.yml"]);
    shard.call("create_route", route("app", &backend)).await.failed("api_unreachable");
    shard.call("delete_route", json!({"name": "app"})).await.failed("api_unreachable");
    shard.call("reload_config", json!({})).await.failed("api_unreachable");
    assert_eq!(lab.tree_bytes().into_keys().collect::<Vec<_>>(), ["human.yml"]);
    shard.end().await;
    let bare = Shard::start(&lab.shard().flags(&["--read-only"])).await;
    bare.call("create_route", route("app", &backend)).await.failed("read_only");
    bare.end().await;
}

#[tokio::test]
async fn a_traefik_that_restarts_in_the_middle_is_waited_for() {
    let mut lab = Lab::start(unnoticing()).await;
    let backend = Backend::start("app").await;
    let shard = Shard::start(&lab.shard()).await;
    let asked = with(route("app", &backend), json!({"wait_seconds": 30}));
    let making = shard.call("create_route", asked);
    let restarting = async {
        eventually("the file is written", async || lab.tree_bytes().get("mcp-managed/app.yml").map(|_| ())).await;
        lab.restart().await;
    };
    let (made, ()) = tokio::join!(making, restarting);
    assert_eq!(made.done()["status"], "enabled");
    assert_eq!(lab.get("web", "app.lab.test", "/").await.status, 200);
    shard.end().await;
}

#[tokio::test]
async fn a_shard_killed_before_traefik_noticed_leaves_nothing_after_the_next_start() {
    let lab = Lab::start(unnoticing()).await;
    let backend = Backend::start("app").await;
    let before = lab.tree_bytes();
    let shard = Shard::start(&lab.shard()).await;
    kill_after_rename(&lab, shard, route("app", &backend)).await;
    let next = Shard::start(&lab.shard()).await;
    lab.until("the change is undone", async |lab| (lab.tree_bytes() == before).then_some(())).await;
    lab.until("the journal is gone", async |lab| (lab.all_files() == ["human.yml", "mcp-managed/.lock"]).then_some(()))
        .await;
    next.end().await;
    assert!(fs::read_to_string(lab.state_dir().join("audit.log")).unwrap().contains("recovered_undone"));
}

#[tokio::test]
async fn a_shard_killed_after_traefik_noticed_is_finished_by_the_next_start() {
    let lab = Lab::start(unnoticing()).await;
    let backend = Backend::start("app").await;
    let shard = Shard::start(&lab.shard()).await;
    kill_after_rename(&lab, shard, route("app", &backend)).await;
    lab.hang_up();
    lab.until("Traefik has it", async |lab| lab.api("/http/routers/mcp-app@file").await).await;
    let next = Shard::start(&lab.shard()).await;
    lab.until("the journal is gone", async |lab| {
        (lab.all_files() == ["human.yml", "mcp-managed/.lock", "mcp-managed/app.yml"]).then_some(())
    })
    .await;
    assert_eq!(lab.get("web", "app.lab.test", "/").await.status, 200);
    next.end().await;
    assert!(fs::read_to_string(lab.state_dir().join("audit.log")).unwrap().contains("recovered_finished"));
}

#[tokio::test]
async fn a_probe_that_a_killed_shard_left_is_removed() {
    let lab = Lab::start(unnoticing()).await;
    let shard = Shard::start(&lab.shard()).await;
    {
        let reload = shard.call("reload_config", json!({"wait_seconds": 60}));
        let seen = eventually("the probe is written", async || {
            lab.tree_bytes().keys().any(|file| file.contains("probe")).then_some(())
        });
        tokio::select! {
            outcome = reload => panic!("it should still wait: {}", outcome.text),
            () = seen => {}
        }
    }
    shard.kill().await;
    let next = Shard::start(&lab.shard()).await;
    lab.until("the probe is gone", async |lab| (lab.all_files() == ["human.yml", "mcp-managed/.lock"]).then_some(()))
        .await;
    next.end().await;
}

/// Kills the shard between the rename and the end of its waiting.
async fn kill_after_rename(lab: &Lab, shard: Shard, arguments: Value) {
    {
        let making = shard.call("create_route", with(arguments, json!({"wait_seconds": 60})));
        let written =
            eventually("the file is written", async || lab.tree_bytes().get("mcp-managed/app.yml").map(|_| ()));
        tokio::select! {
            outcome = making => panic!("it should still wait: {}", outcome.text),
            () = written => {}
        }
    }
    shard.kill().await;
}

/// The process id of the laboratory's Traefik, found by its static file.
fn traefik_of(lab: &Lab) -> String {
    let own = format!("--configFile={}", lab.dynamic_dir().with_file_name("traefik.yml").display());
    let processes = fs::read_dir("/proc").unwrap().flatten().filter(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&own)
    });
    let ids: Vec<_> = processes.map(|process| process.file_name().into_string().unwrap()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    ids.concat()
}
