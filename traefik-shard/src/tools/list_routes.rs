//! `list_routes`: Traefik's routers with their rules, servers and files, and what does not agree.
//!
//! One snapshot of the API and one reading of the tree; without a tree it works all the same.

use rmcp::schemars::{self, JsonSchema};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::answer::Answer;
use crate::aside::aside;
use crate::backends::Resolver;
use crate::disk::{self, Store};
use crate::failure::{Code, Failure};
use crate::finding::{Finding, Severity};
use crate::routes::{Files, Filter, ProtocolFilter, RouteState, StatusFilter, View, select, summary, warnings};
use crate::server::Context;
use crate::settings::Settings;
use crate::tree;

const LIMIT: usize = 50;
const MOST: usize = 500;

/// The arguments of `list_routes`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Arguments {
    /// Routers of this protocol; all by default.
    protocol: ProtocolFilter,
    /// Only routers of this provider, such as `file` or `docker`.
    provider: Option<String>,
    /// Only routers with this status.
    status: Option<StatusFilter>,
    /// Only routers on this entry point.
    entry_point: Option<String>,
    /// Only routers that would answer for this host, by name, by wildcard or because they ask for none.
    host: Option<String>,
    /// Only routers with this text in name, rule or service; upper and lower case are the same.
    search: Option<String>,
    /// Only routers that `create_route` made.
    managed_only: bool,
    /// Traefik's own routers, such as `api@internal`, too.
    include_internal: bool,
    /// How many routes at most, from 1 to 500; 50 by default.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<usize>,
    /// The `next_cursor` of the answer before.
    cursor: Option<String>,
}

/// What `list_routes` reports.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Report {
    /// By protocol and name.
    routes: Vec<RouteState>,
    /// How many routes there are on all pages.
    total: usize,
    /// There are more: give this as `cursor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    traefik_version: String,
    /// Of all routes and files, whatever the filter.
    warnings: Vec<Finding>,
}

/// Runs the tool.
pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<Answer<Report>, Failure> {
    let limit = arguments.limit.unwrap_or(LIMIT);
    if !(1..=MOST).contains(&limit) {
        return Err(Failure::new(Code::InvalidInput, format!("`limit` is {limit}"), format!("give 1 to {MOST}")));
    }
    let api = &context.api;
    // The version finds the base first, so that the others need not look for it three times.
    let version = api.version().await?;
    let (snapshot, entry_points, files) = tokio::join!(api.raw(), api.entry_points(), read_files(&context.settings));
    let (snapshot, entry_points, (files, unreadable)) = (snapshot?, entry_points?, files);
    let prefix = context.settings.name_prefix.clone();
    aside(move || {
        let view = View { snapshot: &snapshot, entry_points: &entry_points, files: files.as_ref(), prefix: &prefix };
        answer(&view, unreadable, &arguments, limit, version.version)
    })
    .await
}

fn answer(
    view: &View<'_>,
    unreadable: Option<Finding>,
    arguments: &Arguments,
    limit: usize,
    traefik_version: String,
) -> Result<Answer<Report>, Failure> {
    let page = select(view, &arguments.filter(), limit, arguments.cursor.as_deref())?;
    let resolver = Resolver::new(view.snapshot);
    let routes: Vec<_> = page.routes.iter().map(|live| view.describe(*live, &resolver)).collect();
    let warnings: Vec<_> = unreadable.into_iter().chain(warnings(view)).collect();
    let text = summary(&page.selected, &routes, page.next_cursor.as_deref(), &warnings);
    let (total, next_cursor) = (page.selected.len(), page.next_cursor);
    Ok(Answer { text, body: Report { routes, total, next_cursor, traefik_version, warnings } })
}

impl Arguments {
    /// Everything, as `traefik://routes` shows it.
    pub(crate) fn everything() -> Self {
        Self { limit: Some(MOST), ..Self::default() }
    }

    fn filter(&self) -> Filter {
        Filter {
            protocol: self.protocol,
            provider: self.provider.clone(),
            status: self.status,
            entry_point: self.entry_point.clone(),
            host: self.host.clone(),
            search: self.search.clone(),
            managed_only: self.managed_only,
            include_internal: self.include_internal,
        }
    }
}

/// The tree, or a warning that says why there is none; neither where no directory is configured.
async fn read_files(settings: &Settings) -> (Option<Files>, Option<Finding>) {
    let Some(root) = settings.dynamic_dir.clone() else { return (None, None) };
    let own = settings.clone();
    let read = disk::blocking(move || Ok(Files::new(tree::read(&root)?, Store::open(&own)?.list()?)));
    // A network file system may hang; the routes are worth more than the wait.
    let cause = match timeout(settings.request_timeout, read).await {
        Ok(Ok(files)) => return (Some(files), None),
        Ok(Err(failure)) => failure.to_string(),
        Err(_) => format!("the directory was not read within {:?}", settings.request_timeout),
    };
    let message = format!("files are not compared with what is live: {cause}");
    (None, Some(Finding::new(Severity::Warning, "tree_unreadable", message)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fake::settings;

    #[tokio::test]
    async fn unreadable_directory_is_a_warning_and_no_directory_is_none() {
        let (files, warning) = read_files(&settings("http://127.0.0.1:1/", &[])).await;
        assert!(files.is_none() && warning.is_none());
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone").display().to_string();
        let (files, warning) = read_files(&settings("http://127.0.0.1:1/", &["--dynamic-dir", &gone])).await;
        let warning = warning.unwrap();
        assert!(files.is_none() && warning.code == "tree_unreadable", "{warning:?}");
        assert!(warning.message.contains("gone"), "{}", warning.message);
    }
}
