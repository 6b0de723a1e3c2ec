//! The gateway: many stdio MCP servers, seen as one.
//!
//! Modules depend on what stands left of them, never right:
//! `wire → config → shard → catalogue → fleet → mux → door → app → cli`.

pub mod app;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod door;
pub mod fleet;
pub mod log;
pub mod mux;
pub mod shard;
pub mod tasks;
pub mod wire;
