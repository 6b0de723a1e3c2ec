//! Tasks of the extension of 2026-07-28: a call whose arguments hold a `job` is answered with one, if its client takes that.
//!
//! Each process counts its tasks from 1, so that two processes show the same ids.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::serve::Shard;
use crate::tools::Call;
use crate::wire::{Meta, Out, Params, Refusal, SUBSCRIPTION_ID, answer, json, notification};

/// What is declared beside the other capabilities.
pub(crate) const CAPABILITY: &str = r#""extensions":{"io.modelcontextprotocol/tasks":{}}"#;
const COMPLETE: &str = r#"{"resultType":"complete"}"#;

/// The tasks by their ids, and who listens to which.
#[derive(Default)]
pub(crate) struct Jobs {
    tasks: Mutex<BTreeMap<String, Task>>,
    listens: Mutex<Vec<(String, Vec<String>)>>,
}

struct Task {
    status: &'static str,
    job: Job,
    /// What is still to be answered.
    open: Vec<String>,
    /// What was answered, as members of an object.
    answers: Vec<String>,
}

/// What becomes of a task.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Job {
    /// It ends after so many milliseconds; without this and `ask`, never.
    ms: Option<u64>,
    /// It asks for an elicitation under each of these keys, and ends when all are answered.
    ask: Vec<String>,
    /// It ends with a JSON-RPC error.
    fails: bool,
    /// A client that takes no tasks is refused.
    required: bool,
    /// The task has this id instead of its own.
    id: Option<String>,
    ttl: Option<u64>,
    /// Its result shows a resource of this uri.
    link: Option<String>,
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Task>> {
        self.tasks.lock().expect("no holder of this lock panics")
    }

    fn listens(&self) -> MutexGuard<'_, Vec<(String, Vec<String>)>> {
        self.listens.lock().expect("no holder of this lock panics")
    }

    /// Opens what a `subscriptions/listen` asks for.
    pub(crate) fn listen(&self, id: &str, filter: &str) {
        #[derive(Deserialize)]
        struct Filter {
            #[serde(default, rename = "taskIds")]
            task_ids: Vec<String>,
        }
        if let Ok(Filter { task_ids }) = serde_json::from_str(filter) {
            self.listens().push((id.into(), task_ids));
        }
    }

    /// Closes it.
    pub(crate) fn leave(&self, id: &str) {
        self.listens().retain(|(listen, _)| listen != id);
    }

    /// Changes a task, and tells whoever listens if its status is another now.
    fn change<T>(&self, out: &Out, id: &str, change: impl FnOnce(&mut Task) -> T) -> Result<T, Refusal> {
        let mut tasks = self.lock();
        let gone = || Refusal::new(-32602, format!("Failed to retrieve task: {id} not found"));
        let task = tasks.get_mut(id).ok_or_else(gone)?;
        let before = task.status;
        let changed = change(task);
        if task.status != before {
            for (listen, _) in self.listens().iter().filter(|(_, ids)| ids.iter().any(|listened| listened == id)) {
                let meta = format!(r#""_meta":{{"{SUBSCRIPTION_ID}":{listen}}}"#);
                out.send(notification("notifications/tasks", &format!("{{{meta},{}}}", task.detailed(id))));
            }
        }
        Ok(changed)
    }
}

