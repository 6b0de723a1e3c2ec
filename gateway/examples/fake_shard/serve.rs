//! The shard itself: one line in, what it means, what goes out.
//!
//! Everything here happens on the reading thread, in the order of the lines; only `waits` has threads.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::era::{self, Lock, Speech, unknown_method};
use crate::flags::{Era, OnDiscover, OnInitialize, OnListen, Options};
use crate::inputs;
use crate::interview;
use crate::jobs::{self, Jobs};
use crate::lists::List;
use crate::notes::Listens;
use crate::tasks::{self, Tasks};
use crate::tools::{self, Call};
use crate::waits::Waits;
use crate::wire::{Incoming, Out, Params, Refusal, answer, json};

/// Nobody may subscribe to it.
const REFUSED: &str = "fake://item/refused";

/// How late a late acknowledgement is: later than anybody waits for it at a start.
const LATE: Duration = Duration::from_millis(1500);

/// What the reading loop does after a line.
pub(crate) enum Next {
    GoOn,
    /// Lives on and reads nothing more.
    Park,
    Exit(u8),
}

/// All state of the process.
pub(crate) struct Shard {
    pub(crate) options: Options,
    pub(crate) out: Arc<Out>,
    pub(crate) waits: Arc<Waits>,
    pub(crate) listens: Listens,
    pub(crate) tools: List,
    pub(crate) prompts: List,
    pub(crate) resources: List,
    templates: List,
    /// What a legacy client has subscribed to.
    subscribed: BTreeSet<String>,
    pub(crate) tasks: Arc<Tasks>,
    pub(crate) jobs: Arc<Jobs>,
    lock: Lock,
}

impl Shard {
    /// The error is a list file that cannot be used.
    pub(crate) fn new(options: Options) -> Result<Self, String> {
        Ok(Self {
            tools: List::tools(&options)?,
            prompts: List::prompts(&options)?,
            resources: List::resources(&options)?,
            templates: List::templates(&options)?,
            out: Arc::new(Out::take()),
            waits: Arc::default(),
            listens: Listens::default(),
            subscribed: BTreeSet::new(),
            tasks: Arc::default(),
            jobs: Arc::default(),
            lock: Lock::new(options.era),
            options,
        })
    }

