//! Directories that cannot be written: another's, full, or a link to elsewhere.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use super::{route, with};
use crate::support::{Gateway, Lab, LabOptions};

/// All that writes, for a route that may be there already.
fn writes(lab: &Lab) -> [(&'static str, Value); 3] {
    let update = with(route("app", &lab.dead().url()), json!({"overwrite": true}));
    [("create_route", update), ("delete_route", json!({"name": "app"})), ("reload_config", json!({}))]
}

#[tokio::test]
async fn a_directory_of_another_user_is_left_alone_and_named() {
    let lab = Lab::start(LabOptions::default()).await;
    let nobody = Gateway::start(&lab.shard_as_nobody()).await;
    let refused = lab.refusal(nobody.call("create_route", route("app", &lab.backend().url()))).await;
    assert!(refused.text.contains("ermission"), "{}", refused.text);
    refused.failed("io_error");
    // Root has been here; now the folder, the lock and a route are there, and all are root's.
    let root = Gateway::start(&lab.shard()).await;
    root.call("create_route", route("app", &lab.backend().url())).await.done();
    for (tool, arguments) in writes(&lab) {
        let refused = lab.refusal(nobody.call(tool, arguments)).await;
        assert!(refused.text.contains("ermission"), "{tool}: {}", refused.text);
        refused.failed("io_error");
    }
    assert_eq!(nobody.call("list_routes", json!({"managed_only": true})).await.done()["total"], 1, "it can still read");
}

#[tokio::test]
async fn a_managed_folder_that_is_a_link_is_not_followed() {
    let lab = Lab::start(LabOptions::default()).await;
    let elsewhere = lab.state_dir().with_file_name("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, lab.dynamic_dir().join("mcp-managed")).unwrap();
    let gateway = Gateway::start(&lab.shard()).await;
    for (tool, arguments) in writes(&lab) {
        let refused = lab.refusal(gateway.call(tool, arguments)).await;
        assert!(refused.text.contains("mcp-managed") && refused.text.contains("link"), "{tool}: {}", refused.text);
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[tokio::test]
async fn a_managed_file_that_is_a_link_is_neither_read_nor_replaced() {
    let (lab, gateway) = Gateway::and_lab().await;
    let target = lab.state_dir().with_file_name("target.yml");
    fs::write(&target, "# managed-by: traefik-shard\nhttp: {}\n").unwrap();
    gateway.call("create_route", route("other", &lab.backend().url())).await.done();
    symlink(&target, lab.dynamic_dir().join("mcp-managed/app.yml")).unwrap();
    for (tool, arguments) in &writes(&lab)[..2] {
        lab.refusal(gateway.call(tool, arguments.clone())).await;
    }
    assert_eq!(fs::read_to_string(&target).unwrap(), "# managed-by: traefik-shard\nhttp: {}\n");
}

#[tokio::test]
async fn a_disk_that_is_full_at_any_step_costs_nothing_but_the_change() {
    let lab = Lab::start(LabOptions { small_disk: true, ..LabOptions::default() }).await;
    let gateway = Gateway::start(&lab.shard_beside_traefik()).await;
    let filling = lab.seen_by_traefik().join("filling");
    let page = vec![0_u8; 4096];
    let mut pages = 0;
    let mut file = fs::File::create(&filling).unwrap();
    while std::io::Write::write_all(&mut file, &page).is_ok() {
        pages += 1;
    }
    assert!(pages > 4, "{pages}");
    let mut refused = 0;
    for free in 0..=4 {
        file.set_len((pages - free) * 4096).unwrap();
        let before = lab.tree_bytes();
        let call = gateway.call("create_route", route("app", &lab.backend().url()));
        let outcome = call.await;
        if outcome.is_error {
            refused += 1;
            assert!(lab.tree_bytes() == before, "{}", outcome.text);
            assert_eq!(lab.get("web", "app.lab.test", "/").await.status, 404);
            assert!(outcome.text.contains("space"), "{}", outcome.text);
            outcome.failed("io_error");
        } else {
            assert_eq!(lab.get("web", "app.lab.test", "/").await.status, 200);
            file.set_len(pages * 4096).unwrap_or_default();
            let deleted = gateway.call("delete_route", json!({"name": "app"})).await;
            if deleted.is_error {
                assert_eq!(lab.get("web", "app.lab.test", "/").await.status, 200, "{}", deleted.text);
                file.set_len(0).unwrap();
                gateway.call("delete_route", json!({"name": "app"})).await.done();
            }
        }
        lab.assert_tidy();
    }
    assert!((1..=4).contains(&refused), "{refused} of 5 were refused: too many or too few to show anything");
    assert_eq!(lab.get("web", "human.lab.test", "/").await.status, 200);
}
