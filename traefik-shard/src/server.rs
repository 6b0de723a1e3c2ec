//! What the shard offers: eight tools, resources and a prompt.
//!
//! This file only declares and translates. The doc comment of a tool is what the model reads
//! before it chooses one.

use std::sync::Arc;

use rmcp::handler::server::common::schema_for_output;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{Implementation, ServerCapabilities, ServerConfig};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler, tool, tool_handler, tool_router};

use crate::answer::Answer;
use crate::api::Api;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::settings::Settings;
use crate::tools::{
    check_ssl_status, create_route, delete_route, get_backend_status, get_traefik_docs, list_routes, reload_config,
    validate_config,
};

/// What the tools share.
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) api: Api,
}

/// The server; its clones share everything.
#[derive(Clone)]
pub(crate) struct Shard {
    context: Arc<Context>,
}

impl Shard {
    /// Reads the files that the settings name; opens no connection.
    pub(crate) fn new(settings: Settings) -> anyhow::Result<Self> {
        let api = Api::new(&settings)?;
        Ok(Self { context: Arc::new(Context { settings, api }) })
    }
}

#[tool_router]
impl Shard {
    /// Lists Traefik's HTTP, TCP and UDP routers.
    #[tool(
        output_schema = schema_for_output::<list_routes::Report>(),
        annotations(title = "List routes", read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    async fn list_routes(
        &self,
        Parameters(arguments): Parameters<list_routes::Arguments>,
    ) -> Result<Answer<list_routes::Report>, Failure> {
        list_routes::run(&self.context, arguments).await
    }

    /// Exposes a backend through Traefik, or changes a managed route.
    #[tool(
        output_schema = schema_for_output::<create_route::Report>(),
        annotations(title = "Create route", read_only_hint = false, destructive_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    async fn create_route(
        &self,
        Parameters(arguments): Parameters<create_route::Arguments>,
        request: RequestContext<RoleServer>,
    ) -> Result<Answer<create_route::Report>, Failure> {
        create_route::run(&self.context, arguments, Progress::of(&request)).await
    }

    /// Deletes a managed route.
    #[tool(
        output_schema = schema_for_output::<delete_route::Report>(),
        annotations(title = "Delete route", read_only_hint = false, destructive_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    async fn delete_route(
        &self,
        Parameters(arguments): Parameters<delete_route::Arguments>,
        request: RequestContext<RoleServer>,
    ) -> Result<Answer<delete_route::Report>, Failure> {
        delete_route::run(&self.context, arguments, Progress::of(&request)).await
    }

    /// Checks a dynamic configuration without writing anything.
    #[tool(
        output_schema = schema_for_output::<validate_config::Report>(),
        annotations(title = "Validate configuration", read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    async fn validate_config(
        &self,
        Parameters(arguments): Parameters<validate_config::Arguments>,
    ) -> Result<Answer<validate_config::Report>, Failure> {
        validate_config::run(&self.context, arguments).await
    }

    /// Says which backend servers are up, down or unchecked.
    #[tool(
        output_schema = schema_for_output::<get_backend_status::Report>(),
        annotations(title = "Backend status", read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    async fn get_backend_status(
        &self,
        Parameters(arguments): Parameters<get_backend_status::Arguments>,
    ) -> Result<Answer<get_backend_status::Report>, Failure> {
        get_backend_status::run(&self.context, arguments).await
    }

    /// Says how the certificates of the TLS routes do.
    #[tool(
        output_schema = schema_for_output::<check_ssl_status::Report>(),
        annotations(title = "Certificate status", read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    async fn check_ssl_status(
        &self,
        Parameters(arguments): Parameters<check_ssl_status::Arguments>,
    ) -> Result<Answer<check_ssl_status::Report>, Failure> {
        check_ssl_status::run(&self.context, arguments).await
    }

    /// Makes Traefik reload its files and proves that it did.
    #[tool(
        output_schema = schema_for_output::<reload_config::Report>(),
        annotations(title = "Reload configuration", read_only_hint = false, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn reload_config(
        &self,
        Parameters(arguments): Parameters<reload_config::Arguments>,
        request: RequestContext<RoleServer>,
    ) -> Result<Answer<reload_config::Report>, Failure> {
        reload_config::run(&self.context, arguments, Progress::of(&request)).await
    }

    /// Looks a topic up in Traefik's documentation.
    #[tool(
        output_schema = schema_for_output::<get_traefik_docs::Report>(),
        annotations(title = "Traefik documentation", read_only_hint = true, idempotent_hint = true, open_world_hint = true)
    )]
    async fn get_traefik_docs(
        &self,
        Parameters(arguments): Parameters<get_traefik_docs::Arguments>,
    ) -> Result<Answer<get_traefik_docs::Report>, Failure> {
        get_traefik_docs::run(&self.context, arguments).await
    }
}

#[tool_handler]
impl ServerHandler for Shard {
    fn get_info(&self) -> ServerConfig {
        let info = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build()).with_server_info(info)
    }
}
