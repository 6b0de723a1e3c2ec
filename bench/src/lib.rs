//! Measures the gateway and abuses it: a rig that every run shares, and one module per run.
//!
//! Invariant: every answer is verified, and a run that misses its target exits with 1.

pub mod bad;
pub mod callers;
pub mod cell;
pub mod cli;
pub mod echo;
pub mod edits;
pub mod findings;
pub mod floor;
pub mod kills;
pub mod load;
pub mod neighbours;
pub mod orphans;
pub mod rig;
pub mod sessions;
pub mod speed;
pub mod traefik;
