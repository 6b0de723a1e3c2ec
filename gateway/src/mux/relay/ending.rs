//! The answer of a call: the shard's, in the client's era, or why there is none.
//!
//! Invariant: a call ends once, and what it has asked is settled with it.

use tracing::{info, warn};

use super::{Relay, Stage};
use crate::mux::failure::CallError;
use crate::mux::rewrite::Crossed;
use crate::mux::route::Errand;
use crate::mux::{Answer, rewrite};
use crate::shard::link::{Done, Failure, Reply};
use crate::wire::{Era, error_response, result_response};

impl Relay {
    /// The answer, unless the shard needs something of the client first.
    pub(super) fn finish(&mut self, done: Done, from: Era) -> Option<Answer> {
        if !self.asked.is_empty() {
            self.mux.asks.outlived(&std::mem::take(&mut self.asked));
        }
        let to = self.client.revision.era();
        let done = done.map_err(|failure| CallError::Failed(self.of_all_rounds(failure)));
        let reply = done.and_then(|reply| match &self.stage {
            Stage::Running(running) => self.learn(running, reply),
            _ => Ok(reply),
        });
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => return Some(self.fail(&error)),
        };
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        Some(match reply {
            Reply::Result(result) => {
                if let (Some(pending), Stage::Running(running)) = (self.pending.take(), &stage) {
                    pending.agreed(running.call.link());
                }
                self.mux.shown.remember(rewrite::shown_uris(&result), &self.route.shard);
                match rewrite::result(result, &self.route.method, from, to) {
                    Ok(Crossed::Complete(result)) => {
                        self.log("answered");
                        Answer { body: result_response(&self.id, result), code: None }
                    }
                    Ok(Crossed::InputRequired(result)) => match self.go_round(&result) {
                        Ok(()) => return None,
                        Err(error) => self.fail(&error),
                    },
                    Err(fault) => self.fail(&CallError::Failed(Failure::Unreadable(fault))),
                }
            }
            Reply::Error(error) => {
                self.log("answered with an error");
                let (error, code) = rewrite::error(&error, &self.route, from, to);
                Answer { body: error_response(&self.id, &error), code: Some(code) }
            }
        })
    }

    pub(super) fn fail(&mut self, error: &CallError) -> Answer {
        // The child that failed, or was waited for, else the shard as a whole.
        let child = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Running(running) => Some(running.place.shard),
            _ => self.finding.take().and_then(|finding| finding.child().cloned()),
        };
        self.go_alone();
        let shard = child.or_else(|| self.shard());
        if let Some(shard) = &shard {
            shard.stats.count_failed();
        }
        let (name, method) = (&*self.route.shard, &*self.route.method);
        warn!(shard = name, tool = self.route.exposed, method, %error, "call failed");
        let is_tool_result = method == "tools/call" && !matches!(error, CallError::Continued(_));
        if is_tool_result && !matches!(self.route.errand, Errand::Makes) {
            let result = error.tool_result(name, shard.as_ref(), self.client.revision.era());
            return Answer { body: result_response(&self.id, result), code: None };
        }
        let fault = error.fault(name, shard.as_ref());
        Answer { body: fault.response(&self.id), code: Some(fault.code) }
    }

    pub(super) fn log(&self, outcome: &'static str) {
        let (shard, tool, method) = (&*self.route.shard, self.route.exposed.as_deref(), &*self.route.method);
        info!(shard, tool, method, request_id = &*self.id, elapsed = ?self.started.elapsed(), outcome, "call");
    }
}
