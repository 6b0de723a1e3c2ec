//! `mcp-gateway list`: what clients see.
//!
//! Invariant: it shows names as they are exposed, so that each can be given to `call`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Exit;
use super::output::{self, plain};
use super::peer::{Company, Peer, Wanted, company};
use super::status::{self, Look};
use crate::log;
use crate::shard::roster::List;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListOptions {
    /// Of what.
    pub subject: Subject,
    /// Whom.
    pub company: Company,
    /// How the answer looks.
    pub form: Form,
}

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the list of its name")]
pub enum Subject {
    Tools,
    Prompts,
    /// Templates too.
    Resources,
    Shards,
}

/// How the answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people: names, and what each is for.
    Table,
    /// For programs: the items as clients get them.
    Json,
}

/// Prints the list.
///
/// # Errors
/// Nobody can be asked, or the answer is none.
pub fn show(options: &ListOptions) -> anyhow::Result<Exit> {
    company::with(&options.company, &Wanted::All, async |peer| {
        let items = items(peer, options.subject).await?;
        match options.form {
            Form::Json => output::print_json(&items)?,
            Form::Table => output::print(&table(&items, options.subject))?,
        }
        if options.subject != Subject::Shards {
            let down = status::down(&peer.registry().await?, peer.view().as_deref());
            down.iter().for_each(|line| log::stderr().print(format!("{line}\n").as_bytes()));
        }
        Ok(Exit::Good)
    })
}

async fn items(peer: &Peer, subject: Subject) -> anyhow::Result<Vec<Value>> {
    Ok(match subject {
        Subject::Tools => peer.list(List::Tools).await?,
        Subject::Prompts => peer.list(List::Prompts).await?,
        Subject::Resources => {
            let mut all = peer.list(List::Resources).await?;
            all.extend(peer.list(List::Templates).await?);
            all
        }
        Subject::Shards => match peer.registry().await?.get_mut("shards").map(Value::take) {
            Some(Value::Array(shards)) => shards,
            _ => Vec::new(),
        },
    })
}

fn table(items: &[Value], subject: Subject) -> String {
    let none = match subject {
        Subject::Tools => "no tools",
        Subject::Prompts => "no prompts",
        Subject::Resources => "no resources",
        Subject::Shards => "no shards",
    };
    if items.is_empty() {
        return format!(
            "There are {none}; `mcp-gateway check` tells of the files, `mcp-gateway status` of a running gateway.\n"
        );
    }
    if subject == Subject::Shards {
        return status::shards(items, Look::here());
    }
    let mut table = match subject {
        Subject::Resources => output::table(["URI", "NAME", "TYPE"]),
        _ => output::table(["NAME", "DESCRIPTION"]),
    };
    for item in items {
        let text = |key: &str| item[key].as_str().map(plain).unwrap_or_default();
        if subject == Subject::Resources {
            let uri = item.get("uri").or_else(|| item.get("uriTemplate")).unwrap_or(&json!("")).clone();
            table.add_row([plain(uri.as_str().unwrap_or_default()), title(item), text("mimeType")]);
        } else {
            table.add_row([text("name"), summary(item)]);
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn title(item: &Value) -> String {
    let title = item["title"].as_str().filter(|title| !title.is_empty()).or_else(|| item["name"].as_str());
    plain(title.unwrap_or_default())
}

/// The first sentence or paragraph of what an item says of itself.
fn summary(item: &Value) -> String {
    /// What says more than this in its first line is cut.
    const LONGEST: usize = 160;
    let description = item["description"].as_str().map(str::trim).filter(|text| !text.is_empty());
    let text = description.map_or_else(|| title(item), plain);
    // Descriptions are wrapped by those who wrote them; a blank line or a list ends what belongs together.
    let mut lines = text.lines().map(str::trim);
    let first = lines.next().unwrap_or_default();
    let rest = lines.take_while(|line| line.starts_with(char::is_alphanumeric));
    let paragraph = std::iter::once(first).chain(rest).collect::<Vec<_>>().join(" ");
    let sentence = paragraph.split_once(". ").map_or(&*paragraph, |(first, _)| first).trim_end_matches('.');
    if sentence.chars().count() <= LONGEST {
        return sentence.to_owned();
    }
    sentence.chars().take(LONGEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_summed_up_by_its_first_sentence() {
        let check = |item: Value, expected: &str| assert_eq!(summary(&item), expected);
        check(json!({"description": "Adds two numbers. Both must be finite."}), "Adds two numbers");
        check(json!({"description": "\n First line\n goes on. Second"}), "First line goes on");
        check(json!({"description": "Does this\n\nArgs: a"}), "Does this");
        check(json!({"description": "Does\n- this\n- that"}), "Does");
        check(json!({"title": "Adder", "name": "add"}), "Adder");
        check(json!({"name": "add", "description": " "}), "add");
        check(json!({"description": "x".repeat(500)}), &format!("{}…", "x".repeat(159)));
    }

    #[test]
    fn an_empty_list_says_where_to_look() {
        assert!(table(&[], Subject::Tools).contains("`mcp-gateway status`"));
    }

    #[test]
    fn resources_and_templates_stand_in_one_table() {
        let items = [
            json!({"uri": "demo://a", "name": "a", "title": "First", "mimeType": "text/plain"}),
            json!({"uriTemplate": "demo://{id}", "name": "by id"}),
        ];
        let text = table(&items, Subject::Resources);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines,
            [vec!["URI", "NAME", "TYPE"], vec!["demo://a", "First", "text/plain"], vec!["demo://{id}", "by", "id"]]
        );
    }
}
