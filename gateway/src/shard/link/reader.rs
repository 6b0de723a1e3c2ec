//! Reads from the child and puts each message where it belongs.
//!
//! Invariant: this never waits for anything but the child, unless that talks nonsense. What it cannot place is counted and
//! passed over; what it can place but not read ends that one call.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncRead;
use tokio::time::sleep;

use super::{Event, Failure, Link, Reply};
use crate::shard::pool::Unclaimed;
use crate::shard::roster::List;
use crate::tasks::work_on;
use crate::wire::{
    Fault, Id, IdFinder, Kind, Level, Line, Lines, Message, Notification, Outcome, Raw, Response, code, read_object,
};

/// After so many bytes that belong to nothing, the child is left waiting for a moment: a flood of them costs as much
/// processor time as it is given.
const NONSENSE: usize = 64 * 1024;
const PAUSE: Duration = Duration::from_millis(10);
/// What a line costs beside its bytes.
const LINE: usize = 64;

/// Reads until the child closes its end.
///
/// # Errors
/// What the pipe says.
pub(crate) async fn read(link: Link, stdout: impl AsyncRead + Unpin) -> io::Result<()> {
    let mut lines = Lines::new(stdout, link.message_limit());
    let mut nonsense = 0;
    while let Some(line) = lines.next().await? {
        lines.limit(link.message_limit());
        let strays = link.0.heritage.stats.strays();
        let length = match line {
            Line::Whole(line) => {
                work_on(line.len(), || link.take_line(&line));
                line.len()
            }
            Line::Overlong { id, has_method, length } => {
                let limit = link.message_limit();
                link.fail_call(id.filter(|_| !has_method).as_deref(), Failure::Overlong { length, limit });
                length
            }
        };
        if link.0.heritage.stats.strays() != strays {
            nonsense += LINE + length;
        }
        if nonsense > NONSENSE {
            nonsense = 0;
            sleep(PAUSE).await;
        }
    }
    Ok(())
}

impl Link {
    fn take_line(&self, line: &Bytes) {
        let read = Raw::parse(line);
        match read {
            Ok(batch) if batch.kind() == Kind::Array => {
                for message in batch.elements() {
                    self.take_message(line, message);
                }
            }
            Ok(message) => self.take_message(line, message),
            Err(malformed) => self.fail_call(find_id(line).as_deref(), Failure::Unreadable(malformed.to_string())),
        }
    }

    fn take_message(&self, line: &Bytes, message: Raw<'_>) {
        match Message::read(message) {
            Ok(Message::Response(response)) => self.take_response(line, &response),
            Ok(Message::Notification(notification)) => self.take_notification(line, &notification),
            Ok(Message::Request(request)) => self.take_request(line, &request),
            Err(unreadable) => {
                if message.get("method").is_some()
                    && let Some(id) = message.get("id").and_then(Id::read)
                {
                    // Else the shard would wait for an answer, and whoever called it with it.
                    let fault = Fault::new(code::INVALID_REQUEST, unreadable.to_string());
                    self.answer_request(id.as_str(), Err(fault));
                }
                let id = find_id(message.as_str().as_bytes());
                self.fail_call(id.as_deref(), Failure::Unreadable(unreadable.to_string()));
            }
        }
    }

    fn take_response(&self, line: &Bytes, response: &Response<'_>) {
        let answered = {
            let mut table = self.table();
            let number = response.id.map_or_else(|| table.only_sent(), |id| id.ours());
            number.map(|number| (number, table.answered(number)))
        };
        let Some((number, Some(entry))) = answered else {
            if let Some((number, None)) = answered {
                self.pay(number);
            }
            self.0.heritage.stats.count_stray();
            return tracing::debug!("the shard answered a request that is not under way");
        };
        self.0.outgoing.notify_one();
        let reply = match response.outcome {
            Outcome::Result(result) => {
                self.note_task(number, &entry, result);
                self.part(line, result).map(Reply::Result)
            }
            Outcome::Error(error) => {
                self.note_required(&entry.caller, error);
                self.part(line, error).map(Reply::Error)
            }
        };
        entry.mailbox.finish(reply.ok_or_else(|| Failure::Budget(self.0.limits.budget.total())));
    }

    fn take_notification(&self, line: &Bytes, notification: &Notification<'_>) {
        let list = match &*notification.method {
            "notifications/progress" => return self.take_progress(line, notification),
            "notifications/message" => return self.take_log(line, notification.params),
            "notifications/cancelled" => return self.take_back(line, notification.params),
            "notifications/resources/updated" => return self.take_updated(notification.params),
            "notifications/subscriptions/acknowledged" | "notifications/tasks" => {
                return self.take_listened(line, notification);
            }
            "notifications/tools/list_changed" => &[List::Tools][..],
            "notifications/prompts/list_changed" => &[List::Prompts],
            "notifications/resources/list_changed" => &[List::Resources, List::Templates],
            "notifications/elicitation/complete" if self.take_complete(line, notification) => return,
            _ if self.take_of_task(line, notification) => return,
            _ => return self.take_other(line, notification),
        };
        if !self.0.is_hushed.load(Ordering::Relaxed) {
            self.0.ties.marks.set(list);
        }
    }

