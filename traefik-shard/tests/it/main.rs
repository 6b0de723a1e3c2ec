//! The shard against the real Traefik: over stdio, and through the real gateway over HTTP.
//!
//! `make test` installs Traefik and builds the gateway; without them these tests fail and say so.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod abuse;
mod api;
mod calls;
mod changes;
mod differential;
mod docs;
mod faults;
mod first_light;
mod freeze;
mod settings;
mod soak;
mod ssl;
mod support;
mod tools;
mod validate;
mod vectors;
