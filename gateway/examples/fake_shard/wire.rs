//! Lines in and lines out: JSON-RPC as text.
//!
//! Nothing is parsed further than it must be: ids, tokens and arguments stay the bytes that came.

use std::borrow::Cow;
use std::fs::File;
use std::io::Write;
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The newest legacy revision, and the answer to an unknown one.
pub(crate) const LEGACY: &str = "2025-11-25";
/// The modern revision.
pub(crate) const MODERN: &str = "2026-07-28";
/// Where a modern notification names its subscription.
pub(crate) const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// One message from the client.
#[derive(Deserialize)]
pub(crate) struct Incoming<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) params: Option<&'a RawValue>,
}

/// The members of any request's `params` that are read.
#[derive(Default, Deserialize)]
pub(crate) struct Params<'a> {
    pub(crate) name: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) cursor: Option<String>,
    #[serde(rename = "protocolVersion")]
    pub(crate) protocol_version: Option<String>,
    #[serde(borrow, rename = "requestId")]
    pub(crate) request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) arguments: Option<&'a RawValue>,
    pub(crate) task: Option<TaskWish>,
    #[serde(rename = "taskId")]
    pub(crate) task_id: Option<String>,
    #[serde(borrow)]
    pub(crate) notifications: Option<&'a RawValue>,
    #[serde(borrow, rename = "inputResponses")]
    pub(crate) input_responses: Option<&'a RawValue>,
    #[serde(rename = "requestState")]
    pub(crate) request_state: Option<String>,
    /// What `completion/complete` completes.
    #[serde(borrow)]
    pub(crate) argument: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "_meta")]
    pub(crate) meta: Meta<'a>,
}

/// What a call says that is to be answered later.
#[derive(Deserialize)]
pub(crate) struct TaskWish {
    pub(crate) ttl: Option<u64>,
}

/// The members of a request's `_meta` that are read.
#[derive(Default, Deserialize)]
pub(crate) struct Meta<'a> {
    #[serde(borrow, rename = "progressToken")]
    pub(crate) progress_token: Option<&'a RawValue>,
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    pub(crate) protocol_version: Option<String>,
    #[serde(borrow, rename = "io.modelcontextprotocol/clientInfo")]
    pub(crate) client_info: Option<&'a RawValue>,
    #[serde(borrow, rename = "io.modelcontextprotocol/clientCapabilities")]
    pub(crate) client_capabilities: Option<&'a RawValue>,
}

/// A JSON-RPC error to be.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: i64,
    message: String,
    data: Option<String>,
}

impl Refusal {
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// `data` is JSON text.
    pub(crate) fn with_data(self, data: String) -> Self {
        Self { data: Some(data), ..self }
    }

    /// The line that refuses the request `id`.
    pub(crate) fn line(&self, id: &str) -> String {
        let data = self.data.as_ref().map(|data| format!(r#","data":{data}"#)).unwrap_or_default();
        let message = json(&self.message);
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{},\"message\":{message}{data}}}}}\n",
            self.code
        )
    }
}

/// A value as JSON text.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("strings, numbers and plain structs can always be written")
}

/// The line that answers the request `id` with `result`, which is JSON text.
pub(crate) fn answer(id: &str, result: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n")
}

/// The line that answers the request `id` with `error`, which is JSON text.
pub(crate) fn error(id: &str, error: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}\n")
}

/// The line of a notification whose `params` are JSON text.
pub(crate) fn notification(method: &str, params: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"method\":\"{method}\",\"params\":{params}}}\n")
}

/// Standard output; every `send` is one write that no other thread's write can split.
pub(crate) struct Out(Mutex<Option<File>>);

impl Out {
    /// Takes standard output over. Must be called once only.
    pub(crate) fn take() -> Self {
        #[expect(unsafe_code, reason = "std has no safe way to own, and so to close, descriptor 1")]
        // SAFETY: this is called once, and nothing else in this program uses descriptor 1.
        let stdout = unsafe { OwnedFd::from_raw_fd(1) };
        Self(Mutex::new(Some(File::from(stdout))))
    }

    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) {
        let mut out = self.0.lock().expect("no holder of this lock panics");
        if let Some(out) = out.as_mut() {
            // A reader that went away is no fault of ours; stdin will end soon too.
            let _ = out.write_all(bytes.as_ref());
        }
    }

    /// Closes the pipe; what is sent later is lost.
    pub(crate) fn close(&self) {
        self.0.lock().expect("no holder of this lock panics").take();
    }
}
