//! What a person reads about a broken file.

mod good;
mod schema;

use std::time::Duration;

use super::*;
use crate::config::{PathKind, fake::Fake};

fn machine() -> Fake {
    Fake::default()
        .set("PATH", "/bin")
        .set("API_TOKEN", "hunter2")
        .put("/bin/npx", PathKind::Program)
        .put("/lab/shards.d/run.sh", PathKind::Program)
        .put("/srv", PathKind::Directory)
        .file("/run/secret", "s3cret\n")
}

/// The problems, without the file's name, and whether a spec came out.
fn read(file: &str, text: &str) -> (Vec<String>, bool) {
    let path = Path::new("shards.d").join(file);
    let (entries, problems) = parse(&path, text, &machine());
    let shown = problems.iter().map(Problem::to_string);
    let shown = shown.map(|line| line.trim_start_matches("shards.d/").to_owned());
    let made = entries.iter().any(|entry| entry.spec.is_some());
    (shown.collect(), made)
}

/// Cases are divided by `====`; what stands below `>>>` is what a person reads.
#[track_caller]
fn check_broken(file: &str, cases: &str) {
    let mut actual = String::new();
    for case in cases.split_terminator("====\n") {
        let (text, _) = case.split_once(">>>\n").unwrap();
        let (problems, made) = read(file, text);
        assert!(!made, "this is not refused: {text}");
        actual += text;
        actual += ">>>\n";
        for problem in problems {
            actual += &problem;
            actual += "\n";
        }
        actual += "====\n";
    }
    assert_eq!(actual, cases, "\n{actual}");
}

#[test]
fn every_broken_yaml_is_explained_with_the_way_out() {
    check_broken("x.yaml", include_str!("tests/broken_yaml.txt"));
}

#[test]
fn every_broken_json_is_explained_with_the_way_out() {
    check_broken("x.json", include_str!("tests/broken_json.txt"));
}

#[test]
fn large_and_deep_files_are_refused() {
    let check = |file: &str, text: &str, expected: &str| {
        let (problems, made) = read(file, text);
        assert_eq!((problems, made), (vec![format!("{file}:{expected}")], false));
    };
    let yaml = |rest: String| format!("command: npx\n{rest}\n");
    let deep = yaml(format!("args: {}{}", "[".repeat(100), "]".repeat(100)));
    check("x.yaml", &deep, "2:23: nested more than 16 levels deep; no key of a shard file needs so many");
    let deeper = yaml(format!("args: {}", "[".repeat(500_000)));
    check(
        "x.yaml",
        &deeper,
        "2:262: not valid YAML: recursion limit exceeded; no key of a shard file needs such nesting",
    );
    let many = yaml(format!("args: [{}]", "a,".repeat(100_000)));
    check("x.yaml", &many, "2:19998: the file holds more than 10000 values; cut it down");
    let aliases = "*a,".repeat(100_000);
    let bomb = yaml(format!("args: &a [x,x,x,x,x,x,x,x,x,x]\nroots: [{aliases}]"));
    check("x.yaml", &bomb, "3:2502: the file holds more than 10000 values; cut it down");
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100), "]".repeat(100));
    check("x.json", &deep, "1:22: nested more than 16 levels deep; no key of a shard file needs so many");
    let deeper = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    check("x.json", &deeper, "1:18: nested more than 16 levels deep; no key of a shard file needs so many");
    let many = format!("{{\"a\":[{}1]}}", "1,".repeat(100_000));
    check("x.json", &many, "1:20003: the file holds more than 10000 values; cut it down");
}

#[test]
fn a_file_whose_name_is_no_shard_name_is_refused() {
    let fault = "my shard.yaml: `my shard` cannot name a shard: a shard's name has letters, digits, \
                 `-` and `_`, at most 32 of them, and begins with a letter or digit; rename the file";
    assert_eq!(read("my shard.yaml", "command: npx"), (vec![fault.to_owned()], false));
    let fault = "a__b.yml:1:1: the name `a__b` cannot serve as prefix: a prefix cannot hold `__`, \
                 which separates it from the tool's name; set `prefix`";
    assert_eq!(read("a__b.yml", "command: npx"), (vec![fault.to_owned()], false));
    assert_eq!(read("a__b.yml", "command: npx\nprefix: ''"), (vec![], true));
}

#[test]
fn control_characters_are_placed() {
    let (problems, _) = read("x.yaml", "command: npx\nargs: [a\0]\n");
    assert_eq!(
        problems,
        [
            "x.yaml:2:9: not valid YAML: found unprintable character; remove it, or write it as an escape such as `\\x1b` in double quotes"
        ]
    );
}

#[test]
fn bytes_that_are_not_utf8_are_placed() {
    let problems = decode(Path::new("x.yaml"), b"command: npx\nargs: [\xc3\xa9\xff]").unwrap_err();
    let expected = "x.yaml:2:9: not UTF-8; save the file with that encoding";
    assert_eq!(problems[0].to_string(), expected);
}

#[test]
fn doubts_are_warnings_and_refuse_nothing() {
    let doubt = "x.yaml:1:27: warning: `args[0]`: a `$` before a name stays as it is; write \
                 `${NAME}` to have a variable filled in, or `$$` for the character";
    let (problems, made) = read("x.yaml", "{ command: npx, args: [-c, $HOME] }");
    assert_eq!((problems, made), (vec![doubt.replace("27", "28").replace("[0]", "[1]")], true));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic_or_refuse_in_silence(
        text in "(command: npx\n)?([-?:,\\[\\]{}#&*!|>'\"%@` \n\t\r~a0é\u{feff}\u{85}\\\\$]|: |- |\n  |---|<<|\"a\"){0,40}"
    ) {
        for file in ["x.yaml", "x.json"] {
            let (problems, made) = read(file, &text);
            proptest::prop_assert!(made || !problems.is_empty());
        }
    }
}
