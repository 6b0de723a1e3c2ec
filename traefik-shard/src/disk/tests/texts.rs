//! Names and headers, which need no disk.

use super::{BODY, draft, name};
use crate::disk::Name;
use crate::disk::fault::fault;
use crate::disk::managed::{Managed, sha256};
use crate::failure::Code;

#[test]
fn a_name_is_a_lower_case_label_and_nothing_else() {
    let longest = "a".repeat(63);
    for good in ["a", "0", "a-b", "a--b", "app-2", "probe", &longest] {
        assert_eq!(Name::parse(good).unwrap().as_str(), good);
    }
    let long = "a".repeat(64);
    let bad = ["", "-", "-a", "a-", "A", "a.b", "a/b", "../a", "a b", "a\n", "a\0", "ä", "_probe", "a@file", &long];
    for bad in bad.into_iter().chain(["{{a}}", ".", "..", "a_b", "🦀"]) {
        assert_eq!(Name::parse(bad).unwrap_err().code(), Code::InvalidInput, "{bad:?}");
    }
}

#[test]
fn a_header_is_four_comments_without_template_marks() {
    let draft = draft("app", BODY);
    let header = draft.text.strip_suffix(BODY).unwrap();
    assert_eq!(header.lines().count(), 4);
    assert!(header.lines().all(|line| line.starts_with("# ")), "{header}");
    assert!(!header.contains("{{"), "{header}");
    assert_eq!(draft.sha256, sha256(draft.text.as_bytes()));
}

fn parse(text: &str) -> Result<Managed, String> {
    Managed::parse(&name("app"), "mcp-managed/app.yml".to_owned(), text.as_bytes().to_vec())
}

#[test]
fn what_is_written_is_read_back_and_any_change_of_the_body_is_an_edit() {
    for body in ["", "\n", BODY, "no end", "a: 'ü'\r\n"] {
        let text = draft("app", body).text;
        let found = parse(&text).unwrap();
        assert_eq!((found.body(), found.edited, found.text.as_str()), (body, false, text.as_str()));
        assert!(parse(&format!("{text}#")).unwrap().edited);
    }
    let with_other_ends = draft("app", BODY).text.replace('\n', "\r\n");
    assert!(parse(&with_other_ends).unwrap().edited);
}

#[test]
fn a_damaged_header_is_not_ours() {
    let text = draft("app", BODY).text;
    for (from, to) in [
        ("traefik-shard", "somebody"),
        ("# name: app", "# name: other"),
        ("# name: app\n", ""),
        ("# created: 2", "# created: {{"),
        ("# body-sha256", "# sha256"),
    ] {
        assert!(text.contains(from), "{from}");
        assert!(parse(&text.replacen(from, to, 1)).is_err(), "{from}");
    }
    for short in ["", "# managed-by: traefik-shard", "# managed-by: traefik-shard\n# name: app\n"] {
        assert!(parse(short).is_err(), "{short:?}");
    }
}

#[test]
fn a_fault_names_the_deed_the_place_the_reason_and_the_way_out() {
    let text = |errno: rustix::io::Errno| fault("lock", "dynamic/.lock".as_ref(), &errno.into()).to_string();
    assert_eq!(
        text(rustix::io::Errno::NOLCK),
        "io_error: cannot lock `dynamic/.lock`: no locks available; use a file system that can do this, such as \
         ext4, XFS, Btrfs, ZFS or NFS 4"
    );
    assert_eq!(
        text(rustix::io::Errno::NOSPC),
        "io_error: cannot lock `dynamic/.lock`: no space left on device; free some room on that file system and \
         try again"
    );
    assert!(text(rustix::io::Errno::IO).ends_with("look at the file system and its log, then try again"));
}
