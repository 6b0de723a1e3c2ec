//! Views of a world of a few offers, without a process.

use std::path::{Path, PathBuf};

use super::*;
use crate::config::{Host, ShardName, file};
use crate::fleet::{Absence, Offer, Trouble, World, world};
use crate::shard::Known;
use crate::shard::roster::{Item, List, Offered, Roster};
use crate::wire::{Era, Raw};

fn roster(tools: &[&str], uris: &[&str]) -> Roster {
    let read = |list, text: String| Item::read(list, Raw::parse(text.as_bytes()).unwrap()).unwrap();
    let offered = |list: List| {
        let items = match list {
            List::Tools => {
                tools
                    .iter()
                    .map(|name| read(list, json!({"name": name, "inputSchema": {"type": "object"}}).to_string()))
            }
            .collect(),
            List::Resources => {
                uris.iter().map(|uri| read(list, json!({"uri": uri, "name": "r"}).to_string())).collect()
            }
            List::Prompts | List::Templates => Vec::new(),
        };
        Arc::new(Offered { items, ..Offered::default() })
    };
    Roster {
        server_info: "{}".into(),
        revision: "2025-11-25".into(),
        modern: false,
        capabilities: "{}".into(),
        instructions: Some(" Use it. ".into()),
        lists: List::ALL.map(offered),
    }
}

/// A world in which shards with these files offer these rosters.
fn world(shards: &[(&str, &str, Roster)]) -> World {
    let offer = |(name, text, roster): &(&str, &str, Roster)| {
        let (mut entries, problems) = file::parse(Path::new(&format!("{name}.yaml")), text, &Host);
        let spec = entries.remove(0).spec.unwrap_or_else(|| panic!("{problems:?}"));
        let known = Known { roster: Arc::new(roster.clone()), live: true, certain: true };
        (spec.name.clone(), Offer { spec: Arc::new(spec), known })
    };
    let offers = shards.iter().map(offer).collect();
    let (catalogue, _) = world::merge(&World::default().catalogue, &offers);
    World { catalogue: Arc::new(catalogue), offers, is_read: true, ..World::default() }
}

fn listed(world: &World, view: &View, list: List) -> String {
    let seen = world.seen(view);
    let items: Vec<_> =
        seen.exposed(list).map(|(name, target)| format!("{name}={}/{}", target.shard, target.own)).collect();
    items.join(" ")
}

/// `a` and `b` meet in the name `x` and in a uri; `a` holds both.
fn meeting() -> World {
    world(&[
        (
            "a",
            "command: sh\nprefix: \"\"\ntools: { deny: [hidden], rename: { \"y z\": y } }",
            roster(&["x", "y z", "hidden"], &["u:1", "u:a"]),
        ),
        ("b", "command: sh\nprefix: \"\"", roster(&["x", "w"], &["u:1", "u:b"])),
        ("c", "command: sh", roster(&["x"], &["u:c"])),
    ])
}

#[test]
fn one_alone_has_its_own_names_by_the_rules_of_its_file_and_all_its_uris() {
    let world = meeting();
    let check = |view: &View, tools: &str, uris: &str| {
        assert_eq!([listed(&world, view, List::Tools), listed(&world, view, List::Resources)], [tools, uris], "{view}");
    };
    check(&View::All, "x=a/x y=a/y z w=b/w c__x=c/x", "u:1=a/u:1 u:a=a/u:a u:b=b/u:b u:c=c/u:c");
    check(&View::alone("a"), "x=a/x y=a/y z", "u:1=a/u:1 u:a=a/u:a");
    check(&View::alone("b"), "x=b/x w=b/w", "u:1=b/u:1 u:b=b/u:b");
    check(&View::alone("c"), "x=c/x", "u:c=c/u:c");
    check(&View::alone("gone"), "", "");
    assert_eq!(world.seen(&View::alone("b")).instructions(), Some("Use it."));
    assert_eq!(world.seen(&View::alone("gone")).instructions(), None);
}

#[test]
fn some_have_the_names_of_all_and_a_name_stays_with_its_holder_if_that_is_seen() {
    let world = meeting();
    assert_eq!(listed(&world, &View::only(["b", "c"]), List::Tools), "x=b/x w=b/w c__x=c/x");
    assert_eq!(listed(&world, &View::only(["b", "a"]), List::Tools), "x=a/x y=a/y z w=b/w");
    assert_eq!(listed(&world, &View::only(["gone", "c"]), List::Resources), "u:c=c/u:c");
    assert_eq!(world.seen(&View::only(["c"])).instructions(), Some("# c\n\nUse it."));

    // The holder is who has it for all, and not the first by name.
    let before = self::world(&[("b", "command: sh\nprefix: \"\"", roster(&["x"], &[]))]);
    let (catalogue, _) = world::merge(&before.catalogue, &world.offers);
    let later = World { catalogue: Arc::new(catalogue), ..meeting() };
    assert_eq!(listed(&later, &View::only(["a", "b"]), List::Tools), "y=a/y z x=b/x w=b/w");
}

