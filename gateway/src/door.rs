//! The ways in for clients: Streamable HTTP, HTTP+SSE, stdio, and the pages for operators.
//!
//! Invariant: a door turns bytes into messages and answers into bytes. It decides who may come in and in which form an
//! answer goes out, never what the answer is: that is the mux's.

pub mod clients;
pub mod guard;
pub mod http;
pub mod session;
pub mod stdio;

mod address;
mod batch;
mod body;
pub(crate) mod budget;
mod call;
pub(crate) mod connection;
mod event;
mod health;
pub(crate) mod incoming;
mod key;
mod listeners;
mod page;
pub(crate) mod refusal;
mod socket;
mod sse;
mod streamable;

pub use http::{HttpSettings, Limits, Times};
pub use key::Key;
pub use session::Sessions;
