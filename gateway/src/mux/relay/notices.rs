//! What precedes the answer of a call: progress, logs, and what the shard asks the client on the way.
//!
//! Invariant: the client sees its own token and ids; what it cannot be asked is declined at once.

use bytes::Bytes;

use super::{Relay, Stage};
use crate::mux::client::Client;
use crate::mux::{inbox, rewrite};
use crate::shard::link::{Ask, Event};
use crate::wire::{Capabilities, Era, Level, Raw, notification};

impl Relay {
    /// Nobody reads what the call yields any more: what it asks is declined, now and later.
    pub fn go_alone(&mut self) {
        self.asks = Capabilities::NONE;
        if let Stage::Running(running) = &mut self.stage {
            running.questions.decline();
        }
        for id in self.asked.drain(..) {
            self.mux.asks.give_up(self.client.key, id);
        }
    }

    pub(super) fn notice(&mut self, event: Event) -> Option<Bytes> {
        match event {
            Event::Progress(params) => {
                let params = rewrite::progress(&self.risen(params)?, self.token.as_deref()?)?;
                Some(notification("notifications/progress", Some(&params)).into())
            }
            Event::Log(_) | Event::LogsDropped(_) | Event::Other { .. } if !self.hears(&event) => None,
            Event::Log(params) => {
                let Stage::Running(running) = &self.stage else { return None };
                self.mux.logged(self.client.key, running.call.link(), params)
            }
            Event::LogsDropped(count) => Some(inbox::dropped(count)),
            Event::Other { method, params } => {
                let Stage::Running(running) = &self.stage else { return None };
                self.mux.told(self.client.key, running.call.link(), &method, params)
            }
            Event::Ask(ask) => self.ask(&ask),
            Event::AskCancelled { key, reason } => {
                let Stage::Running(running) = &mut self.stage else { return None };
                running.questions.take_back(&key);
                self.mux.asks.take_back(self.client.key, running.call.link(), &key, reason.as_ref())
            }
            Event::Done(_) => None,
        }
    }

    /// Whether the client of this very request wants it: a call may have begun with one that wanted to hear more.
    fn hears(&self, event: &Event) -> bool {
        let Client { revision, level, .. } = &self.client;
        let Some(least) = level.filter(|_| revision.era() == Era::Modern) else { return revision.era() == Era::Legacy };
        let Event::Log(params) = event else {
            // In its revision the person goes back to the client, and nobody else tells it.
            return !matches!(event, Event::Other { method, .. } if &**method == "notifications/elicitation/complete");
        };
        let level = Raw::parse(params).ok().and_then(|params| Level::parse(&params.get("level")?.string()?));
        level.is_none_or(|level| level >= least)
    }

    fn ask(&mut self, ask: &Ask) -> Option<Bytes> {
        if self.client.revision.era() == Era::Modern {
            self.gather(ask);
            return None;
        }
        let Stage::Running(running) = &self.stage else { return None };
        if self.asks == Capabilities::NONE {
            running.call.link().decline(ask);
            return None;
        }
        let link = running.call.link();
        let ask = self.mux.as_known(self.client.key, link, ask);
        let (id, message) = self.mux.asks.open(self.client.key, link, &ask)?;
        self.asked.push(id);
        Some(message)
    }
}
