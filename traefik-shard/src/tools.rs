//! The eight tools, one file each: its arguments, its report and what it does.
//!
//! A tool translates between the model and the modules that do the work; it holds no state.

pub(crate) mod check_ssl_status;
pub(crate) mod create_route;
pub(crate) mod delete_route;
pub(crate) mod get_backend_status;
pub(crate) mod get_traefik_docs;
pub(crate) mod list_routes;
pub(crate) mod reload_config;
pub(crate) mod validate_config;
