//! Tasks of 2025-11-25: a call of any tool that asks for one makes one, and its arguments say what becomes of it.
//!
//! Each process counts its tasks from 1, so that two processes show the same ids.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use serde::Deserialize;

use crate::notes;
use crate::serve::Shard;
use crate::tools::Call;
use crate::waits::Waits;
use crate::wire::{Out, Refusal, answer, json, notification};

/// What is declared beside the other capabilities.
pub(crate) const CAPABILITY: &str = r#""tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}"#;

/// The tasks that were made, by their ids.
#[derive(Default)]
pub(crate) struct Tasks(Mutex<BTreeMap<String, Task>>);

struct Task {
    status: &'static str,
    ttl: Option<u64>,
    work: Work,
    /// The text of the result.
    result: String,
    /// The requests that wait for the result.
    waiting: Vec<String>,
}

/// The arguments.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Work {
    /// So many progress notifications, right behind the answer.
    progress: u64,
    /// A log message and a notification that nobody has heard of, right behind the answer.
    notes: bool,
    /// Each change is told.
    status: bool,
    /// It ends after so many milliseconds; without this and `ask`, never.
    ms: Option<u64>,
    /// It asks the client this when its result is fetched, and ends with the answer.
    ask: Option<String>,
    /// The task has this id instead of its own.
    id: Option<String>,
}

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Task>> {
        self.0.lock().expect("no holder of this lock panics")
    }

    fn with<T>(&self, id: Option<&str>, look: impl FnOnce(&mut Task) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let gone = || Refusal::new(-32602, "Failed to retrieve task: Task not found");
        look(self.lock().get_mut(id.unwrap_or_default()).ok_or_else(gone)?)
    }
}

/// The answer to a call that asks for a task, and what follows it at once.
pub(crate) fn make(shard: &Shard, call: &Call, ttl: Option<u64>) -> Result<String, Refusal> {
    let work: Work = call.read()?;
    let mut tasks = shard.tasks.lock();
    let id = work.id.clone().unwrap_or_else(|| format!("task-{}", tasks.len() + 1));
    let task = Task { status: "working", ttl, work: work.clone(), result: "{}".into(), waiting: Vec::new() };
    let mut lines = answer(&call.id, &format!(r#"{{"task":{{{}}},"_meta":{{"x":1.0}}}}"#, members(&id, &task)));
    for (step, token) in (1..=work.progress).zip(call.token.iter().cycle()) {
        lines += &notes::progress(token, step, work.progress, "");
    }
    if work.notes {
        let related = related(&id);
        lines += &notification("notifications/message", &format!(r#"{{"level":"info","data":"at work",{related}}}"#));
        lines += &notification("notifications/vendor", &format!("{{{related}}}"));
    }
    if work.status {
        lines += &told(&id, &task);
    }
    tasks.insert(id.clone(), task);
    if let Some(ms) = work.ms {
        let (out, tasks) = (Arc::clone(&shard.out), Arc::clone(&shard.tasks));
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(ms));
            finish(&out, &tasks, &id, format!(r#"{{"slept":{ms}}}"#));
        });
    }
    Ok(lines)
}

/// `tasks/get`.
pub(crate) fn get(shard: &Shard, id: Option<&str>) -> Result<String, Refusal> {
    shard.tasks.with(id, |task| Ok(format!("{{{}}}", members(id.unwrap_or_default(), task))))
}

/// `tasks/cancel`.
pub(crate) fn cancel(shard: &Shard, id: Option<&str>) -> Result<String, Refusal> {
    shard.tasks.with(id, |task| match task.status {
        "completed" | "cancelled" => Err(Refusal::new(-32602, "Cannot cancel a task that has ended")),
        _ => {
            task.status = "cancelled";
            Ok(format!("{{{}}}", members(id.unwrap_or_default(), task)))
        }
    })
}

/// `tasks/result`: the answer comes when the task has ended.
pub(crate) fn fetch(shard: &Shard, request: &str, id: Option<&str>) -> Result<(), Refusal> {
    let (out, tasks) = (&shard.out, &shard.tasks);
    let question = tasks.with(id, |task| {
        if task.status == "completed" {
            out.send(answer(request, &result(id.unwrap_or_default(), task)));
            return Ok(None);
        }
        task.waiting.push(request.into());
        Ok(task.work.ask.take())
    })?;
    if let (Some(method), Some(id)) = (question, id) {
        ask(out, tasks, &shard.waits, id.into(), &method);
    }
    Ok(())
}

fn ask(out: &Arc<Out>, tasks: &Arc<Tasks>, waits: &Waits, id: String, method: &str) {
    let key = format!(r#""ask-{id}""#);
    let answered = waits.expect(&key);
    let params =
        format!(r#"{{"message":"Proceed?","requestedSchema":{{"type":"object","properties":{{}}}},{}}}"#, related(&id));
    out.send(format!("{{\"jsonrpc\":\"2.0\",\"id\":{key},\"method\":{},\"params\":{params}}}\n", json(method)));
    let (out, tasks) = (Arc::clone(out), Arc::clone(tasks));
    thread::spawn(move || {
        if let Some(line) = answered() {
            finish(&out, &tasks, &id, line);
        }
    });
}

fn finish(out: &Out, tasks: &Tasks, id: &str, structured: String) {
    let lines = tasks.with(Some(id), |task| {
        (task.status, task.result) = ("completed", structured);
        let told = if task.work.status { told(id, task) } else { String::new() };
        let waiting: Vec<_> = task.waiting.drain(..).collect();
        Ok(waiting.iter().fold(told, |lines, request| lines + &answer(request, &result(id, task))))
    });
    if let Ok(lines) = lines {
        out.send(lines);
    }
}

fn result(id: &str, task: &Task) -> String {
    let structured = &task.result;
    format!(r#"{{"content":[{{"type":"text","text":"ok"}}],"structuredContent":{structured},{}}}"#, related(id))
}

fn told(id: &str, task: &Task) -> String {
    notification("notifications/tasks/status", &format!("{{{}}}", members(id, task)))
}

fn members(id: &str, task: &Task) -> String {
    let time = r#""createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z""#;
    format!(r#""taskId":{},"status":"{}",{time},"ttl":{},"pollInterval":10"#, json(id), task.status, json(&task.ttl))
}

fn related(id: &str) -> String {
    format!(r#""_meta":{{"io.modelcontextprotocol/related-task":{{"taskId":{}}}}}"#, json(id))
}
