//! Reads from the child and puts each message where it belongs.
//!
//! Invariant: this never waits for anything but the child. What it cannot place is counted and passed over; what it can
//! place but not read ends that one call.

use std::io;

use bytes::Bytes;
use tokio::io::AsyncRead;

use super::{Ask, Event, Failure, Link, Reply};
use crate::shard::polite;
use crate::shard::roster::List;
use crate::wire::{
    IdFinder, Kind, Level, Line, Lines, Message, Notification, Outcome, Raw, Request, Response, read_object,
};

/// Reads until the child closes its end.
///
/// # Errors
/// What the pipe says.
pub(crate) async fn read(link: Link, stdout: impl AsyncRead + Unpin) -> io::Result<()> {
    let mut lines = Lines::new(stdout, link.0.limits.message);
    while let Some(line) = lines.next().await? {
        match line {
            Line::Whole(line) => link.take_line(&line),
            Line::Overlong { id, length } => {
                let limit = link.0.limits.message;
                link.fail_call(id.as_deref(), Failure::Overlong { length, limit });
            }
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
                let id = find_id(message.as_str().as_bytes());
                self.fail_call(id.as_deref(), Failure::Unreadable(unreadable.to_string()));
            }
        }
    }

    fn take_response(&self, line: &Bytes, response: &Response<'_>) {
        let entry = {
            let mut table = self.table();
            let number = response.id.map_or_else(|| table.only_sent(), |id| id.ours());
            number.and_then(|number| table.answered(number))
        };
        let Some(entry) = entry else {
            self.0.stats.count_stray();
            return tracing::debug!("the shard answered a request that is not under way");
        };
        self.0.outgoing.notify_one();
        let Some(line) = self.0.limits.budget.book(line.clone()) else {
            return entry.mailbox.finish(Err(Failure::Budget(self.0.limits.budget.total())));
        };
        entry.mailbox.finish(Ok(match response.outcome {
            Outcome::Result(result) => Reply::Result(line.slice_ref(result.as_str().as_bytes())),
            Outcome::Error(error) => Reply::Error(line.slice_ref(error.as_str().as_bytes())),
        }));
    }

    fn take_notification(&self, line: &Bytes, notification: &Notification<'_>) {
        let list = match &*notification.method {
            "notifications/progress" => return self.take_progress(line, notification.params),
            "notifications/message" => return self.take_log(line, notification.params),
            "notifications/tools/list_changed" => &[List::Tools][..],
            "notifications/prompts/list_changed" => &[List::Prompts],
            "notifications/resources/list_changed" => &[List::Resources, List::Templates],
            method => return tracing::debug!(method, "a notification of the shard is not relayed"),
        };
        let mut table = self.table();
        list.iter().for_each(|list| table.mark_changed(*list));
        drop(table);
        self.0.changed.notify_one();
    }

    fn take_progress(&self, line: &Bytes, params: Option<Raw<'_>>) {
        let Some(params) = params else { return self.0.stats.count_stray() };
        let token = read_object(params, &["progressToken"]).ok().and_then(|[token]| token);
        let token = token.and_then(|token| token.unsigned().or_else(|| token.string()?.parse().ok()));
        match token.and_then(|token| self.table().progress(token).cloned()) {
            Some(mailbox) => mailbox.push(Event::Progress(line.slice_ref(params.as_str().as_bytes()))),
            None => self.0.stats.count_stray(),
        }
    }

    fn take_log(&self, line: &Bytes, params: Option<Raw<'_>>) {
        let Some(params) = params else { return self.0.stats.count_stray() };
        let level = read_object(params, &["level"]).ok().and_then(|[level]| Level::parse(&level?.string()?));
        let mailbox = level.and_then(|level| Some(self.table().log_candidate(level)?.mailbox.clone()));
        match mailbox {
            Some(mailbox) => mailbox.push(Event::Log(line.slice_ref(params.as_str().as_bytes()))),
            None => tracing::debug!(params = params.as_str(), "the shard logs"),
        }
    }

    fn take_request(&self, line: &Bytes, request: &Request<'_>) {
        if request.method == "ping" {
            return self.answer_request(request.id.as_str(), Ok(Bytes::from_static(b"{}")));
        }
        let asked =
            self.table().ask_candidate(&request.method).map(|entry| (entry.mailbox.clone(), entry.caller.client));
        let Some((mailbox, client)) = asked else {
            tracing::debug!(method = &*request.method, "no single client can be asked");
            return self.answer_request(request.id.as_str(), polite::answer(&request.method));
        };
        mailbox.push(Event::Ask(Ask {
            id: request.id.as_str().into(),
            method: (*request.method).into(),
            params: request.params.map(|params| line.slice_ref(params.as_str().as_bytes())),
            client,
        }));
    }

    /// Ends the call that `id` names, if it is one that the shard has; else the line is only counted.
    fn fail_call(&self, id: Option<&str>, failure: Failure) {
        let number = id.and_then(|id| Raw::parse(id.as_bytes()).ok()?.unsigned());
        match number.and_then(|number| self.table().answered(number)) {
            Some(entry) => {
                self.0.outgoing.notify_one();
                entry.mailbox.finish(Err(failure));
            }
            None => {
                self.0.stats.count_stray();
                tracing::debug!(error = %failure, "skipped a line on stdout that is no MCP message");
            }
        }
    }
}

fn find_id(message: &[u8]) -> Option<String> {
    let mut finder = IdFinder::default();
    finder.feed(message);
    finder.finish()
}
