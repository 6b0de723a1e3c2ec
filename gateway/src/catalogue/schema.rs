//! `inputSchema` as OpenAI-like providers take it (DESIGN D5).
//!
//! Invariant: text is only inserted. Taking the insertions out gives back what the shard wrote, byte for byte, and none
//! of them stands outside a schema position, such as in a default or an example.

use std::borrow::Cow;

use crate::wire::{Kind, Raw};

/// Why a tool cannot be offered: its arguments would be no object, or nothing that is inserted could mend its schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// There is no `inputSchema`.
    #[error("has no `inputSchema`")]
    Missing,
    /// It is `true`, `null` or the like.
    #[error("its `inputSchema` is not an object")]
    NotAnObject,
    /// It describes something other than an object.
    #[error("the `type` of its `inputSchema` is {0}, not \"object\"")]
    OtherType(String),
    /// `properties` or `items` stands in it, and is none.
    #[error("its `inputSchema` has `{keyword}` that is {found}")]
    Misshapen {
        /// The keyword.
        keyword: &'static str,
        /// What stands in its place, such as `null`.
        found: String,
    },
}

/// The schema with what providers miss inserted: `properties` in objects, `items` in arrays, `type` at the root.
pub(crate) fn complete(schema: Raw<'_>) -> Result<Cow<'_, str>, Unfit> {
    if schema.kind() != Kind::Object {
        return Err(Unfit::NotAnObject);
    }
    let mut insertions = Insertions { root: schema, found: Vec::new(), misshapen: None };
    let mut types = schema.members().filter(|member| member.key() == "type").map(|member| member.value).peekable();
    let untyped = types.peek().is_none();
    if let Some(other) = types.find(|said| said.string().as_deref() != Some("object")) {
        return Err(Unfit::OtherType(shortened(other)));
    }
    insertions.visit(schema, untyped);
    insertions.carried_out()
}

/// Whether it says that it describes an object, as legacy clients demand of every `outputSchema`.
pub(crate) fn describes_object(schema: Raw<'_>) -> bool {
    schema.get("type").and_then(Raw::string).as_deref() == Some("object")
}

/// Where a keyword holds further schemas.
pub(super) enum Holds {
    /// In the values of an object.
    Named,
    /// In the elements of an array.
    Listed,
    /// It is one.
    One,
    /// It is one or, in older drafts, an array of them.
    OneOrListed,
}

/// Where `keyword` holds further schemas, if it does.
pub(super) fn holds(keyword: &str) -> Option<Holds> {
    Some(match keyword {
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" | "dependencies" => {
            Holds::Named
        }
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Holds::Listed,
        "items" => Holds::OneOrListed,
        "additionalProperties"
        | "additionalItems"
        | "unevaluatedProperties"
        | "unevaluatedItems"
        | "propertyNames"
        | "contains"
        | "not"
        | "if"
        | "then"
        | "else" => Holds::One,
        _ => return None,
    })
}

struct Insertions<'a> {
    root: Raw<'a>,
    /// Offsets in the root's text, rising, and what goes there.
    found: Vec<(usize, &'static str)>,
    /// The first keyword that stands there and is wrong: some SDKs write `"properties": null`, which providers refuse.
    misshapen: Option<Unfit>,
}

impl<'a> Insertions<'a> {
    /// Looks at one schema and those in it. The depth of the recursion is that of the text, so at most
    /// [`crate::wire::MAX_DEPTH`].
    fn visit(&mut self, schema: Raw<'a>, untyped_root: bool) {
        let (mut object, mut array, mut properties, mut items) = (untyped_root, false, false, false);
        let mut end = self.offset(schema) + 1;
        for member in schema.members() {
            let key = member.key();
            match key.as_ref() {
                "type" => {
                    object |= says(member.value, "object");
                    array |= says(member.value, "array");
                }
                "properties" => {
                    properties = true;
                    self.expect("properties", member.value, &[Kind::Object]);
                }
                "items" => {
                    items = true;
                    self.expect("items", member.value, &[Kind::Object, Kind::Array, Kind::Bool]);
                }
                _ => {}
            }
            self.visit_keyword(&key, member.value);
            end = self.offset(schema) + member.end;
        }
        if untyped_root {
            self.found.push((end, r#""type":"object""#));
        }
        if object && !properties {
            self.found.push((end, r#""properties":{}"#));
        }
        if array && !items {
            self.found.push((end, r#""items":{}"#));
        }
    }

    fn visit_keyword(&mut self, keyword: &str, value: Raw<'a>) {
        match holds(keyword) {
            Some(Holds::Named) => value.members().for_each(|member| self.visit(member.value, false)),
            Some(Holds::Listed) => value.elements().for_each(|element| self.visit(element, false)),
            Some(Holds::One) => self.visit(value, false),
            Some(Holds::OneOrListed) => {
                self.visit(value, false);
                value.elements().for_each(|element| self.visit(element, false));
            }
            None => {}
        }
    }

    fn expect(&mut self, keyword: &'static str, value: Raw<'a>, kinds: &[Kind]) {
        if self.misshapen.is_none() && !kinds.contains(&value.kind()) {
            self.misshapen = Some(Unfit::Misshapen { keyword, found: shortened(value) });
        }
    }

    fn offset(&self, inner: Raw<'a>) -> usize {
        inner.as_str().as_ptr() as usize - self.root.as_str().as_ptr() as usize
    }

    fn carried_out(self) -> Result<Cow<'a, str>, Unfit> {
        if let Some(misshapen) = self.misshapen {
            return Err(misshapen);
        }
        let text = self.root.as_str();
        if self.found.is_empty() {
            return Ok(Cow::Borrowed(text));
        }
        let mut out = String::with_capacity(text.len() + 18 * self.found.len());
        let mut copied = 0;
        for (at, insertion) in self.found {
            out.push_str(&text[copied..at]);
            if !out.ends_with('{') {
                out.push(',');
            }
            out.push_str(insertion);
            copied = at;
        }
        out.push_str(&text[copied..]);
        Ok(Cow::Owned(out))
    }
}

/// What a problem shows of a value.
fn shortened(value: Raw<'_>) -> String {
    value.as_str().chars().take(100).collect()
}

/// Whether a `type` is or holds `name`.
fn says(said: Raw<'_>, name: &str) -> bool {
    said.string().as_deref() == Some(name) || said.elements().any(|element| element.string().as_deref() == Some(name))
}

#[cfg(test)]
mod tests;
