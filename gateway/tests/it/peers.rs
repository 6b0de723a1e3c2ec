//! The gateway among real programs that others wrote: eight MCP servers behind it, five clients before it, and the rules
//! that OpenAI has for what it lists.
//!
//! Invariant: nothing here is skipped. A peer that is not installed fails its test and names the way out.

mod as_printed;
mod clients;
mod commands;
mod conformance;
mod first_start;
mod following;
mod hostile;
mod listening;
mod mcporter;
mod offered;
mod openai;
mod over_connect;
mod over_http;
mod over_sse;
mod over_stdio;
mod questions;
mod resuming;
mod schema;
mod servers;
mod tasks;