impl Task {
    fn members(&self, id: &str) -> String {
        let time = r#""createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z""#;
        let (id, ttl) = (json(id), json(&self.job.ttl));
        format!(r#""taskId":{id},"status":"{}",{time},"ttlMs":{ttl},"pollIntervalMs":10"#, self.status)
    }

    fn detailed(&self, id: &str) -> String {
        let more = match self.status {
            "input_required" => format!(r#","inputRequests":{{{}}}"#, self.requests()),
            "completed" => self.result(),
            "failed" => r#","error":{"code":-32603,"message":"failed on demand","data":1.0}"#.into(),
            _ => String::new(),
        };
        self.members(id) + &more
    }

    fn result(&self) -> String {
        let link = |uri| format!(r#"{{"type":"resource_link","name":"l","uri":{}}}"#, json(uri));
        let content = self.job.link.as_ref().map_or(r#"{"type":"text","text":"ok"}"#.into(), link);
        format!(r#","result":{{"content":[{content}],"structuredContent":{{{}}}}}"#, self.answers.join(","))
    }

    fn requests(&self) -> String {
        let params = r#"{"message":"Proceed?","requestedSchema":{"type":"object","properties":{}}, "n":1.0}"#;
        let request = format!(r#"{{"method":"elicitation/create","params":{params}}}"#);
        self.open.iter().map(|key| format!("{}:{request}", json(key))).collect::<Vec<_>>().join(",")
    }

    fn end(&mut self) {
        if matches!(self.status, "working" | "input_required") {
            self.status = if self.job.fails { "failed" } else { "completed" };
        }
    }
}

/// The answer to a call that makes a task; `None` if it is to be answered in the plain way.
pub(crate) fn make(shard: &Shard, call: &Call, meta: &Meta) -> Result<Option<String>, Refusal> {
    #[derive(Deserialize)]
    struct Arguments {
        job: Option<Job>,
    }
    let Ok(Arguments { job: Some(job) }) = call.read() else { return Ok(None) };
    if !takes_tasks(meta) {
        return if job.required { Err(undeclared()) } else { Ok(None) };
    }
    let mut tasks = shard.jobs.lock();
    let id = job.id.clone().unwrap_or_else(|| format!("job-{}", tasks.len() + 1));
    let status = if job.ask.is_empty() { "working" } else { "input_required" };
    let task = Task { status, open: job.ask.clone(), answers: Vec::new(), job: job.clone() };
    let line = answer(&call.id, &format!(r#"{{"resultType":"task",{}, "_meta":{{"x":1.0}}}}"#, task.members(&id)));
    tasks.insert(id.clone(), task);
    if let Some(ms) = job.ms {
        let (out, jobs) = (Arc::clone(&shard.out), Arc::clone(&shard.jobs));
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(ms));
            // Nobody takes a task away.
            let _ = jobs.change(&out, &id, Task::end);
        });
    }
    Ok(Some(line))
}

/// `tasks/get`, `tasks/update` and `tasks/cancel`.
pub(crate) fn follow(shard: &Shard, method: &str, params: &Params) -> Result<String, Refusal> {
    if !takes_tasks(&params.meta) {
        return Err(undeclared());
    }
    let id = params.task_id.as_deref().unwrap_or_default();
    shard.jobs.change(&shard.out, id, |task| match method {
        "tasks/get" => format!(r#"{{"resultType":"complete",{}}}"#, task.detailed(id)),
        "tasks/update" => {
            take(task, params.input_responses);
            COMPLETE.into()
        }
        _ => {
            if matches!(task.status, "working" | "input_required") {
                task.status = "cancelled";
            }
            COMPLETE.into()
        }
    })
}

fn take(task: &mut Task, responses: Option<&RawValue>) {
    let responses = responses.map_or("{}", |responses| responses.get());
    let responses: BTreeMap<String, &RawValue> = serde_json::from_str(responses).unwrap_or_default();
    for (key, response) in responses {
        if let Some(at) = task.open.iter().position(|open| *open == key) {
            task.open.remove(at);
            task.answers.push(format!("{}:{}", json(&key), response.get()));
        }
    }
    if task.open.is_empty() && !task.job.ask.is_empty() {
        task.end();
    }
}

fn takes_tasks(meta: &Meta) -> bool {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Capabilities<'a> {
        #[serde(borrow)]
        extensions: BTreeMap<String, &'a RawValue>,
    }
    let declared = meta.client_capabilities.and_then(|text| serde_json::from_str::<Capabilities>(text.get()).ok());
    declared.is_some_and(|declared| declared.extensions.contains_key("io.modelcontextprotocol/tasks"))
}

fn undeclared() -> Refusal {
    let required = r#"{"requiredCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{ }}}}"#;
    Refusal::new(-32021, "Missing required client capability").with_data(required.into())
}
