//! Bad input and faults, through the gateway: each ends in a plain refusal, and nothing is changed by it.
//!
//! Invariant: every refused call goes through `Lab::refusal`, which compares all files and all routes.

mod answers;
mod collisions;
mod disks;
mod input;
mod notices;
mod restarts;

use serde_json::{Value, json};

/// The smallest arguments of `create_route`.
fn route(name: &str, backend: &str) -> Value {
    json!({"name": name, "host": format!("{name}.lab.test"), "backend_url": backend, "entry_points": ["web"]})
}

/// The same with other fields; `null` takes one away.
fn with(mut arguments: Value, mut more: Value) -> Value {
    let fields = arguments.as_object_mut().unwrap();
    fields.append(more.as_object_mut().unwrap());
    fields.retain(|_, value| !value.is_null());
    arguments
}