#[test]
fn the_lists_of_a_view_change_with_its_shards_only() {
    let generations = |world: &World, view: &View| List::ALL.map(|list| world.seen(view).generation(list));
    let one = ("one", "command: sh", roster(&["x"], &[]));
    let before = world(&[one.clone(), ("two", "command: sh", roster(&["y"], &[]))]);
    let after = world(&[one, ("two", "command: sh", roster(&["y", "z"], &[]))]);
    for (view, changes) in [
        (View::All, true),
        (View::only(["one"]), false),
        (View::only(["one", "two"]), true),
        (View::alone("one"), false),
        (View::alone("two"), true),
    ] {
        assert_eq!(generations(&before, &view) != generations(&after, &view), changes, "{view}");
    }
}

#[test]
fn on_a_first_start_a_view_waits_for_its_own_shards_only() {
    let unsettled = meeting();
    assert!(!unsettled.is_settled_for(&View::All));
    assert!(unsettled.is_settled_for(&View::alone("a")) && unsettled.is_settled_for(&View::only(["a", "b"])));
    let unread = World { is_read: false, ..meeting() };
    assert!(!unread.is_settled_for(&View::alone("a")));
    assert!(World { settled: true, ..meeting() }.is_settled_for(&View::All));
}

#[test]
fn a_view_is_made_once_and_not_many_are_kept() {
    let world = meeting();
    let view = View::only(["a", "b"]);
    assert!(Arc::ptr_eq(&world.seen(&view), &world.seen(&View::only(["b", "a"]))));
    assert!(Arc::ptr_eq(&world.seen(&View::All), &world.catalogue));
    for number in 0..3 * KEPT {
        world.seen(&View::alone(&number.to_string()));
    }
    assert_eq!(world.views.0.lock().unwrap().len(), KEPT);
}

#[test]
fn large_views_are_not_all_kept() {
    let long = "x".repeat(KEPT_BYTES / 10);
    let world = world(&[("big", "command: sh", roster(&[], &[&long]))]);
    for other in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        let seen = world.seen(&View::only(["big", other]));
        assert!(seen.list(List::Resources, Era::Legacy).len() > long.len());
    }
    let kept = world.views.0.lock().unwrap();
    assert!(kept.values().map(|seen| seen.size()).sum::<usize>() <= KEPT_BYTES && !kept.is_empty(), "{}", kept.len());
}

fn told(world: &World, view: &View) -> String {
    world.check(view).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_seen_is_explained() {
    let name = |name: &str| ShardName::parse(name).unwrap();
    let absent =
        |names: &[(&str, Absence)]| names.iter().map(|(text, absence)| (name(text), absence.clone())).collect();
    let off = Absence::Disabled(PathBuf::from("/srv/shards.d/off.yaml"));
    let fault =
        Trouble { file: "/srv/shards.d/bad.yaml".into(), line: Some(3), message: "unknown key `comand`".into() };
    let world = World {
        absent: absent(&[("off", off), ("bad", Absence::Invalid), ("odd", Absence::Invalid)]),
        problems: vec![fault],
        is_read: true,
        ..World::default()
    };
    assert_eq!(told(&world, &View::alone("off")), "shard `off` is disabled; take `enabled: false` out of `off.yaml`");
    assert_eq!(
        told(&world, &View::alone("bad")),
        "the file of shard `bad` is broken: bad.yaml:3: unknown key `comand`"
    );
    assert_eq!(told(&world, &View::alone("odd")), "the file of shard `odd` is broken; `/health` tells of its file");
    assert_eq!(
        told(&world, &View::only(["bad", "off"])),
        "the file of shard `bad` is broken: bad.yaml:3: unknown key `comand`"
    );
    assert_eq!(told(&world, &View::alone("fof")), "there is no shard `fof`; did you mean `off`?");
    assert_eq!(
        told(&world, &View::only(["off", "time"])),
        "there is no shard `time`; there are only `bad`, `odd`, `off`"
    );
    assert_eq!(
        told(&World { is_read: true, ..World::default() }, &View::alone("é")),
        "there is no shard `é`, nor any other; `/health` tells of the folder of shard files"
    );
    assert_eq!(World::default().check(&View::alone("off")), Err(NoView::Unread));
    assert!(told(&world, &View::alone(&"x".repeat(9999))).len() < 200);
    assert_eq!(world.check(&View::All), Ok(()));

    let many = (0..20).map(|number| (name(&format!("shard-{number:02}")), Absence::Invalid)).collect();
    let told = told(&World { absent: many, is_read: true, ..World::default() }, &View::alone("z"));
    assert!(told.ends_with("`shard-07` and 12 more"), "{told}");
}
