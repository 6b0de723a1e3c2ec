//! The prompt `expose_service`: how a model puts a backend behind Traefik without breaking anything.
//!
//! It names the tools in the order in which they are safe, and lets the person decide before the write.

use rmcp::model::{PromptMessage, Role};
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;

/// The arguments of `expose_service`.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ExposeService {
    /// What is to be exposed, in a word, for example `dozzle`; it becomes the route's name.
    name: String,
    /// Where it listens, for example `http://192.168.1.20:8080`.
    backend_url: String,
    /// The host under which it is to be reached, for example `dozzle.example.org`.
    host: Option<String>,
}

/// The steps, for this service.
pub(crate) fn expose_service(asked: &ExposeService) -> Vec<PromptMessage> {
    let ExposeService { name, backend_url, host } = asked;
    let host = host.as_ref().map_or_else(
        || "Ask me for the host name first.".to_owned(),
        |host| format!("It is to be reached as `{host}`."),
    );
    let text = format!(
        "Expose `{name}`, which listens at `{backend_url}`, through Traefik. {host} Use the tools of the Traefik shard, in this order, \
         and stop at the first answer that speaks against going on:\n\
         1. `list_routes` with that host: if a route answers there already, tell me which and ask what to do.\n\
         2. `list_routes` without filters: see which entry points and certificate resolvers my other routes use, and propose the same.\n\
         3. `create_route` with `dry_run: true`. Show me the YAML and every warning, say in one sentence who will be able to reach \
         the service, and ask whether I want that. If it has no login of its own, say so and propose a middleware of mine.\n\
         4. When I agree: `create_route` without `dry_run`. If it is refused, read me its message and hint; never use `force` or \
         `allow_overlap` unless I say so.\n\
         5. `get_backend_status` with `probe: true` for the new route; with TLS also `check_ssl_status` for the host.\n\
         6. Tell me the URL, what is not certain yet (an unchecked backend, a certificate still to come), and that `delete_route` \
         with the name takes it back.\n\
         If you do not know an option, look it up with `get_traefik_docs` instead of guessing."
    );
    vec![PromptMessage::new_text(Role::User, text)]
}
