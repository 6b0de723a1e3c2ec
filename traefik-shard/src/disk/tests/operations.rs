//! Operations that go well, and those that are refused before anything happens.

use std::os::unix::fs::PermissionsExt;

use super::{BODY, Ground, OTHER, apply, create, delete, draft, lock, name, update};
use crate::disk::{Draft, Kind, Name, Operation, Store, Undone};
use crate::failure::Code;

#[test]
fn both_layouts_create_update_and_delete_a_file_and_leave_nothing_else() {
    for (layout, file) in [("folder", "mcp-managed/app.yml"), ("top", "mcp-app.yml")] {
        let ground = Ground::new();
        let store = Store::open(&ground.settings(layout)).unwrap();
        let untouched = ground.files();
        assert_eq!(store.file_of(&name("app")), file);

        let digest = create(&store, "app", BODY);
        let found = store.read(&name("app")).unwrap().unwrap();
        assert_eq!((found.sha256.as_str(), found.body(), found.edited), (digest.as_str(), BODY, false));
        assert_eq!(ground.configuration()[file], found.text.as_bytes());
        let mode = std::fs::metadata(ground.root().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);

        let next = Draft::replacing(&found, OTHER);
        apply(&lock(&store), Operation::Update { draft: next.clone(), was: digest }).close().unwrap();
        let found = store.read(&name("app")).unwrap().unwrap();
        assert_eq!((found.text, found.sha256.clone()), (next.text, next.sha256));

        apply(&lock(&store), delete(&found.sha256)).close().unwrap();
        assert_eq!(store.read(&name("app")).unwrap(), None);
        assert_eq!(ground.litter(), Vec::<String>::new());
        assert_eq!(ground.configuration(), untouched);
    }
}

#[test]
fn undo_gives_back_every_byte_and_the_journal_stays_until_close() {
    let ground = Ground::new();
    let store = ground.store();
    let digest = create(&store, "app", BODY);
    let before = ground.configuration();
    let create = Operation::Create(draft("new", BODY));
    for operation in
        [create, update(OTHER, &digest), delete(&digest), Operation::Probe(Draft::new(&Name::probe(), BODY))]
    {
        let applied = apply(&lock(&store), operation);
        assert_ne!(ground.configuration(), before, "{:?}", applied.kind());
        assert_eq!(applied.undo().unwrap(), Undone::Restored);
        assert_eq!(ground.configuration(), before, "{:?}", applied.kind());
        assert!(ground.litter().contains(&"mcp-managed/.journal".to_owned()));
        applied.close().unwrap();
        assert_eq!(ground.litter(), Vec::<String>::new());
    }
}

#[test]
fn undo_leaves_what_a_person_wrote_meanwhile() {
    let ground = Ground::new();
    let store = ground.store();
    let digest = create(&store, "app", BODY);
    let applied = apply(&lock(&store), update(OTHER, &digest));
    std::fs::write(ground.managed().join("app.yml"), "mine").unwrap();
    assert_eq!(applied.undo().unwrap(), Undone::LeftForeign);
    applied.close().unwrap();
    assert_eq!(ground.configuration()["mcp-managed/app.yml"], b"mine");
    assert_eq!(ground.litter(), Vec::<String>::new());
}

#[test]
fn begin_refuses_a_file_that_is_not_as_the_caller_knows_it_and_changes_nothing() {
    let ground = Ground::new();
    let store = ground.store();
    create(&store, "app", BODY);
    std::fs::write(ground.managed().join("mine.yml"), "http: {}").unwrap();
    let before = ground.configuration();
    let locked = lock(&store);
    let was = || "0".repeat(64);
    let absent = Operation::Delete { name: name("absent"), was: was() };
    let large = draft("large", &"#".repeat(2 << 20));
    for (operation, code) in [
        (Operation::Create(draft("app", OTHER)), Code::NameConflict),
        (update(OTHER, &was()), Code::PreconditionFailed),
        (delete(&was()), Code::PreconditionFailed),
        (absent, Code::PreconditionFailed),
        (Operation::Create(draft("mine", BODY)), Code::NotManaged),
        (Operation::Create(large), Code::InvalidInput),
    ] {
        assert_eq!(locked.begin(operation.clone()).unwrap_err().code(), code, "{operation:?}");
        assert_eq!(ground.configuration(), before);
        assert_eq!(ground.litter(), Vec::<String>::new());
    }
}

