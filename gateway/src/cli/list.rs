//! `list`.
//!
//! Invariant: without a word it lists tools.

use clap::{Args, ValueEnum};

use super::peer::CompanyFlags;
use crate::app::list::{Form, ListOptions, Subject};

const AFTER: &str = "\
Examples:
  mcp-gateway list                              every tool, by the name that `call` takes
  mcp-gateway list resources
  mcp-gateway list --json | jq -r '.[].name'
  mcp-gateway list --url http://nas:9100/mcp/git
                                                what clients of that address see
  mcp-gateway list --own --shards ./shards.d    starts the shards, asks, and ends them

Exit codes: 0 listed; 1 it could not be; 2 the command line is wrong; 3 no gateway answers at `--url`; 130 Ctrl-C.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct List {
    /// What to list.
    #[arg(value_name = "WHAT", default_value = "tools")]
    subject: What,
    /// Print the items as JSON, as clients get them.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    company: CompanyFlags,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    Tools,
    Prompts,
    /// Templates of resources too.
    Resources,
    Shards,
}

impl List {
    pub(super) fn options(self) -> ListOptions {
        let subject = match self.subject {
            What::Tools => Subject::Tools,
            What::Prompts => Subject::Prompts,
            What::Resources => Subject::Resources,
            What::Shards => Subject::Shards,
        };
        let form = if self.json { Form::Json } else { Form::Table };
        ListOptions { subject, company: self.company.company(), form }
    }
}
