//! The gateway's integration tests: one binary, one module per subject.

// The whole binary is test code; without this line clippy sees only the `#[test]` functions as such.
#![cfg(test)]

mod first_light;
mod peers;
mod support;
mod tidy;