#[test]
fn apply_finds_a_change_made_since_begin_and_keeps_it() {
    let ground = Ground::new();
    let store = ground.store();
    let digest = create(&store, "app", BODY);
    let file = ground.managed().join("app.yml");
    let locked = lock(&store);
    for operation in [update(OTHER, &digest), delete(&digest)] {
        let ours = std::fs::read(&file).unwrap();
        let pending = locked.begin(operation).unwrap();
        std::fs::write(&file, "mine").unwrap();
        assert_eq!(pending.apply().unwrap_err().code(), Code::PreconditionFailed);
        assert_eq!(ground.configuration()["mcp-managed/app.yml"], b"mine");
        assert_eq!(ground.litter(), Vec::<String>::new());
        std::fs::write(&file, ours).unwrap();
    }
    let pending = locked.begin(delete(&digest)).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(pending.apply().unwrap_err().code(), Code::PreconditionFailed);
    assert!(!file.exists(), "what a person removed stays removed");

    let pending = locked.begin(Operation::Create(draft("new", BODY))).unwrap();
    std::fs::write(ground.managed().join("new.yml"), "mine").unwrap();
    assert_eq!(pending.apply().unwrap_err().code(), Code::PreconditionFailed);
    assert_eq!(ground.configuration()["mcp-managed/new.yml"], b"mine");
    assert_eq!(ground.litter(), Vec::<String>::new());
}

#[test]
fn an_edit_is_told_and_a_second_begin_over_it_needs_the_present_digest() {
    let ground = Ground::new();
    let store = ground.store();
    let digest = create(&store, "app", BODY);
    let file = ground.managed().join("app.yml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + "# a word\n").unwrap();
    let found = store.read(&name("app")).unwrap().unwrap();
    assert!(found.edited);
    let locked = lock(&store);
    assert_eq!(locked.begin(update(OTHER, &digest)).unwrap_err().code(), Code::PreconditionFailed);
    apply(&locked, update(OTHER, &found.sha256)).close().unwrap();
    assert!(!store.read(&name("app")).unwrap().unwrap().edited);
}

#[test]
fn the_list_tells_ours_from_others_and_hides_the_probe() {
    let ground = Ground::new();
    let store = ground.store();
    assert_eq!(store.list().unwrap(), crate::disk::store::Listing::default());
    create(&store, "b", BODY);
    create(&store, "a", BODY);
    let managed = ground.managed();
    std::fs::write(managed.join("mine.yml"), "http: {}").unwrap();
    std::fs::write(managed.join("Odd Name.toml"), "").unwrap();
    std::fs::write(managed.join("notes.txt"), "").unwrap();
    std::fs::copy(managed.join("a.yml"), managed.join("copy.yml")).unwrap();
    std::fs::write(managed.join("large.yml"), vec![b'#'; 2 << 20]).unwrap();
    std::fs::write(managed.join("binary.yml"), [0xff, 0xfe]).unwrap();
    let probe = apply(&lock(&store), Operation::Probe(Draft::new(&Name::probe(), BODY)));
    let list = store.list().unwrap();
    let names: Vec<&str> = list.managed.iter().map(|listed| listed.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let why: Vec<String> = list.foreign.iter().map(|(file, why)| format!("{file}: {why}")).collect();
    assert_eq!(
        why,
        [
            "mcp-managed/Odd Name.toml: its name is none that this shard gives",
            "mcp-managed/binary.yml: it is not UTF-8",
            "mcp-managed/copy.yml: its header belongs to `a`",
            "mcp-managed/large.yml: it is larger than 1024 KiB",
            "mcp-managed/mine.yml: its first line is not `# managed-by: traefik-shard`",
        ]
    );
    assert_eq!((probe.kind(), probe.file().as_str()), (Kind::Probe, "mcp-managed/_probe.yml"));
    probe.undo().unwrap();
    probe.close().unwrap();
}

#[test]
fn in_the_top_layout_only_files_that_begin_as_ours_are_listed() {
    let ground = Ground::new();
    let store = Store::open(&ground.settings("top")).unwrap();
    create(&store, "app", BODY);
    std::fs::write(ground.root().join("mcp-mine.yml"), "http: {}").unwrap();
    let list = store.list().unwrap();
    assert_eq!(list.managed[0].file, "mcp-app.yml");
    assert_eq!(list.foreign.len(), 1);
    assert_eq!(list.foreign[0].0, "mcp-mine.yml");
}

#[test]
fn a_poke_changes_the_directory_and_leaves_no_file() {
    let ground = Ground::new();
    let store = ground.store();
    let files = ground.files();
    let past = std::time::SystemTime::UNIX_EPOCH;
    std::fs::File::open(ground.root()).unwrap().set_modified(past).unwrap();
    store.poke().unwrap();
    assert_ne!(std::fs::metadata(ground.root()).unwrap().modified().unwrap(), past);
    assert_eq!(ground.files(), files);
}
