//! The arguments of a tool that HTTP clients repeat in headers, as its schema marks them with `x-mcp-header` (2026-07-28,
//! basic/transports/streamable-http, "Custom Headers from Tool Parameters").
//!
//! Invariant: a mark counts only if every client reads it in the same way. If one of a schema does not, none of it counts.

use std::collections::HashMap;
use std::sync::Arc;

use memchr::memmem;

use crate::catalogue::schema::{Holds, holds};
use crate::wire::{Ambiguous, Kind, Raw, folded, read_key, read_object};

/// The keyword in a schema.
const MARK: &str = "x-mcp-header";
/// What the names of such headers begin with. Headers are compared in lower case.
pub const PARAM_HEADERS: &str = "mcp-param-";
/// The longest name of a mark, in bytes.
const LONGEST: usize = 128;
/// No more arguments of one tool are repeated: a request has hardly room for more headers, and each is looked for in each call.
const MOST: usize = 64;
/// So much of a name is shown.
const QUOTED: usize = 100;

/// What is repeated of one tool's arguments; at least one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrored(Vec<Place>);

/// One argument that is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The header, in lower case.
    pub header: String,
    /// The way to the argument.
    path: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    key: Box<str>,
    /// What stands beside it in the schema and differs from it in case only; it may be among them.
    variants: Arc<[Box<str>]>,
}

/// Why the marks of a tool do not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMark {
    /// No chain of `properties` leads there.
    #[error("`{0}` has `x-mcp-header`, which only arguments may have that are reached by `properties` alone")]
    Unreachable(String),
    /// It is not the name of a header.
    #[error(
        "`x-mcp-header` of `{place}` is {found}, which is not the name of a header of at most {LONGEST} characters"
    )]
    NoName {
        /// The argument.
        place: String,
        /// What stands there.
        found: String,
    },
    /// The argument is no text, whole number or boolean.
    #[error("`{place}` has `x-mcp-header`, and its `type` is {found}, not \"string\", \"integer\" or \"boolean\"")]
    OtherType {
        /// The argument.
        place: String,
        /// What stands there.
        found: String,
    },
    /// Two arguments have the same header.
    #[error("`{place}` has the `x-mcp-header` {name}, which another argument has too")]
    Taken {
        /// The second argument.
        place: String,
        /// The name.
        name: String,
    },
    /// More are marked than can be repeated.
    #[error("`{0}` is one argument with `x-mcp-header` too many: at most {MOST} of a tool can be repeated in headers")]
    TooMany(String),
    /// The schema can be read in two ways.
    #[error("`{place}` has a {fault}")]
    Ambiguous {
        /// The schema in which it is.
        place: String,
        /// The key.
        fault: Ambiguous,
    },
}

impl Mirrored {
    /// Whether there can be a mark anywhere in this text: few tools have any, and a mark that is written with escapes is
    /// still one.
    pub fn may_be_in(text: Raw<'_>) -> bool {
        let holds = |part: &str| memmem::find(text.as_str().as_bytes(), part.as_bytes()).is_some();
        holds(MARK) || holds("\\u")
    }

    /// What a tool's `inputSchema` marks; `None` if that is nothing.
    ///
    /// # Errors
    /// The first [`BadMark`].
    pub fn read(schema: Raw<'_>) -> Result<Option<Self>, BadMark> {
        if !Self::may_be_in(schema) {
            return Ok(None);
        }
        let mut walk = Walk { path: Vec::new(), off_the_chain: 0, found: Vec::new(), marks: 0, fault: None };
        walk.visit(schema);
        match walk.fault {
            Some(fault) if walk.marks > 0 => Err(fault),
            _ => Ok(Some(walk.found).filter(|found| !found.is_empty()).map(Self)),
        }
    }

    /// Each argument that is repeated, with its value if it has one.
    ///
    /// # Errors
    /// [`Ambiguous`] if a key on the way can be read in two ways.
    pub fn values<'m, 'a>(
        &'m self,
        arguments: Option<Raw<'a>>,
    ) -> impl Iterator<Item = Result<(&'m Place, Option<Raw<'a>>), Ambiguous>> {
        self.0.iter().map(move |place| Ok((place, place.value(arguments)?)))
    }
}

impl Place {
    /// The keys that lead to the argument, with dots between them.
    pub fn argument(&self) -> String {
        dotted(self.path.iter().map(|step| &*step.key))
    }

