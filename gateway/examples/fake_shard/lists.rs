//! What the shard offers: tools, resources, templates and prompts, page by page.
//!
//! Items are kept as the text they were given as, however odd, and served as that text.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::flags::Options;
use crate::wire::{Refusal, json};

/// Every tool that is answered, with a word on what it does.
const TOOLS: [(&str, &str); 41] = [
    ("echo", "gives its arguments back as structuredContent"),
    ("raw_result", "answers with `result` as it is"),
    ("raw_text", "answers with `text`, which is the text of a result, as it is"),
    ("raw_error", "answers with `text`, which is the text of an error, as it is"),
    ("raw_notice", "sends the notification `method`; its params are `pieces`, joined by the progress token"),
    ("whoami", "name and pid of this process"),
    ("env", "the variable `name`"),
    ("stderr", "`lines` times `text` on stderr"),
    ("log", "`n` log messages, then the answer"),
    ("list_changed", "adds an item to `kind` and says so"),
    ("updated", "says that the resource `uri` was updated, `times` times"),
    ("not_found", "is an unknown tool"),
    ("sleep", "answers after `ms` unless cancelled"),
    ("later", "the answer, and `ms` later the whole message `message`"),
    ("heedless", "answers after `ms`, cancelled or not"),
    ("progress", "`n` progress notifications, `delay_ms` apart"),
    ("ask", "asks the client `method`, with `params`"),
    ("quiz", "asks the client in `rounds`, with `mark` in each question, and says what it heard"),
    ("input", "in the modern era: needs input by the plan in its arguments, then what it was told"),
    ("interview", "asks, hears and tells as `steps` say"),
    ("hang", "never answers"),
    ("flood", "`bytes` of `what`, then the answer"),
    ("deaf", "the answer, and from then on reads nothing"),
    ("crash", "two lines on stderr, then exit code 3"),
    ("close_stdout", "closes stdout and lives on"),
    ("answer_twice", "two answers"),
    ("unknown_id", "an answer that nobody asked for, then the right one"),
    ("error_null", "`error: null` beside the result"),
    ("float_id", "the id as 7.0"),
    ("string_id", "the id as a string"),
    ("big_code", "an error code outside 32 bits"),
    ("id_last", "the id as the last key"),
    ("garbage", "five lines that are no messages, then the answer"),
    ("big", "`bytes` of text, id last"),
    ("big_id_first", "`bytes` of text, id first"),
    ("spaced", "carriage returns between the tokens"),
    ("dup_result", "two results in one answer"),
    ("result_and_error", "a result and an error in one answer"),
    ("no_result", "neither result nor error"),
    ("null_id", "an error whose id is null, and no other answer"),
    ("bad_utf8", "invalid UTF-8 inside the result"),
];

/// One kind of list, under the key that its result has.
pub(crate) struct List {
    key: &'static str,
    items: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    uri: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "uriTemplate")]
    uri_template: Option<Cow<'a, str>>,
}

impl List {
    pub(crate) fn tools(options: &Options) -> Result<Self, String> {
        let named = TOOLS.iter().map(|(name, description)| tool(name, description));
        let extra = (0..options.tools).map(|n| tool(&format!("t{n}"), "an extra tool"));
        Self::new("tools", options.tools_file.as_deref(), named.chain(extra).collect())
    }

    pub(crate) fn resources(options: &Options) -> Result<Self, String> {
        let items = ["one", "two"].map(|name| item(&format!(r#"{{"uri":"fake://{name}","name":"{name}"}}"#)));
        Self::new("resources", options.resources_file.as_deref(), items.into())
    }

    pub(crate) fn templates(options: &Options) -> Result<Self, String> {
        let items = vec![item(r#"{"uriTemplate":"fake://item/{id}","name":"item"}"#)];
        Self::new("resourceTemplates", options.templates_file.as_deref(), items)
    }

    pub(crate) fn prompts(options: &Options) -> Result<Self, String> {
        let items = vec![item(r#"{"name":"greet","arguments":[{"name":"name","required":true}]}"#)];
        Self::new("prompts", options.prompts_file.as_deref(), items)
    }

    fn new(key: &'static str, file: Option<&Path>, default: Vec<Box<RawValue>>) -> Result<Self, String> {
        let Some(file) = file else {
            return Ok(Self { key, items: default });
        };
        let text = fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let items = serde_json::from_str(&text);
        Ok(Self { key, items: items.map_err(|error| format!("{} is no JSON array: {error}", file.display()))? })
    }

    /// Adds `added_<n>` and returns its name.
    pub(crate) fn add(&mut self) -> String {
        let name = format!("added_{}", self.items.len());
        self.items.push(match self.key {
            "tools" => tool(&name, "an added tool"),
            _ => item(&format!(r#"{{"name":"{name}","uri":"fake://{name}"}}"#)),
        });
        name
    }

    /// Whether an item has this name or uri, or is a template whose fixed beginning the uri has.
    pub(crate) fn has(&self, wanted: &str) -> bool {
        self.items.iter().filter_map(|item| serde_json::from_str::<Named>(item.get()).ok()).any(|item| {
            let fixed = item.uri_template.as_deref().and_then(|template| template.split('{').next());
            [&item.name, &item.uri].into_iter().any(|known| known.as_deref() == Some(wanted))
                || fixed.is_some_and(|fixed| wanted.starts_with(fixed))
        })
    }

    /// One page as the members of a result, without the braces.
    pub(crate) fn page(&self, options: &Options, cursor: Option<&str>) -> Result<String, Refusal> {
        let start = match cursor {
            None => 0,
            Some("again") if options.repeat_cursor => 0,
            Some(cursor) => {
                let start = cursor.parse().ok().filter(|start| *start <= self.items.len());
                start.ok_or_else(|| Refusal::new(-32602, "Invalid cursor"))?
            }
        };
        let end = start.saturating_add(options.page_size).min(self.items.len());
        let next = match end {
            _ if options.repeat_cursor => r#","nextCursor":"again""#.into(),
            end if end < self.items.len() => format!(r#","nextCursor":"{end}""#),
            _ => String::new(),
        };
        Ok(format!(r#""{}":{}{next}"#, self.key, json(&self.items[start..end])))
    }
}

fn tool(name: &str, description: &str) -> Box<RawValue> {
    item(&format!(r#"{{"name":"{name}","description":"{description}","inputSchema":{{"type":"object"}}}}"#))
}

fn item(text: &str) -> Box<RawValue> {
    serde_json::from_str(text).expect("our own items are JSON")
}
