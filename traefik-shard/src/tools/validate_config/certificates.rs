//! Certificates and keys that a document names, and that are not there as it is seen from here.
//!
//! Only a hint: Traefik may run on another host, and its API would not tell that a file is missing.

use std::path::Path;

use crate::document::{Document, Node};
use crate::finding::{Finding, Severity};

/// The fields that hold the path of a file, or the content itself.
const FIELDS: [&str; 4] = ["certFile", "keyFile", "caFiles", "rootCAs"];
/// Files of one document that are looked for; a network file system may be slow.
const MOST: usize = 100;

/// Looks for the files that a document names; blocks on the file system.
pub(super) fn missing(document: &Document) -> Vec<Finding> {
    let (mut named, mut path) = (Vec::new(), Vec::new());
    document.root.iter().for_each(|root| collect(root, &mut path, &mut named));
    let gone = named.into_iter().take(MOST).filter(|(_, file, _)| !Path::new(file).exists());
    let finding = |(place, file, line): (String, &str, u32)| {
        let message = format!(
            "`{file}` does not exist as seen from here; if Traefik does not find it either, only its log says so"
        );
        Finding::new(Severity::Info, "missing_file", message).at(&place).on_line(line)
    };
    gone.map(finding).collect()
}

/// Absolute paths alone: a relative one depends on where Traefik was started.
fn collect<'a>(node: &'a Node, path: &mut Vec<String>, named: &mut Vec<(String, &'a str, u32)>) {
    for entry in node.entries() {
        path.push(entry.key.clone());
        if FIELDS.contains(&entry.key.as_str()) {
            let files = entry.value.texts().into_iter().filter(|(text, _)| text.starts_with('/'));
            named.extend(files.map(|(text, line)| (path.join("."), text, line)));
        }
        collect(&entry.value, path, named);
        path.pop();
    }
    for (place, item) in node.items().iter().enumerate() {
        path.push(place.to_string());
        collect(item, path, named);
        path.pop();
    }
}
