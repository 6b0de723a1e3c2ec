//! Notifications to the client, and who of a modern client's subscriptions hears them.
//!
//! A legacy client hears everything; a modern one hears only what an open `subscriptions/listen` asked for.

use serde::{Deserialize, Serialize};

use crate::era::Speech;
use crate::wire::{Refusal, SUBSCRIPTION_ID, json, notification};

/// The open `subscriptions/listen` requests.
#[derive(Default)]
pub(crate) struct Listens(Vec<Listen>);

struct Listen {
    id: String,
    filter: Filter,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
struct Filter {
    tools_list_changed: bool,
    prompts_list_changed: bool,
    resources_list_changed: bool,
    resource_subscriptions: Vec<String>,
    task_ids: Vec<String>,
}

impl Filter {
    fn wants_list(&self, kind: &str) -> bool {
        match kind {
            "tools" => self.tools_list_changed,
            "prompts" => self.prompts_list_changed,
            _ => self.resources_list_changed,
        }
    }
}

impl Listens {
    /// Opens a subscription to all but `refused` and returns the line that acknowledges it.
    pub(crate) fn add(&mut self, id: &str, filter: &str, refused: &str) -> Result<String, Refusal> {
        let parsed = serde_json::from_str(filter).map_err(|error| Refusal::new(-32602, error.to_string()));
        let mut filter: Filter = parsed?;
        filter.resource_subscriptions.retain(|uri| uri != refused);
        let honoured = json(&filter);
        self.0.push(Listen { id: id.into(), filter });
        let params = format!(r#"{{"_meta":{{"{SUBSCRIPTION_ID}":{id}}},"notifications":{honoured}}}"#);
        Ok(notification("notifications/subscriptions/acknowledged", &params))
    }

    /// Closes the subscription that the request `id` opened, if there is one.
    pub(crate) fn remove(&mut self, id: &str) {
        self.0.retain(|listen| listen.id != id);
    }

    /// The lines that say that the list of `kind` has changed.
    pub(crate) fn list_changed(&self, speech: Speech, kind: &str) -> String {
        let method = format!("notifications/{kind}/list_changed");
        self.lines(speech, &method, "", |filter| filter.wants_list(kind))
    }

    /// The lines that say that the resource `uri` was updated.
    pub(crate) fn updated(&self, speech: Speech, uri: &str) -> String {
        let member = format!(r#""uri":{}"#, json(uri));
        let wants = |filter: &Filter| filter.resource_subscriptions.iter().any(|wanted| wanted == uri);
        self.lines(speech, "notifications/resources/updated", &member, wants)
    }

    fn lines(&self, speech: Speech, method: &str, member: &str, wants: impl Fn(&Filter) -> bool) -> String {
        if speech == Speech::Legacy {
            return notification(method, &format!("{{{member}}}"));
        }
        let comma = if member.is_empty() { "" } else { "," };
        let hearers = self.0.iter().filter(|listen| wants(&listen.filter));
        let lines = hearers.map(|listen| {
            let meta = format!(r#""_meta":{{"{SUBSCRIPTION_ID}":{}}}"#, listen.id);
            notification(method, &format!("{{{meta}{comma}{member}}}"))
        });
        lines.collect()
    }
}

/// A progress notification; `token` is JSON text.
pub(crate) fn progress(token: &str, step: u64, of: u64, mark: &str) -> String {
    let message = json(&format!("step {step}{mark}"));
    let params = format!(r#"{{"progressToken":{token},"progress":{step},"total":{of},"message":{message}}}"#);
    notification("notifications/progress", &params)
}

/// Takes the question `id`, JSON text, back.
pub(crate) fn withdrawn(id: &str) -> String {
    notification("notifications/cancelled", &format!(r#"{{"requestId":{id},"reason":"no longer needed"}}"#))
}

/// A log message at level info.
pub(crate) fn log(step: u64) -> String {
    notification("notifications/message", &format!(r#"{{"level":"info","logger":"fake","data":"line {step}"}}"#))
}
