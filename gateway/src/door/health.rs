//! What operators and orchestrators ask.
//!
//! Invariant: `/health` and `/livez` answer 200 as long as the gateway serves, whatever its shards do; restarting the
//! gateway would not heal a shard.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};

use crate::door::body;
use crate::door::streamable::Door;

/// The registry as JSON.
pub(crate) async fn health(State(door): State<Arc<Door>>) -> Response<Body> {
    let registry = serde_json::to_vec(&door.mux.registry()).expect("a registry has string keys only");
    body::json(StatusCode::OK, registry.into())
}

/// The gateway runs.
pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

/// 503 until every enabled shard is ready or has failed once.
pub(crate) async fn readyz(State(door): State<Arc<Door>>) -> (StatusCode, &'static str) {
    if door.mux.registry().ready {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting\n")
    }
}
