//! What a modern child is asked to report on, and what it says to that (2026-07-28, basic/patterns/subscriptions).
//!
//! Invariant: the request is one of the gateway's own, so that it counts among nobody's calls, and it is open until the
//! child ends it or is given up.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::following::Told;
use super::{Call, Caller, Deadlines, Event, Link, Purpose, Refused, Reply};
use crate::shard::followed::Standing;
use crate::shard::handshake::modern_meta;
use crate::shard::roster::List;
use crate::wire::{self, Id, Meta, Notification, Raw, read_object, request};

/// No child lives so long.
pub(super) const FOREVER: Duration = Duration::from_hours(24 * 3650);

/// A kind of lists that a child can say to have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Tools,
    Prompts,
    Resources,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Tools, Self::Prompts, Self::Resources];

    /// The server capability under which it is declared.
    pub(crate) fn capability(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
        }
    }

    /// What it is called where it is asked for.
    pub(crate) fn wish(self) -> &'static str {
        match self {
            Self::Tools => "toolsListChanged",
            Self::Prompts => "promptsListChanged",
            Self::Resources => "resourcesListChanged",
        }
    }

    /// The lists that have changed with it.
    pub(crate) fn lists(self) -> &'static [List] {
        match self {
            Self::Tools => &[List::Tools],
            Self::Prompts => &[List::Prompts],
            Self::Resources => &[List::Resources, List::Templates],
        }
    }
}

/// What a child is asked to report on, or has agreed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) kinds: Vec<Kind>,
    pub(crate) uris: BTreeSet<String>,
}

impl Filter {
    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.uris.is_empty()
    }

    /// What an acknowledgement says; nothing if that cannot be read.
    pub(crate) fn acknowledged(params: &[u8]) -> Self {
        let params = Raw::parse(params).ok();
        let Some(honoured) = params.and_then(|params| params.get("notifications")) else { return Self::default() };
        let is_true = |kind: &Kind| honoured.get(kind.wish()).is_some_and(|value| value.as_str() == "true");
        let uris = honoured.get("resourceSubscriptions").filter(|uris| uris.kind() == wire::Kind::Array);
        let uris = uris.into_iter().flat_map(Raw::elements);
        Self {
            kinds: Kind::ALL.into_iter().filter(is_true).collect(),
            uris: uris.filter_map(|uri| Some(uri.string()?.into_owned())).collect(),
        }
    }

    fn params(&self) -> Value {
        let mut wishes: serde_json::Map<_, _> =
            self.kinds.iter().map(|kind| (kind.wish().to_owned(), Value::Bool(true))).collect();
        if !self.uris.is_empty() {
            wishes.insert("resourceSubscriptions".to_owned(), json!(self.uris));
        }
        json!({"_meta": modern_meta(), "notifications": wishes})
    }
}

impl Link {
    /// The resources on which the child is to report, but those that it has refused, and which of them somebody has followed
    /// before.
    pub(crate) fn followed(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let following = self.following();
        let followed = following.feed().followed.borrow();
        let wishes = following.wishes(&followed);
        let refused = following.forget_all_but(&wishes);
        let wanted = wishes.iter().filter(|(uri, _)| !refused.contains(**uri));
        let (mut uris, mut kept) = (BTreeSet::new(), BTreeSet::new());
        for (uri, standing) in wanted {
            if *standing == Standing::Kept {
                kept.insert((*uri).to_owned());
            }
            if matches!(standing, Standing::Kept | Standing::Wished) {
                uris.insert((*uri).to_owned());
            }
        }
        (uris, kept)
    }

    /// Asks the child to report on all this. Dropping the call takes it back.
    ///
    /// # Errors
    /// [`Refused`]: the child is gone.
    pub(crate) fn listen(&self, filter: &Filter) -> Result<Call, Refused> {
        for uri in &filter.uris {
            self.following().begin(uri);
        }
        let number = self.next_number();
        let line = request(number, "subscriptions/listen", Some(filter.params().to_string().as_bytes()));
        let caller = Caller { purpose: Purpose::Listens, ..Caller::GATEWAY };
        self.call(number, line, caller, Deadlines { call: FOREVER, max: FOREVER })
    }

    /// The child is told of none of these resources: it cannot report on them.
    pub(crate) fn refuse(&self, uris: &BTreeSet<String>) {
        uris.iter().for_each(|uri| self.following().begin(uri));
        self.have_said(uris, Told::Refused);
        self.settle_told();
    }

    /// What the child has said to these resources.
    pub(crate) fn have_said<'u>(&self, uris: impl IntoIterator<Item = &'u String>, said: Told) {
        uris.into_iter().for_each(|uri| self.has_said(uri, said));
    }

    /// Hands the acknowledgement, or what is told of a task, to whoever listens. What there is no room for in memory is passed
    /// over: the child counts as one that has not answered, and a client of a task asks for it.
    pub(super) fn take_listened(&self, line: &Bytes, notification: &Notification<'_>) {
        let meta = notification.params.and_then(|params| params.get("_meta"));
        let number = meta.and_then(|meta| read_object(meta, &[Meta::SUBSCRIPTION_ID]).ok());
        let number = number.and_then(|[id]| Id::read(id?)?.ours());
        let mailbox = number.and_then(|number| Some(self.table().listening(number)?.mailbox.clone()));
        let Some((mailbox, params)) = mailbox.zip(notification.params) else {
            return self.0.heritage.stats.count_stray();
        };
        if let Some(params) = self.part(line, params) {
            let method = (*notification.method).into();
            mailbox.push(Event::Other { method, params: Some(params) });
        }
    }

    /// The child ends a `subscriptions/listen` by cancelling it, as it may on stdio; it cancels nothing else of ours.
    pub(super) fn end_listening(&self, id: Id<'_>) {
        let entry = {
            let mut table = self.table();
            let number = id.ours().filter(|number| table.listening(*number).is_some());
            number.and_then(|number| table.answered(number))
        };
        if let Some(entry) = entry {
            entry.mailbox.finish(Ok(Reply::Result(Bytes::from_static(b"{}"))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_and_what_is_acknowledged_have_one_form() {
        let uris = ["b:2", "a:\"1\""].map(ToOwned::to_owned).into();
        let filter = Filter { kinds: vec![Kind::Tools, Kind::Resources], uris };
        assert_eq!(Filter::acknowledged(filter.params().to_string().as_bytes()), filter);
        let none = Filter::default();
        assert_eq!(Filter::acknowledged(none.params().to_string().as_bytes()), none);
        for odd in
            ["{}", "[]", "nonsense", r#"{"notifications":{"toolsListChanged":1,"resourceSubscriptions":{"0":"a"}}}"#]
        {
            assert_eq!(Filter::acknowledged(odd.as_bytes()), none, "{odd}");
        }
        let some = Filter::acknowledged(
            br#"{"notifications":{"resourceSubscriptions":["a",1,"b"],"promptsListChanged":true}}"#,
        );
        assert_eq!(some, Filter { kinds: vec![Kind::Prompts], uris: ["a", "b"].map(ToOwned::to_owned).into() });
    }
}