    /// What comes for a call that was given up is for nobody, but it may have been awaited.
    fn pay(&self, number: u64) {
        let was_last = self.table().pay(number);
        if let Some(settled) = self.0.ties.settled.as_ref().filter(|_| was_last) {
            settled.notify_one();
        }
    }

    fn take_progress(&self, line: &Bytes, notification: &Notification<'_>) {
        let Some(params) = notification.params else { return self.0.heritage.stats.count_stray() };
        let token = read_object(params, &["progressToken"]).ok().and_then(|[token]| token);
        let token = token.and_then(|token| token.unsigned().or_else(|| token.string()?.parse().ok()));
        let mailbox = token.and_then(|token| self.table().progress(token).cloned());
        let Some(mailbox) = mailbox else {
            if !token.is_some_and(|number| self.take_task_progress(line, number, notification)) {
                self.0.heritage.stats.count_stray();
            }
            return;
        };
        match self.part(line, params) {
            Some(params) => mailbox.push(Event::Progress(params)),
            // The shard is at work, whether or not the caller can be told.
            None => mailbox.hear(),
        }
    }

    fn take_log(&self, line: &Bytes, params: Option<Raw<'_>>) {
        let Some(params) = params else { return self.0.heritage.stats.count_stray() };
        let level = read_object(params, &["level"]).ok().and_then(|[level]| Level::parse(&level?.string()?));
        let owner = self.task_owner(Some(params));
        let mailbox = level.and_then(|level| Some(self.table().log_candidate(level, owner)?.mailbox.clone()));
        let Some((level, said)) = level.zip(self.part(line, params)) else { return self.log(params.as_str()) };
        // A session may change its mind while the message is on its way: what counts is what it wants to hear now.
        let own = self.0.ties.owner.as_ref().filter(|own| owner.is_none_or(|owner| owner == own.client));
        match (mailbox, own) {
            (Some(mailbox), _) => mailbox.push(Event::Log(said)),
            (None, Some(own)) if !own.hears(level) => {}
            (None, own) => {
                let level = Some(level).filter(|_| own.is_none());
                if !self.post_to(owner, Unclaimed::Log(level, said)) {
                    self.log(params.as_str());
                }
            }
        }
    }

    /// What the gateway does not know belongs to a call if only one client has any, else to the session whose child this is,
    /// if it is one's.
    fn take_other(&self, line: &Bytes, notification: &Notification<'_>) {
        let mailbox = self.table().only_listener();
        let params = notification.params.map(|params| self.part(line, params));
        if let (Some(mailbox), None | Some(Some(_))) = (mailbox, &params) {
            let method = (*notification.method).into();
            return mailbox.push(Event::Other { method, params: params.flatten() });
        }
        if let None | Some(Some(_)) = params {
            let (method, params) = ((*notification.method).into(), params.flatten());
            if matches!(self.post(Unclaimed::Notice { method, params }), Some(Ok(()))) {
                return;
            }
        }
        let method = self.0.limits.mask.apply(&notification.method);
        if self.may_log(method.len()) {
            tracing::info!(method = &*method, "a notification of the shard is for no single client");
        }
    }

    /// What is for no client goes to the gateway's log.
    fn log(&self, said: &str) {
        if self.may_log(said.len()) {
            tracing::info!(said = &*self.0.limits.mask.apply(said), "the shard logs");
        }
    }

    fn may_log(&self, length: usize) -> bool {
        let taken = self.table().quota.take(length);
        if let Some(left_out @ 1..) = taken {
            tracing::warn!(messages = left_out, "the shard logs so much that messages were left out here");
        }
        taken.is_some()
    }

    /// A part of a line to be kept for a caller; `None` if the results in memory leave no room for the line.
    pub(super) fn part(&self, line: &Bytes, part: Raw<'_>) -> Option<Bytes> {
        let line = self.0.limits.budget.book(line.clone())?;
        Some(line.slice_ref(part.as_str().as_bytes()))
    }

    /// Ends the call that the answer with this `id` belongs to, if it is one that the shard has; else the line is only
    /// counted.
    fn fail_call(&self, id: Option<&str>, failure: Failure) {
        let number = id.and_then(|id| Id::read(Raw::parse(id.as_bytes()).ok()?)?.ours());
        match number.and_then(|number| self.table().answered(number)) {
            Some(entry) => {
                self.0.outgoing.notify_one();
                entry.mailbox.finish(Err(failure));
            }
            None => {
                number.into_iter().for_each(|number| self.pay(number));
                self.0.heritage.stats.count_stray();
                // Once for each child: it may do so with every line, and one is enough for who wrote it.
                if !self.0.nonsense_told.swap(true, Ordering::Relaxed) {
                    tracing::warn!(error = %failure, "the shard wrote to stdout what is no MCP message; logs belong on stderr");
                }
            }
        }
    }
}

/// The `id` of an answer; a request's is of the shard's own making and may equal one of ours.
fn find_id(message: &[u8]) -> Option<String> {
    let mut finder = IdFinder::default();
    finder.feed(message);
    if finder.has_method() { None } else { finder.finish() }
}

#[cfg(test)]
mod tests;
