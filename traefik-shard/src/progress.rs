//! How a long call tells its client what it is doing.
//!
//! A step is sent only to a client that asked for progress, and a client that reads slowly never
//! holds up the work: a step that cannot be sent is lost.

use std::sync::atomic::{AtomicU32, Ordering};

use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext};

/// The client of one call; its steps are counted from 1.
pub(crate) struct Progress {
    client: Option<(Peer<RoleServer>, ProgressToken)>,
    steps: AtomicU32,
}

impl Progress {
    /// The client that made the request, if it gave a progress token.
    pub(crate) fn of(request: &RequestContext<RoleServer>) -> Self {
        let client = request.meta.get_progress_token().map(|token| (request.peer.clone(), token));
        Self { client, steps: AtomicU32::new(0) }
    }

    /// Tells what is being done now, such as "waiting until Traefik has it".
    pub(crate) async fn step(&self, doing: &str) {
        let Some((peer, token)) = &self.client else { return };
        let step = self.steps.fetch_add(1, Ordering::Relaxed) + 1;
        let params = ProgressNotificationParam::new(token.clone(), f64::from(step)).with_message(doing);
        if let Err(error) = peer.notify_progress(params).await {
            tracing::debug!(%error, "a step of progress was lost");
        }
    }
}
