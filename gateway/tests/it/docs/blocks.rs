//! The fenced blocks of a document.
//!
//! Invariant: a block with commands is run or says why not; there is no third way to write one.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// One fenced block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The line of its fence, counted from 1.
    pub(super) line: usize,
    /// What stands behind the fence.
    info: String,
    pub(super) text: String,
    pub(super) fate: Fate,
}

/// What becomes of a block.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Run,
    /// It holds commands that are not run, for this reason.
    LeftOut(String),
    /// It holds no commands.
    Shown,
    /// It could hide commands from us.
    Unclear(String),
}

/// All fenced blocks, in order.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (event, range) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let line = text[..range.start].matches('\n').count() + 1;
                let fate = fate(&info);
                open = Some(Block { line, info: info.into_string(), text: String::new(), fate });
            }
            Event::Text(piece) => {
                if let Some(block) = &mut open {
                    block.text.push_str(&piece);
                }
            }
            Event::End(TagEnd::CodeBlock) => found.extend(open.take()),
            _ => {}
        }
    }
    found
}

fn fate(info: &str) -> Fate {
    let (language, rest) = info.split_once(' ').unwrap_or((info, ""));
    match language {
        "sh" if rest.is_empty() => Fate::Run,
        "sh" => match rest.strip_prefix("no-run=\"").and_then(|reason| reason.strip_suffix('"')) {
            Some(reason) if !reason.trim().is_empty() => Fate::LeftOut(reason.to_owned()),
            _ => Fate::Unclear(format!("`{rest}` behind `sh`; only `no-run=\"reason\"` is known")),
        },
        "bash" | "shell" | "console" | "zsh" | "terminal" => {
            Fate::Unclear(format!("`{language}` is not run; commands are marked `sh`"))
        }
        _ => Fate::Shown,
    }
}

impl Block {
    /// The name of a file that this could be in the folder of shards, if it looks like one.
    pub(super) fn shard_file(&self) -> Option<&'static str> {
        let has_a_command = self.text.lines().any(|line| line.starts_with("command:"));
        match self.info.split(' ').next()? {
            "yaml" if has_a_command || self.info == "yaml shard" => Some("example.yaml"),
            "json" if self.text.contains("\"mcpServers\"") => Some("example.json"),
            _ => None,
        }
    }
}

/// A script whose line numbers are those of the document, with the blocks that are run and nothing else.
pub(super) fn script(blocks: &[Block]) -> String {
    let mut script = String::new();
    let mut line = 1;
    for block in blocks.iter().filter(|block| block.fate == Fate::Run) {
        script.push_str(&"\n".repeat(block.line + 1 - line));
        script.push_str(&block.text);
        line = block.line + 1 + block.text.matches('\n').count();
    }
    script
}

#[test]
fn commands_keep_their_lines_and_lose_their_indentation() {
    let text = "# A\n\n1. do\n\n   ```sh\n   cd x\n     y\n   ```\n```yaml\na: 1\n```\n\n```sh\nz\n```\n";
    assert_eq!(script(&blocks(text)), "\n\n\n\n\ncd x\n  y\n\n\n\n\n\n\nz\n");
}

#[test]
fn commands_are_run_or_say_why_not() {
    let check = |info: &str, expected: Fate| assert_eq!(fate(info), expected, "{info}");
    check("sh", Fate::Run);
    check("", Fate::Shown);
    check("yaml", Fate::Shown);
    check("sh no-run=\"needs an engine\"", Fate::LeftOut("needs an engine".into()));
    for unclear in ["sh no-run", "sh no-run=\"\"", "sh ignore", "bash", "console"] {
        assert!(matches!(fate(unclear), Fate::Unclear(_)), "{unclear}");
    }
}

#[test]
fn a_shard_file_is_known_by_its_mark_or_by_its_command() {
    let check = |text: &str, expected: Option<&str>| assert_eq!(blocks(text)[0].shard_file(), expected, "{text}");
    check("```yaml\nargs: []\ncommand: x\n```\n", Some("example.yaml"));
    check("```yaml shard\nargs: []\n```\n", Some("example.yaml"));
    check("```yaml\nservices: {}\n```\n", None);
    check("```json\n{\"mcpServers\": {}}\n```\n", Some("example.json"));
    check("```sh\ncommand: x\n```\n", None);
}
