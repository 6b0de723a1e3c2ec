//! The gateway's integration tests: one binary, one module per subject.

// The whole binary is test code; without this line clippy sees only the `#[test]` functions as such.
#![cfg(test)]

mod asks;
mod attacks;
mod bad_input;
mod calls;
mod cells;
mod check;
mod commands;
mod connect;
mod docs;
mod fidelity;
mod first_files;
mod first_light;
mod following;
mod handshake;
mod hygiene;
mod instances;
mod listening;
mod modern;
mod modern_tasks;
mod page;
mod parked;
mod peers;
mod reload;
mod rounds;
mod saved_rosters;
mod sessions;
mod shard_faults;
mod slow_and_stuck;
mod sse_door;
mod stdio_door;
mod storm;
mod streams;
mod support;
mod tasks;
mod tidy;
mod two_clients;
mod views;
mod watching;
