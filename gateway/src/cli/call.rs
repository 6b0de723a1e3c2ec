//! `call`.
//!
//! Invariant: how arguments are typed stands in `--help`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::peer::CompanyFlags;
use crate::app::call::{Act, CallOptions, Form, Progress};

const AFTER: &str = "\
Arguments:
  key=value       read by the type that the tool's schema wants; repeat the key for a list
  a.b=value       the value of `b` in the object `a`
  key:=JSON       exactly this
  key=@FILE       what the file holds; `@-` is stdin, and `@@` begins a text with `@`
  JSON, @FILE, -  all arguments as one JSON object, from the command line, a file or stdin

Examples:
  mcp-gateway call time__get_current_time timezone=Europe/Berlin
  mcp-gateway call git__git_log '{\"repo_path\": \"/srv/repo\", \"max_count\": 3}'
  mcp-gateway call memory__search_nodes --describe
                                                what it is for, and what it takes
  mcp-gateway call camera__snapshot --out pictures
  mcp-gateway call notes__add text=@letter.txt --json | jq .structuredContent

Texts go to stdout; images, audio and other files are written, and their names go to stdout. Ctrl-C cancels the call.

Exit codes: 0 the tool has done it; 1 it reports an error, or was not called; 2 the command line is wrong; \
3 no gateway answers at `--url`; 130 Ctrl-C.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Call {
    /// The tool, by the name that `mcp-gateway list` shows.
    #[arg(value_name = "TOOL")]
    tool: String,
    /// Its arguments; see below.
    #[arg(value_name = "ARGUMENT")]
    words: Vec<String>,
    /// Do not call it: print what it is for and what it takes.
    #[arg(long, conflicts_with = "words")]
    describe: bool,
    /// Where to write images, audio and other files; none is overwritten.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Print the whole result as JSON, and write no files.
    #[arg(long)]
    json: bool,
    /// How to show progress, on stderr.
    #[arg(long, value_name = "HOW", default_value = "bar")]
    progress: How,
    #[command(flatten)]
    company: CompanyFlags,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum How {
    /// A bar on a terminal, nothing elsewhere.
    Bar,
    /// A line for each notice.
    Lines,
    /// Not at all.
    Off,
}

impl Call {
    pub(super) fn options(self) -> CallOptions {
        CallOptions {
            tool: self.tool,
            words: self.words,
            act: if self.describe { Act::Describe } else { Act::Call },
            company: self.company.company(),
            out: self.out,
            form: if self.json { Form::Json } else { Form::Text },
            progress: match self.progress {
                How::Bar => Progress::Bar,
                How::Lines => Progress::Lines,
                How::Off => Progress::Off,
            },
        }
    }
}