    /// Takes one line, with or without its line break.
    pub(crate) fn on_line(&mut self, line: &[u8]) -> Next {
        let Ok(message) = serde_json::from_slice::<Incoming>(line) else {
            self.out.send(Refusal::new(-32700, "Parse error").line("null"));
            return Next::GoOn;
        };
        let raw = message.params;
        let params = raw.map(|params| serde_json::from_str(params.get()));
        match (message.id, message.method) {
            (Some(id), Some(method)) if method.starts_with("vendor/") => {
                let params = raw.map_or("null", |params| params.get());
                let echo = format!(r#"{{"by":{},"params":{params}}}"#, json(&self.options.name));
                self.out.send(answer(id.get(), &echo));
            }
            (None, None) => self.out.send(Refusal::new(-32600, "Invalid Request").line("null")),
            (Some(id), None) => self.waits.answered(id.get(), String::from_utf8_lossy(line).trim()),
            (None, Some(method)) => {
                self.on_notification(&method, &params.and_then(Result::ok).unwrap_or_default());
            }
            (Some(id), Some(method)) => {
                let params = params.transpose().map(Option::unwrap_or_default);
                let params = params.map_err(|error| Refusal::new(-32602, error.to_string()));
                let done = params.and_then(|params| self.on_request(id.get(), &method, &params));
                return done.unwrap_or_else(|refusal| {
                    self.out.send(refusal.line(id.get()));
                    Next::GoOn
                });
            }
        }
        Next::GoOn
    }

    fn on_notification(&mut self, method: &str, params: &Params) {
        if let ("notifications/cancelled", Some(id)) = (method, params.request_id) {
            self.waits.cancel(id.get());
            self.listens.remove(id.get());
            self.jobs.leave(id.get());
        }
    }

    fn on_request(&mut self, id: &str, method: &str, params: &Params) -> Result<Next, Refusal> {
        match method {
            "initialize" => return self.on_initialize(id, params),
            "server/discover" if self.options.on_discover != OnDiscover::Normal => {
                return Ok(self.on_discover());
            }
            _ => {}
        }
        let speech = self.lock.admit(self.options.era, method, &params.meta)?;
        match method {
            "tools/call" => {
                let call = Call {
                    id: id.into(),
                    name: params.name.clone().ok_or_else(|| Refusal::new(-32602, "`name` is missing"))?,
                    arguments: self.options.spoil.apply(params.arguments.map_or("{}", |arguments| arguments.get())),
                    token: params.meta.progress_token.map(|token| token.get().into()),
                    speech,
                    input_responses: params.input_responses.map(|responses| responses.get().into()),
                    request_state: params.request_state.clone(),
                };
                let is_legacy = speech == Speech::Legacy;
                if let Some(task) = params.task.as_ref().filter(|_| is_legacy && self.options.tasks) {
                    self.out.send(tasks::make(self, &call, task.ttl)?);
                    return Ok(Next::GoOn);
                }
                if call.name == inputs::TOOL {
                    inputs::call(self, &call, params)?;
                    return Ok(Next::GoOn);
                }
                if !is_legacy
                    && self.options.tasks
                    && let Some(line) = jobs::make(self, &call, &params.meta)?
                {
                    self.out.send(line);
                    return Ok(Next::GoOn);
                }
                return tools::call(self, call);
            }
            "subscriptions/listen" if speech == Speech::Modern => {
                let filter = params.notifications.ok_or_else(|| Refusal::new(-32602, "`notifications` is missing"))?;
                match self.options.on_listen {
                    OnListen::Error => return Err(unknown_method(method)),
                    OnListen::Silent => {}
                    OnListen::Normal => self.out.send(self.listens.add(id, filter.get(), REFUSED)?),
                    OnListen::Late => {
                        let line = self.listens.add(id, filter.get(), REFUSED)?;
                        let out = Arc::clone(&self.out);
                        thread::spawn(move || {
                            thread::sleep(LATE);
                            out.send(line);
                        });
                    }
                }
                self.jobs.listen(id, filter.get());
            }
            "tasks/result" if self.options.tasks && speech == Speech::Legacy => {
                tasks::fetch(self, id, params.task_id.as_deref())?;
            }
            "server/discover" => self.answer_late(answer(id, &era::discover(&self.options))),
            _ if let Some(call) = interview::asking(id, method, params, speech) => return tools::call(self, call),
            _ => {
                let result = self.result(method, params, speech)?;
                self.note(method, params)?;
                self.out.send(answer(id, &result));
            }
        }
        Ok(Next::GoOn)
    }

    /// Notes what a good request about a subscription comes to.
    fn note(&mut self, method: &str, params: &Params) -> Result<(), Refusal> {
        let uri = params.uri.as_deref().unwrap_or_default();
        match method {
            "resources/subscribe" => drop(self.subscribed.insert(uri.to_owned())),
            "resources/unsubscribe" if !self.subscribed.remove(uri) && self.options.strict => {
                return Err(Refusal::new(-32602, format!("{uri} is not subscribed to")));
            }
            _ => {}
        }
        Ok(())
    }

    fn answer_late(&self, line: String) {
        let (out, delay) = (Arc::clone(&self.out), Duration::from_millis(self.options.discover_delay));
        if delay.is_zero() {
            return out.send(line);
        }
        thread::spawn(move || {
            thread::sleep(delay);
            out.send(line);
        });
    }

    fn on_initialize(&mut self, id: &str, params: &Params) -> Result<Next, Refusal> {
        match self.options.on_initialize {
            OnInitialize::Normal => {
                let result = self.lock.initialize(&self.options, params.protocol_version.as_deref())?;
                self.out.send(answer(id, &result));
            }
            OnInitialize::Silent => {}
            OnInitialize::Exit => return Ok(Next::Exit(1)),
            OnInitialize::Error => return Err(Refusal::new(-32603, "cannot initialize")),
        }
        Ok(Next::GoOn)
    }

    fn on_discover(&self) -> Next {
        match self.options.on_discover {
            OnDiscover::Exit => return Next::Exit(1),
            OnDiscover::CloseStdout => self.out.close(),
            OnDiscover::Garbage => self.out.send("Traceback: unknown method server/discover\n"),
            OnDiscover::Silent | OnDiscover::Normal => {}
        }
        Next::GoOn
    }

    /// The result of a plain request, as JSON text.
    fn result(&self, method: &str, params: &Params, speech: Speech) -> Result<String, Refusal> {
        let cursor = params.cursor.as_deref();
        let page = |list: &List| Ok(self.cacheable(speech, &list.page(&self.options, cursor)?));
        match method {
            "tools/list" => page(&self.tools),
            "prompts/list" => page(&self.prompts),
            "resources/list" => page(&self.resources),
            "resources/templates/list" => page(&self.templates),
            "resources/read" | "prompts/get" if speech == Speech::Modern && needs_input(params) => {
                inputs::first(params).map_or_else(|| self.told(method, params), Ok)
            }
            "completion/complete" if speech == Speech::Modern && needs_input(params) => Ok(inputs::forbidden()),
            "resources/read" => self.read(params.uri.as_deref().unwrap_or_default(), speech),
            "prompts/get" => self.prompt(params.name.as_deref().unwrap_or_default(), speech),
            "tasks/get" | "tasks/update" | "tasks/cancel" if self.options.tasks && speech == Speech::Modern => {
                jobs::follow(self, method, params)
            }
            "tasks/get" if self.options.tasks => tasks::get(self, params.task_id.as_deref()),
            "tasks/cancel" if self.options.tasks => tasks::cancel(self, params.task_id.as_deref()),
            "tasks/list" if self.options.tasks && speech == Speech::Legacy => Ok(r#"{"tasks":[]}"#.into()),
            "completion/complete" => {
                Ok(complete(speech, r#""completion":{"values":["alpha","beta"],"total":2,"hasMore":false}"#))
            }
            "resources/subscribe" if speech == Speech::Legacy && params.uri.as_deref() == Some(REFUSED) => {
                Err(no_resource(REFUSED, speech))
            }
            "ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe"
                if speech == Speech::Legacy =>
            {
                Ok("{}".into())
            }
            _ => Err(unknown_method(method)),
        }
    }

    fn read(&self, uri: &str, speech: Speech) -> Result<String, Refusal> {
        if !self.resources.has(uri) && !self.templates.has(uri) {
            return Err(no_resource(uri, speech));
        }
        let text = json(&format!("{} has {uri}", self.options.name));
        let contents = format!(r#""contents":[{{"uri":{},"mimeType":"text/plain","text":{text}}}]"#, json(uri));
        Ok(self.cacheable(speech, &contents))
    }

    fn prompt(&self, name: &str, speech: Speech) -> Result<String, Refusal> {
        if !self.prompts.has(name) {
            return Err(Refusal::new(-32602, format!("Unknown prompt: {name}")));
        }
        let text = json(&format!("{} has {name}", self.options.name));
        let messages = format!(r#""messages":[{{"role":"user","content":{{"type":"text","text":{text}}}}}]"#);
        Ok(complete(speech, &messages))
    }

    /// What a prompt or resource says when it knows who asks.
    fn told(&self, method: &str, params: &Params) -> Result<String, Refusal> {
        let text = json(params.input_responses.map_or("", |responses| responses.get()));
        Ok(match method {
            "prompts/get" => {
                let content = format!(r#"{{"type":"text","text":{text}}}"#);
                complete(Speech::Modern, &format!(r#""messages":[{{"role":"user","content":{content}}}]"#))
            }
            _ => {
                let uri = json(params.uri.as_deref().unwrap_or_default());
                self.cacheable(Speech::Modern, &format!(r#""contents":[{{"uri":{uri},"text":{text}}}]"#))
            }
        })
    }

    fn cacheable(&self, speech: Speech, members: &str) -> String {
        let Options { ttl_ms, cache_scope, .. } = &self.options;
        match speech {
            Speech::Legacy => complete(speech, members),
            Speech::Modern => complete(speech, &format!(r#""ttlMs":{ttl_ms},"cacheScope":"{cache_scope}",{members}"#)),
        }
    }

    /// The word for this process's era in `whoami`.
    pub(crate) fn era_name(&self) -> &'static str {
        match self.options.era {
            Era::Legacy => "legacy",
            Era::Modern => "modern",
            Era::Python => "python",
            Era::Ts => "ts",
        }
    }
}

/// Whether the request names something that is only to be had for an answer.
fn needs_input(params: &Params) -> bool {
    let argument = params.argument.is_some_and(|argument| argument.get().contains(&json(inputs::NEEDS_INPUT)));
    let uri = params.uri.as_ref().is_some_and(|uri| uri.ends_with(inputs::NEEDS_INPUT));
    argument || uri || params.name.as_deref() == Some(inputs::NEEDS_INPUT)
}

fn no_resource(uri: &str, speech: Speech) -> Refusal {
    let code = if speech == Speech::Modern { -32602 } else { -32002 };
    Refusal::new(code, "Resource not found").with_data(format!(r#"{{"uri":{}}}"#, json(uri)))
}

/// A result out of its members, with `resultType` where the era has it.
pub(crate) fn complete(speech: Speech, members: &str) -> String {
    match speech {
        Speech::Legacy => format!("{{{members}}}"),
        Speech::Modern => format!(r#"{{"resultType":"complete",{members}}}"#),
    }
}
