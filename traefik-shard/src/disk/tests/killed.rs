//! What the next process finds after a kill at each step of the table in the module's documentation.
//!
//! A dropped operation leaves the very files that a killed process leaves.

use super::{BODY, Ground, OTHER, apply, create, delete, draft, lock, name, update};
use crate::disk::{Draft, Kind, Left, Name, Operation, Undone, Unfinished};
use crate::failure::Code;

const ID: &str = "0123456789abcdef";

#[test]
fn strays_of_steps_2_to_4_are_swept_and_nothing_else_is() {
    let ground = Ground::new();
    let store = ground.store();
    create(&store, "app", BODY);
    let before = ground.configuration();
    for stray in [".app.yml.old", ".app.yml.tmp", "._probe.yml.tmp", ".journal.tmp"] {
        std::fs::write(ground.managed().join(format!("{stray}-{ID}")), "half").unwrap();
    }
    std::fs::write(ground.root().join(format!(".mcp-poke-{ID}")), "").unwrap();
    let not_ours = [".app.yml.tmp-notes", ".Mine.yml.tmp-0123456789abcdef", ".mine.swp", ".mine.tmp-0123456789abcdef"];
    for mine in not_ours {
        std::fs::write(ground.managed().join(mine), "").unwrap();
    }
    std::fs::write(ground.root().join(".mcp-poke-mine"), "").unwrap();
    assert!(lock(&store).unfinished().unwrap().is_none());
    let mut kept: Vec<String> = not_ours.iter().map(|mine| format!("mcp-managed/{mine}")).collect();
    kept.push(".mcp-poke-mine".to_owned());
    kept.sort();
    assert_eq!(ground.litter(), kept);
    assert_eq!(ground.configuration(), before);
}

/// Leaves one operation at a step, then hands what the next process finds to `judge`.
fn check(operation: fn(&str) -> Operation, kind: Kind, file: &str) {
    for (step, expected) in [(5, Left::NotApplied), (6, Left::Applied), (7, Left::NotApplied)] {
        for finish in [Finish::Undo, Finish::Close] {
            let ground = Ground::new();
            let store = ground.store();
            let digest = create(&store, "app", BODY);
            let before = ground.configuration();
            let pending = lock(&store).begin(operation(&digest)).unwrap();
            if step == 5 {
                drop(pending);
            } else {
                let applied = pending.apply().unwrap();
                if step == 7 {
                    applied.undo().unwrap();
                }
            }
            let left_behind = ground.configuration();

            let Unfinished { left, operation } = lock(&store).unfinished().unwrap().expect("there is a journal");
            assert_eq!((left, operation.kind(), operation.file().as_str()), (expected, kind, file), "step {step}");
            let after = match finish {
                Finish::Undo => {
                    let done = if left == Left::Applied { Undone::Restored } else { Undone::WasAsBefore };
                    assert_eq!(operation.undo().unwrap(), done);
                    before
                }
                Finish::Close => left_behind,
            };
            operation.close().unwrap();
            assert_eq!(ground.configuration(), after, "{kind:?} at step {step}, {finish:?}");
            assert_eq!(ground.litter(), Vec::<String>::new());
            assert!(lock(&store).unfinished().unwrap().is_none());
        }
    }
}

#[derive(Debug)]
enum Finish {
    Undo,
    Close,
}

#[test]
fn a_killed_creation_is_judged_by_its_file() {
    check(|_| Operation::Create(draft("new", BODY)), Kind::Create, "mcp-managed/new.yml");
}

#[test]
fn a_killed_update_is_judged_by_its_file() {
    check(|digest| update(OTHER, digest), Kind::Update, "mcp-managed/app.yml");
}

#[test]
fn a_killed_deletion_is_judged_by_its_file() {
    check(delete, Kind::Delete, "mcp-managed/app.yml");
}

#[test]
fn a_killed_probe_is_judged_by_its_file() {
    check(|_| Operation::Probe(Draft::new(&Name::probe(), BODY)), Kind::Probe, "mcp-managed/_probe.yml");
}

#[test]
fn a_kill_between_journal_and_copies_at_step_8_leaves_only_strays() {
    let ground = Ground::new();
    let store = ground.store();
    let digest = create(&store, "app", BODY);
    drop(lock(&store).begin(update(OTHER, &digest)).unwrap());
    let before = ground.configuration();
    std::fs::remove_file(ground.managed().join(".journal")).unwrap();
    assert_eq!(ground.litter().len(), 2, "both copies are there");
    assert!(lock(&store).unfinished().unwrap().is_none());
    assert_eq!(ground.litter(), Vec::<String>::new());
    assert_eq!(ground.configuration(), before);
}

