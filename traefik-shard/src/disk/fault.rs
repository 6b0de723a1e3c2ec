//! What a person reads when the disk says no: the fact, the place and the way out.
//!
//! Each fault is an `io_error`, with the system's own name of it in the details.

use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::failure::{Code, Failure};

/// `doing` is what could not be done, such as "write".
pub(super) fn fault(doing: &str, place: &Path, error: &io::Error) -> Failure {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    let place = place.display();
    let kind = errno.map_or("other", |errno| kind(errno));
    Failure::new(Code::IoError, format!("cannot {doing} `{place}`: {}", reason(error)), way_out(errno))
        .with("kind", kind)
        .with("place", place.to_string())
}

/// The error without the number that the standard library adds.
fn reason(error: &io::Error) -> String {
    let text = error.to_string().to_lowercase();
    text.split_once(" (os error").map_or(text.clone(), |(reason, _)| reason.to_owned())
}

fn kind(errno: Errno) -> &'static str {
    match errno {
        Errno::ACCESS | Errno::PERM => "permission",
        Errno::ROFS => "read_only_file_system",
        Errno::NOSPC | Errno::DQUOT => "disk_full",
        Errno::NOENT | Errno::NOTDIR => "missing",
        Errno::LOOP => "symbolic_link",
        Errno::NOLCK | Errno::NOTSUP | Errno::NOSYS => "unsupported",
        _ => "other",
    }
}

fn way_out(errno: Option<Errno>) -> String {
    let text = match errno.map(kind) {
        Some("permission") => {
            let uid = rustix::process::geteuid().as_raw();
            return format!("let the user with the id {uid}, as whom the shard runs, write there");
        }
        Some("read_only_file_system") => "mount it writable, or start the shard with --read-only",
        Some("disk_full") => "free some room on that file system and try again",
        Some("missing") => "check TRAEFIK_DYNAMIC_DIR and TRAEFIK_STATE_DIR, and that their file systems are mounted",
        Some("symbolic_link") => "put a real file or folder in its place; symbolic links are not followed there",
        Some("unsupported") => "use a file system that can do this, such as ext4, XFS, Btrfs, ZFS or NFS 4",
        _ => "look at the file system and its log, then try again",
    };
    text.to_owned()
}
