//! What this shard offers: two tools, one resource, one prompt.
//!
//! This file only declares and translates; the work is done in modules that know nothing of MCP.
//! The doc comment of a tool is what the model reads before it chooses one.

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::model::{
    Implementation, ListResourcesResult, PaginatedRequestParams, PromptMessage, ReadResourceRequestParams,
    ReadResourceResponse, ReadResourceResult, Resource, ResourceContents, Role, ServerCapabilities, ServerConfig,
};
use rmcp::schemars::JsonSchema;
use rmcp::service::RequestContext;
use rmcp::{
    ErrorData, RoleServer, ServerHandler, prompt, prompt_handler, prompt_router, schemars, tool, tool_handler,
    tool_router,
};
use serde::Deserialize;
use serde_json::json;
use tokio::task::spawn_blocking;

use crate::disk::{self, DiskUsage};
use crate::host;
use crate::subnet::{self, Subnet};

const HOST_URI: &str = "host://info";

/// The server. State that the tools share, such as an HTTP client, would be its fields.
#[derive(Clone, Copy)]
pub(crate) struct Shard;

/// The arguments of `disk_usage`.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct DiskUsageArguments {
    /// Absolute path of any file or folder on the file system in question, for example `/srv`.
    path: String,
}

/// The arguments of `subnet_info`.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct SubnetInfoArguments {
    /// An IPv4 address with its prefix length, for example `192.168.1.77/26`.
    cidr: String,
}

/// The arguments of the prompt `disk_check`.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct DiskCheckArguments {
    /// Absolute path of a folder on the disk to check.
    path: String,
}

#[tool_router]
impl Shard {
    /// Says how full the file system is that holds a path: total, used and available bytes, and
    /// the percentage in use as `df` computes it.
    #[tool(annotations(title = "Disk usage", read_only_hint = true, idempotent_hint = true, open_world_hint = false))]
    async fn disk_usage(
        &self,
        Parameters(arguments): Parameters<DiskUsageArguments>,
    ) -> Result<Json<DiskUsage>, String> {
        // A dead network mount blocks its caller; on a thread of its own it blocks no other call.
        let measured = spawn_blocking(move || disk::usage(&arguments.path)).await;
        let usage = measured.map_err(|error| error.to_string())?;
        // An `Err` becomes a result with `isError: true`, whose text the model reads.
        usage.map(Json).map_err(|error| error.to_string())
    }

    /// Computes an IPv4 subnet from an address with a prefix length: network, netmask, broadcast
    /// address, first and last host, number of hosts, and whether the address is private.
    #[tool(annotations(title = "Subnet info", read_only_hint = true, idempotent_hint = true, open_world_hint = false))]
    fn subnet_info(&self, Parameters(arguments): Parameters<SubnetInfoArguments>) -> Result<Json<Subnet>, String> {
        subnet::parse(&arguments.cidr).map(Json).map_err(|error| error.to_string())
    }

    // More tools go here.
}

#[prompt_router]
impl Shard {
    /// Check how full a disk is and say what to do about it.
    #[prompt]
    fn disk_check(&self, Parameters(arguments): Parameters<DiskCheckArguments>) -> Vec<PromptMessage> {
        let text = format!(
            "Use the disk_usage tool on `{}`. Say in one sentence how much is used and how much \
             is left. If more than 85 % is used, ask me which of the usual suspects to look at \
             first: old backups, container images, logs, downloads. Delete nothing.",
            arguments.path
        );
        vec![PromptMessage::new_text(Role::User, text)]
    }
}

#[tool_handler]
#[prompt_handler]
impl ServerHandler for Shard {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().enable_prompts().build();
        let info = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        ServerConfig::new(capabilities)
            .with_server_info(info)
            .with_instructions("Facts about the machine that the shard runs on, and about subnets.")
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let host = Resource::new(HOST_URI, "host")
            .with_title("Host")
            .with_description("Name, operating system and processors of the shard's machine")
            .with_mime_type("application/json");
        Ok(ListResourcesResult::with_all_items(vec![host]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if request.uri != HOST_URI {
            let data = json!({ "uri": request.uri });
            return Err(ErrorData::resource_not_found(
                format!("no resource `{}`; there is only `{HOST_URI}`", request.uri),
                Some(data),
            ));
        }
        let text = json!(host::info()).to_string();
        let contents = ResourceContents::text(text, HOST_URI).with_mime_type("application/json");
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
}