#[test]
fn an_update_is_undone_from_the_journal_when_its_copy_is_lost_or_damaged() {
    for damage in
        [|path: &std::path::Path| std::fs::remove_file(path), |path: &std::path::Path| std::fs::write(path, "half")]
    {
        let ground = Ground::new();
        let store = ground.store();
        let digest = create(&store, "app", BODY);
        let before = ground.configuration();
        drop(apply(&lock(&store), update(OTHER, &digest)));
        let copy = ground.litter().into_iter().find(|file| file.contains(".old-")).unwrap();
        damage(&ground.root().join(copy)).unwrap();
        let Unfinished { left, operation } = lock(&store).unfinished().unwrap().unwrap();
        assert_eq!(left, Left::Applied);
        assert_eq!(operation.undo().unwrap(), Undone::Restored);
        operation.close().unwrap();
        assert_eq!(ground.configuration(), before);
        assert_eq!(ground.litter(), Vec::<String>::new());
    }
}

#[test]
fn a_file_that_somebody_changed_after_the_kill_is_foreign_and_stays() {
    for operation in [update(OTHER, ""), delete("")] {
        let ground = Ground::new();
        let store = ground.store();
        let digest = create(&store, "app", BODY);
        let operation = match operation {
            Operation::Update { draft, .. } => Operation::Update { draft, was: digest },
            Operation::Delete { name, .. } => Operation::Delete { name, was: digest },
            other => other,
        };
        drop(apply(&lock(&store), operation));
        std::fs::write(ground.managed().join("app.yml"), "mine").unwrap();
        let Unfinished { left, operation } = lock(&store).unfinished().unwrap().unwrap();
        assert_eq!((left, operation.undo().unwrap()), (Left::Foreign, Undone::LeftForeign));
        operation.close().unwrap();
        assert_eq!(ground.configuration()["mcp-managed/app.yml"], b"mine");
    }
}

#[test]
fn nothing_new_begins_before_what_was_left_is_closed() {
    let ground = Ground::new();
    let store = ground.store();
    let digest = create(&store, "app", BODY);
    drop(apply(&lock(&store), update(OTHER, &digest)));
    let locked = lock(&store);
    assert_eq!(locked.begin(Operation::Create(draft("new", BODY))).unwrap_err().code(), Code::Busy);
    let unfinished = locked.unfinished().unwrap().unwrap();
    assert_eq!(unfinished.operation.name(), &name("app"));
    unfinished.operation.close().unwrap();
    apply(&locked, Operation::Create(draft("new", BODY))).close().unwrap();
}

#[test]
fn a_damaged_journal_is_reported_without_its_content_and_never_acted_upon() {
    let ground = Ground::new();
    let store = ground.store();
    create(&store, "app", BODY);
    let journal = ground.managed().join(".journal");
    let forged = |name: &str, id: &str| {
        format!(
            r#"{{"id":"{id}","kind":"create","name":"{name}","before":null,"after":null,"started":"2026-01-01T00:00:00Z"}}"#
        )
    };
    for text in [
        String::new(),
        "null".to_owned(),
        r#"{"id":"hush-hush","kind":"hush-hush"}"#.to_owned(),
        forged("../../static", ID),
        forged("app", "../../static.yml"),
    ] {
        std::fs::write(&journal, &text).unwrap();
        let before = ground.configuration();
        let failure = lock(&store).unfinished().unwrap_err();
        assert_eq!(failure.code(), Code::IoError);
        assert!(failure.to_string().contains("remove the journal"), "{failure}");
        assert!(!failure.to_string().contains("hush"), "{failure}");
        assert!(lock(&store).begin(Operation::Create(draft("new", BODY))).is_err());
        assert_eq!(ground.configuration(), before);
    }
    std::fs::remove_file(&journal).unwrap();
    assert!(lock(&store).unfinished().unwrap().is_none());
}

#[test]
fn a_probe_that_has_lost_its_journal_is_replaced_by_the_next() {
    let ground = Ground::new();
    let store = ground.store();
    let before = ground.configuration();
    drop(apply(&lock(&store), Operation::Probe(Draft::new(&Name::probe(), BODY))));
    std::fs::remove_file(ground.managed().join(".journal")).unwrap();
    let probe = apply(&lock(&store), Operation::Probe(Draft::new(&Name::probe(), OTHER)));
    probe.undo().unwrap();
    probe.close().unwrap();
    assert_eq!(ground.configuration(), before);
}