    /// A value of null is none.
    fn value<'a>(&self, arguments: Option<Raw<'a>>) -> Result<Option<Raw<'a>>, Ambiguous> {
        let mut value = arguments;
        for step in &self.path {
            let Some(object) = value else { return Ok(None) };
            value = read_key(object, &step.key, &step.variants)?;
        }
        Ok(value.filter(|value| value.kind() != Kind::Null))
    }
}

struct Walk {
    path: Vec<Step>,
    /// How many keywords other than `properties` lead here.
    off_the_chain: usize,
    found: Vec<Place>,
    marks: usize,
    /// The first one.
    fault: Option<BadMark>,
}

impl Walk {
    /// Looks at one schema and those in it. The depth of the recursion is that of the text, so at most
    /// [`crate::wire::MAX_DEPTH`].
    fn visit(&mut self, schema: Raw<'_>) {
        match read_object(schema, &[MARK, "type", "properties"]) {
            Ok([None, ..]) => {}
            Ok([Some(mark), kind, _]) => {
                self.marks += 1;
                // After the first fault no mark counts.
                if self.fault.is_none() {
                    self.fault = self.note(mark, kind).err();
                }
            }
            Err(fault) => {
                self.marks += schema.members().filter(|member| member.key() == MARK).count();
                if self.fault.is_none() {
                    self.fault = Some(BadMark::Ambiguous { place: self.place(), fault });
                }
            }
        }
        for member in schema.members() {
            match (holds(&member.key()), &*member.key()) {
                (_, "properties") => self.visit_properties(member.value),
                (Some(held), keyword) => self.visit_beside(&held, keyword, member.value),
                (None, _) => {}
            }
        }
    }

    fn visit_properties(&mut self, properties: Raw<'_>) {
        // One look at each: a schema can have very many.
        let mut alike: HashMap<String, Vec<Box<str>>> = HashMap::new();
        for key in properties.members().map(|member| member.key()) {
            alike.entry(folded(&key)).or_default().push(key.into());
        }
        let alike: HashMap<String, Arc<[Box<str>]>> =
            alike.into_iter().map(|(folded, keys)| (folded, keys.into())).collect();
        for member in properties.members() {
            let key = member.key();
            let variants = alike.get(&folded(&key)).cloned().unwrap_or_default();
            self.path.push(Step { key: key.into(), variants });
            self.visit(member.value);
            self.path.pop();
        }
    }

    fn visit_beside(&mut self, held: &Holds, keyword: &str, value: Raw<'_>) {
        self.off_the_chain += 1;
        self.path.push(Step { key: format!("<{keyword}>").into(), variants: Arc::default() });
        match held {
            Holds::Named => value.members().for_each(|member| self.visit(member.value)),
            Holds::Listed => value.elements().for_each(|element| self.visit(element)),
            Holds::One => self.visit(value),
            Holds::OneOrListed => {
                self.visit(value);
                value.elements().for_each(|element| self.visit(element));
            }
        }
        self.path.pop();
        self.off_the_chain -= 1;
    }

    fn note(&mut self, mark: Raw<'_>, kind: Option<Raw<'_>>) -> Result<(), BadMark> {
        let place = self.place();
        if self.off_the_chain > 0 || self.path.is_empty() {
            return Err(BadMark::Unreachable(place));
        }
        let name = mark.string().filter(|name| is_token(name));
        let Some(name) = name else { return Err(BadMark::NoName { place, found: cut(mark.as_str()) }) };
        let types = ["string", "integer", "boolean"];
        if !kind.and_then(Raw::string).is_some_and(|kind| types.contains(&&*kind)) {
            let found = kind.map_or_else(|| "missing".to_owned(), |kind| cut(kind.as_str()));
            return Err(BadMark::OtherType { place, found });
        }
        let header = format!("{PARAM_HEADERS}{}", name.to_ascii_lowercase());
        if self.found.iter().any(|other| other.header == header) {
            return Err(BadMark::Taken { place, name: cut(mark.as_str()) });
        }
        if self.found.len() == MOST {
            return Err(BadMark::TooMany(place));
        }
        self.found.push(Place { header, path: self.path.clone() });
        Ok(())
    }

    fn place(&self) -> String {
        if self.path.is_empty() { "inputSchema".into() } else { dotted(self.path.iter().map(|step| &*step.key)) }
    }
}

/// RFC 9110, 5.6.2.
fn is_token(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn dotted<'k>(keys: impl Iterator<Item = &'k str>) -> String {
    cut(&keys.collect::<Vec<_>>().join("."))
}

fn cut(text: &str) -> String {
    text.chars().take(QUOTED).collect()
}

#[cfg(test)]
mod tests;
