//! Every way in which a shard file was ever found broken: each message names file, line, fault and way out.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use rustix::fs::{CWD, Mode, mkfifoat};

use super::{Folder, text};
use crate::support::{Gateway, eventually, fake_shard};

/// A kind of fault, and how a folder gets it.
type Case = (&'static str, fn(&Folder));

const GOOD: &str = "command: sh\n";

/// What a person can see at once in the text of one file.
const TEXTS: &[(&str, &str, &str)] = &[
    ("tabs", "x.yaml", "command: sh\nenv:\n\tA: b\n"),
    ("wrong indent", "x.yaml", "command: sh\nenv:\n  A: b\n B: c\n"),
    ("a slip in a key", "x.yaml", "comand: sh\n"),
    ("a slip in an inner key", "x.yaml", "command: sh\ntimeouts: { sotp: 5s }\n"),
    ("a key of nobody", "x.yaml", "command: sh\nports: [80]\n"),
    ("a number for a duration", "x.yaml", "command: sh\ntimeouts:\n  call: 30\n"),
    ("a call longer than the most", "x.yaml", "command: sh\ntimeouts: { call: 3h }\n"),
    ("a size of no unit that there is", "x.yaml", "command: sh\nlimits: { message: 16MX }\n"),
    ("a word for a choice", "x.yaml", "command: sh\nprotocol: legcy\n"),
    ("a text for a list", "x.yaml", "command: sh\nargs: --port 80\n"),
    ("an unknown variable", "x.yaml", "command: sh\nargs: [\"${NOWHERE}\"]\n"),
    ("a secret that is not there", "x.yaml", "command: sh\nenv:\n  TOKEN: ${file:/nowhere/token}\n"),
    ("a brace that is open", "x.yaml", "command: sh\nargs: [\"${A\"]\n"),
    ("no command", "x.yaml", "args: [a]\n"),
    ("a program that is not there", "x.yaml", "command: nosuchserver\n"),
    ("a path that is not there", "x.yaml", "command: ./server\n"),
    ("a whole command line", "x.yaml", "command: npx -y server\n"),
    ("a home that is not filled in", "x.yaml", "command: ~/server\n"),
    ("a folder to work in that is not there", "x.yaml", "command: sh\ncwd: /nowhere\n"),
    ("a bad pattern", "x.yaml", "command: sh\ntools: { deny: [\"a[\"] }\n"),
    ("a star without quotes", "x.yaml", "command: sh\ntools: { deny: [*] }\n"),
    ("two tools with one new name", "x.yaml", "command: sh\ntools: { rename: { a: c, b: c } }\n"),
    ("a prefix with the separator", "x.yaml", "command: sh\nprefix: a__b\n"),
    ("a duplicate key", "x.yaml", "command: sh\ncommand: bash\n"),
    ("a second document", "x.yaml", "command: sh\n---\ncommand: bash\n"),
    ("a quote that is open", "x.yaml", "command: \"sh\nargs: []\n"),
    ("nothing", "x.yaml", ""),
    ("nothing but a comment", "x.yaml", "# later\n"),
    ("a name that is too long", "a-name-of-more-than-thirty-two-letters.yaml", GOOD),
    ("a name with a space", "my server.yaml", GOOD),
    ("a mark at the beginning and foreign line ends", "x.yaml", "\u{feff}command: sh\r\nbanana: 1\r\n"),
    ("JSON without mcpServers", "x.json", "{\n  \"servers\": { \"a\": { \"command\": \"sh\" } }\n}\n"),
    ("JSON with a comma too many", "x.json", "{\n  \"command\": \"sh\",\n}\n"),
    ("JSON that ends too early", "x.json", "{\n  \"mcpServers\": {\n"),
    (
        "a server that is reached by URL",
        "x.json",
        "{ \"mcpServers\": { \"far\": { \"url\": \"http://host/mcp\" } } }\n",
    ),
    ("an alias inside of itself", "x.yaml", "command: sh\nargs: &a [*a]\n"),
    ("a secret in the line at fault", "x.yaml", "command: sh\nenv: { API_TOKEN: hunter2, PORT: [80] }\n"),
    ("characters that steer a terminal", "x.yaml", "command: \"\\e[2J\"\nnote\u{202e}: x\n"),
];

/// What takes more than a text.
const MADE: &[Case] = &[
    ("not executable", |folder| {
        folder.write("server", "#!/bin/sh\n").write("x.yaml", "command: ./server\n");
    }),
    ("two files with one name", |folder| {
        folder.write("x.yaml", GOOD).write("x.yml", GOOD);
    }),
    ("two files with one prefix", |folder| {
        folder.write("a.yaml", GOOD).write("x.yaml", "command: sh\nprefix: a\n");
    }),
    ("bytes that are no text", |folder| {
        folder.write("x.yaml", b"command: sh\n\x7fELF\xff\xfe\x00\x01");
    }),
    ("the encoding of another system", |folder| {
        let words: Vec<u8> = "\u{feff}command: sh\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        folder.write("x.yaml", words);
    }),
    ("10 MiB", |folder| {
        folder.write("x.yaml", vec![b'#'; 10 << 20]);
    }),
    ("aliases of aliases", |folder| {
        let bomb = format!("command: sh\nargs: &a [x,x,x,x,x,x,x,x,x,x]\nroots: [{}]\n", "*a,".repeat(2000));
        folder.write("x.yaml", bomb);
    }),
    ("nesting", |folder| {
        folder.write("x.yaml", format!("command: sh\nargs: {}{}\n", "[".repeat(20), "]".repeat(20)));
    }),
    ("links in a circle", |folder| {
        symlink("y.yaml", folder.path("x.yaml")).unwrap();
        symlink("x.yaml", folder.path("y.yaml")).unwrap();
    }),
    ("a link to nothing", |folder| symlink("nothing", folder.path("x.yaml")).unwrap()),
    ("a pipe", |folder| mkfifoat(CWD, folder.path("x.yaml"), Mode::RUSR | Mode::WUSR).unwrap()),
    ("a socket", |folder| drop(UnixListener::bind(folder.path("x.yaml")).unwrap())),
    ("a folder", |folder| fs::create_dir(folder.path("x.yaml")).unwrap()),
    ("no folder at all", |folder| fs::remove_dir(folder.path("")).unwrap()),
    ("a file for the folder", |folder| {
        fs::remove_dir(folder.path("")).unwrap();
        fs::write(folder.dir.path().join("shards.d"), "").unwrap();
    }),
];

/// What only another user runs into.
const FORBIDDEN: &[Case] = &[
    ("no permission", |folder| {
        folder.write("x.yaml", GOOD);
        folder.close("x.yaml", 0);
    }),
    ("no permission for the secret", |folder| {
        folder.write("token", "hunter2").write("x.yaml", "command: sh\nenv: { TOKEN: \"${file:token}\" }\n");
        folder.close("token", 0);
    }),
    ("executable for its owner alone", |folder| {
        folder.write("server", "#!/bin/sh\n").write("x.yaml", "command: ./server\n");
        folder.close("server", 0o4);
    }),
    ("a folder on the way that is closed", |folder| {
        fs::create_dir(folder.path("bin")).unwrap();
        folder.write("bin/server", "#!/bin/sh\n").write("x.yaml", "command: ./bin/server\n");
        folder.close("bin", 0);
    }),
    ("a folder that cannot be listed", |folder| folder.close("", 0)),
];

/// What is said of each kind, one after another.
fn said(cases: &[Case], ask: fn(&Folder) -> std::process::Output) -> String {
    let mut all = String::new();
    for (kind, make) in cases {
        let folder = Folder::new();
        make(&folder);
        all += &told(kind, &ask(&folder), &folder);
    }
    all
}

/// Checks that the command refuses, and that each error names a file and a way out.
fn told(kind: &str, output: &std::process::Output, folder: &Folder) -> String {
    let text = text(output).replace(&folder.dir.path().display().to_string(), "(here)");
    assert_eq!(output.status.code(), Some(1), "{kind}: {text}");
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error: ")).collect();
    assert!(!errors.is_empty(), "{kind}: {text}");
    for error in errors {
        let ways_out = ["; ", "did you mean", "belong here", "expected ", " has "];
        assert!(ways_out.iter().any(|words| error.contains(words)), "{kind}: no way out in {error}");
    }
    assert!(text.contains("--> "), "{kind}: no file in {text}");
    assert!(!text.contains("hunter2"), "{kind}: a secret in {text}");
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{kind}: {text:?}");
    format!("===== {kind}\n{text}\n")
}

#[test]
fn every_broken_text_is_told_with_file_line_fault_and_way_out() {
    let mut all = String::new();
    for (kind, file, content) in TEXTS {
        let folder = Folder::new();
        folder.write(file, content);
        all += &told(kind, &folder.check(&[]), &folder);
    }
    insta::assert_snapshot!("broken_texts", all);
}

#[test]
fn what_is_no_text_at_all_is_told_and_does_not_block() {
    insta::assert_snapshot!("broken_files", said(MADE, |folder| folder.check(&[])));
}

#[test]
fn what_this_user_may_not_do_is_told() {
    insta::assert_snapshot!("forbidden_files", said(FORBIDDEN, |folder| folder.check_as_nobody(&[])));
}

#[test]
fn all_problems_of_all_files_are_told_at_once() {
    let folder = Folder::new();
    for (at, (_, file, content)) in TEXTS.iter().enumerate() {
        let (stem, ending) = file.rsplit_once('.').unwrap();
        // Two keep their names, which are at fault.
        let name = if stem == "x" { format!("x{at}.{ending}") } else { (*file).to_owned() };
        folder.write(&name, content);
    }
    let output = folder.check(&["--json"]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let files: std::collections::BTreeSet<&str> =
        answer["problems"].as_array().unwrap().iter().map(|problem| problem["file"].as_str().unwrap()).collect();
    assert_eq!(files.len(), TEXTS.len(), "{files:?}");
    assert!(answer["errors"].as_u64().unwrap() >= TEXTS.len() as u64);
}

#[tokio::test]
async fn a_running_gateway_neither_waits_for_a_pipe_nor_reads_what_is_too_large() {
    let folder = Folder::new();
    folder.write("good.yaml", fake_shard(&[]));
    // All holes: it fills no disk, and whoever reads the whole of it runs out of memory.
    fs::File::create(folder.path("large.yaml")).unwrap().set_len(1 << 40).unwrap();
    mkfifoat(CWD, folder.path("pipe.yaml"), Mode::RUSR | Mode::WUSR).unwrap();
    let gateway = Gateway::builder().in_dir(&Arc::new(folder.dir)).start().await;
    gateway.until("good", "ready").await;
    let problems = gateway.health().await["problems"].to_string();
    assert!(problems.contains("it is a pipe") && problems.contains("larger than 1 MiB"), "{problems}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_file_name_that_is_no_text_is_told_to_programs_too() {
    let folder = Folder::new();
    fs::write(folder.path("").join(OsStr::from_bytes(b"caf\xe9.yaml")), GOOD).unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&folder.check(&["--json"]).stdout).unwrap();
    let told =
        |answer: &serde_json::Value| answer["problems"][0]["file"].as_str().unwrap().ends_with("caf\u{fffd}.yaml");
    assert!(told(&answer), "{answer}");
    let gateway = Gateway::builder().in_dir(&Arc::new(folder.dir)).start().await;
    eventually("the problem is shown", async || {
        let health = gateway.health().await;
        health["problems"].get(0).is_some().then(|| assert!(told(&health), "{health}"))
    })
    .await;
    gateway.stop().await;
}
