//! Ledgers that are kept, left, replaced, broken and foreign.

use tempfile::TempDir;

use super::*;

const TOKEN: &str = "0123456789abcdef";

fn content(place: &str, children: usize) -> Content {
    let id = table::seen(std::process::id()).unwrap().id;
    let gateway = Owner { id, place: place.into(), token: TOKEN.into(), version: "1".into(), door: "stdio".into() };
    let child = |number: usize| Entry {
        shard: "time".into(),
        id: Id { pid: 77, started: number as u64 },
        marker: format!("{TOKEN}.time.{number}"),
    };
    Content { gateway, children: (0..children).map(child).collect() }
}

fn only(folder: &TempDir) -> Found {
    let mut found = all(folder.path()).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

#[test]
fn a_ledger_is_kept_while_its_gateway_writes_and_left_when_it_is_dropped() {
    let folder = TempDir::new().unwrap();
    let mut ledger = Ledger::begin(folder.path(), &content("here", 0)).unwrap();
    for children in 0..50 {
        ledger.write(&content("here", children)).unwrap();
        let found = only(&folder);
        assert!(matches!(found.hold, Hold::Kept));
        assert_eq!(found.content.unwrap().children.len(), children);
    }
    drop(ledger);
    let found = only(&folder);
    assert!(matches!(found.hold, Hold::Left { .. }));
    assert!(matches!(only(&folder).hold, Hold::Kept), "while one sweeps it, no other does");
    assert_eq!(found.content.unwrap(), content("here", 49));
}

#[test]
fn whoever_looks_while_it_is_replaced_never_finds_it_left_or_broken() {
    let folder = TempDir::new().unwrap();
    let mut ledger = Ledger::begin(folder.path(), &content("here", 0)).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (0..2000).for_each(|round| ledger.write(&content("here", round % 20)).unwrap()));
        while !writer.is_finished() {
            for found in all(folder.path()).unwrap() {
                assert!(matches!(found.hold, Hold::Kept));
                found.content.unwrap();
            }
        }
    });
}

#[test]
fn an_ended_ledger_is_gone_and_no_draft_stays() {
    let folder = TempDir::new().unwrap();
    let ledger = Ledger::begin(folder.path(), &content("here", 1)).unwrap();
    ledger.end().unwrap();
    assert_eq!(fs::read_dir(folder.path().join("ledgers")).unwrap().count(), 0);
}

#[test]
fn only_its_user_can_read_it() {
    let folder = TempDir::new().unwrap();
    let ledger = Ledger::begin(folder.path(), &content("here", 1)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(&ledger.path), mode(ledger.path.parent().unwrap())), (0o600, 0o700));
}

#[test]
fn numbers_count_only_where_they_were_given_and_the_token_always() {
    let folder = TempDir::new().unwrap();
    drop(Ledger::begin(folder.path(), &content("here", 1)).unwrap());
    let marks = Marks::Token(TOKEN.into());
    let known = vec![Id { pid: 77, started: 0 }];
    assert_eq!(only(&folder).claim("here"), Claim { known, marks: marks.clone() });
    assert_eq!(only(&folder).claim("elsewhere"), Claim { known: Vec::new(), marks: marks.clone() });
    fs::write(folder.path().join(format!("ledgers/1-{TOKEN}.json")), "{\"gateway\":").unwrap();
    let broken = all(folder.path()).unwrap().into_iter().find(|found| found.content.is_err()).unwrap();
    assert_eq!(broken.claim("here"), Claim { known: Vec::new(), marks });
}

#[test]
fn other_files_are_no_ledgers() {
    let check = |name: &str, expected: Option<&str>| {
        assert_eq!(token_in(Path::new(name)).as_deref(), expected, "{name}");
    };
    check("a/7-0123456789abcdef.json", Some(TOKEN));
    for name in ["7-0123456789abcdef.new", "x-0123456789abcdef.json", "7-0123456789abcde.json", "7-.json", "notes.json"]
    {
        check(name, None);
    }
}
