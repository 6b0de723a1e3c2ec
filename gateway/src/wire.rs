//! JSON-RPC as bytes: what the gateway reads, what it replaces, and what it copies.
