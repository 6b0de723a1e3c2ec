//! Items and lists as the bytes that clients get.
//!
//! Invariant: of an item only the value of `name` and insertions into `inputSchema` differ from what the shard wrote, and
//! line breaks, which become spaces. Legacy clients do not see an `outputSchema` that is not an object's.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::catalogue::{BadMark, Mirrored, Reason, Unfit, schema};
use crate::shard::roster::{Item, List};
use crate::wire::{Edit, Era, Raw, flatten, read_object, splice};

/// An item that can be offered, under whatever name.
#[derive(Debug)]
pub(crate) struct Ready<'a> {
    text: Raw<'a>,
    /// The completed schema, if it differs from the one in the text.
    schema: Option<String>,
    named: bool,
    /// It has an `outputSchema` for which legacy clients would refuse the whole list.
    is_beyond_legacy: bool,
    /// What HTTP clients repeat of the arguments in headers.
    pub(crate) mirrored: Option<Arc<Mirrored>>,
    /// Why modern HTTP clients leave the tool out.
    pub(crate) bad_mark: Option<BadMark>,
}

impl<'a> Ready<'a> {
    /// Checks what a client or the provider behind it would choke on.
    pub(crate) fn read(list: List, item: &'a Item) -> Result<Self, Reason> {
        let text = Raw::parse(item.text.as_bytes()).map_err(|malformed| Reason::Unreadable(malformed.to_string()))?;
        if let Some(at) = text.lone_surrogate() {
            return Err(Reason::Unreadable(format!("half a surrogate pair at byte {at}")));
        }
        let named = matches!(list, List::Tools | List::Prompts);
        let mut ready = Self { text, schema: None, named, is_beyond_legacy: false, mirrored: None, bad_mark: None };
        if list == List::Tools {
            let [input, output] = read_object(text, &["inputSchema", "outputSchema"])
                .map_err(|ambiguous| Reason::Unreadable(format!("has a {ambiguous}")))?;
            let input = input.ok_or(Unfit::Missing)?;
            if let Cow::Owned(completed) = schema::complete(input)? {
                ready.schema = Some(completed);
            }
            ready.is_beyond_legacy = output.is_some_and(|output| !schema::describes_object(output));
            match Mirrored::read(input) {
                Ok(mirrored) => ready.mirrored = mirrored.map(Arc::new),
                Err(bad) => ready.bad_mark = Some(bad),
            }
        }
        Ok(ready)
    }

    fn write(&self, exposed: &str, era: Era, out: &mut Vec<u8>) {
        if !self.named {
            out.extend_from_slice(self.text.as_str().as_bytes());
            return;
        }
        let name = serde_json::Value::from(exposed).to_string();
        let mut edits = vec![Edit::Set("name", &name)];
        edits.extend(self.schema.as_deref().map(|schema| Edit::Set("inputSchema", schema)));
        if era == Era::Legacy && self.is_beyond_legacy {
            edits.push(Edit::Remove("outputSchema"));
        }
        splice(self.text, &edits, out);
    }
}

/// How long and for whom clients may keep a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hints {
    pub(crate) ttl_ms: u64,
    pub(crate) public: bool,
}

/// One list as a result object.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) legacy: Bytes,
    pub(crate) modern: Bytes,
    /// Each item's text, in order; parts of `legacy`.
    pub(crate) items: Vec<Bytes>,
}

/// Writes a list with each item under its exposed name.
pub(crate) fn list<'r>(
    list: List,
    items: impl Iterator<Item = (&'r str, &'r Ready<'r>)> + Clone,
    hints: Hints,
) -> Rendered {
    let (legacy, places) = body(list, items.clone(), Era::Legacy);
    let differs = items.clone().any(|(_, ready)| ready.is_beyond_legacy);
    let other = differs.then(|| body(list, items, Era::Modern).0);

    let text = other.as_ref().unwrap_or(&legacy);
    let scope = if hints.public { "public" } else { "private" };
    let mut modern = Vec::with_capacity(text.len() + 80);
    modern.extend_from_slice(b"{\"resultType\":\"complete\",");
    modern.extend_from_slice(&text[1..text.len() - 1]);
    modern.extend_from_slice(format!(",\"ttlMs\":{},\"cacheScope\":\"{scope}\"}}", hints.ttl_ms).as_bytes());

    let legacy = Bytes::from(legacy);
    let items = places.into_iter().map(|place| legacy.slice(place)).collect();
    Rendered { legacy, modern: modern.into(), items }
}

/// The list as an object on one line, and where its items stand.
fn body<'r>(
    list: List,
    items: impl Iterator<Item = (&'r str, &'r Ready<'r>)>,
    era: Era,
) -> (Vec<u8>, Vec<Range<usize>>) {
    let mut text = format!("{{\"{}\":[", list.member()).into_bytes();
    let mut places: Vec<Range<usize>> = Vec::new();
    for (exposed, ready) in items {
        if !places.is_empty() {
            text.push(b',');
        }
        let start = text.len();
        ready.write(exposed, era, &mut text);
        places.push(start..text.len());
    }
    text.extend_from_slice(b"]}");
    flatten(&mut text);
    (text, places)
}
