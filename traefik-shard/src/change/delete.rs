//! Deleting a managed route: only what this shard made, and never what others use.
//!
//! A deletion is never taken back: one that Traefik did not notice stays deleted and is reported.

use std::collections::BTreeSet;

use rmcp::schemars::{self, JsonSchema};
use serde::{Deserialize, Serialize};

use crate::api::Snapshot;
use crate::change::asked::parts;
use crate::change::causes;
use crate::change::errand::Errand;
use crate::change::poll::{self, Look, Overdue, Watch};
use crate::change::users::{self, Names};
use crate::change::{LOCK_PATIENCE, audit, open, recover};
use crate::disk::{self, Applied, Locked, Managed, Name, Record, Store, blocking};
use crate::document::{Format, Kind, Origin, check};
use crate::failure::{Code, Failure};
use crate::tree::{self, Tree};

/// The arguments of `delete_route`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deletion {
    /// The name that the route was created with, without prefix and provider
    pub(crate) name: String,
    /// The sha256 that the file must have now; needed where a person edited it
    #[serde(default)]
    pub(crate) if_match: Option<String>,
    /// Only say what would be deleted
    #[serde(default)]
    pub(crate) dry_run: bool,
    /// Delete even what other routers, services or middlewares use; those stop working
    #[serde(default)]
    pub(crate) force: bool,
    /// How long Traefik has to let go of the route, 1 to 120
    #[serde(default)]
    #[schemars(range(min = 1, max = 120))]
    pub(crate) wait_seconds: Option<u64>,
}

/// What became of a deletion.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deleted {
    pub(crate) name: String,
    /// Relative to the directory that Traefik watches.
    pub(crate) file: String,
    /// False only for a dry run.
    pub(crate) deleted: bool,
    /// `gone`, or `dry_run`.
    pub(crate) status: &'static str,
    pub(crate) elapsed_ms: u64,
    /// Where the deleted file is kept, outside the watched directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) backup: Option<String>,
    pub(crate) warnings: Vec<String>,
}

/// A file that may be deleted, and what that does.
struct Plan {
    managed: Managed,
    names: Names,
    warnings: Vec<String>,
}

/// Checks, backs up, removes, pokes, and waits until Traefik has let go of the route.
pub(crate) async fn run(errand: &Errand<'_>, deletion: &Deletion) -> Result<Deleted, Failure> {
    let name = Name::parse(&deletion.name)?;
    let store = open(errand).await?;
    errand.step("waiting for the turn to write");
    let locked = store.lock(LOCK_PATIENCE).await?;
    recover::under(errand, &locked).await?;
    let plan = plan(errand, &store, deletion, &name).await?;
    if deletion.dry_run {
        return Ok(plan.deleted(errand, None));
    }
    let (kept, text, named) = (store.clone(), plan.managed.text.clone(), name.clone());
    let backup = blocking(move || {
        kept.state().ready()?;
        kept.state().backup(disk::Kind::Delete, &named, &text)
    });
    let backup = backup.await?;
    errand.step("removing the file");
    let begin = (locked.clone(), disk::Operation::Delete { name: name.clone(), was: plan.managed.sha256.clone() });
    let applied = blocking(move || begin.0.begin(begin.1)?.apply()).await?;
    let gone = wait_until_gone(errand, &locked, &plan.names).await;
    let record = Record {
        action: "delete",
        name: name.to_string(),
        file: plan.managed.file.clone(),
        outcome: if gone.is_ok() { "ok" } else { "deleted_but_still_live" }.to_owned(),
        before: Some(plan.managed.sha256.clone()),
        after: None,
        detail: None,
    };
    // In this order, so that no kill loses the line.
    audit(&store, record).await;
    close(applied).await;
    let backup = backup.display().to_string();
    match gone {
        Ok(()) => Ok(plan.deleted(errand, Some(backup))),
        Err(overdue) => Err(still_live(errand, &store, &plan, &overdue).await.with("backup", backup)),
    }
}

/// A journal that stays is seen to by the next writer, who finds the deletion done.
async fn close(applied: Applied) {
    if let Err(failure) = blocking(move || applied.close()).await {
        tracing::error!(%failure, "the journal of a deletion could not be removed; the next writer tries again");
    }
}

async fn wait_until_gone(errand: &Errand<'_>, locked: &Locked, names: &Names) -> Result<(), Overdue> {
    errand.step("waiting until Traefik has let go of the route");
    poll::poke(locked.store()).await;
    let mut watch = Watch::begin(errand, locked.store(), errand.wait).await;
    loop {
        let look = async {
            let snapshot = errand.api.raw().await?;
            let left = names.routers.iter().find(|router| !parts(&snapshot, router).is_empty());
            Ok(match left {
                None => Look::Done(()),
                Some(router) => Look::NotYet(format!("router `{router}@file` is still there")),
            })
        };
        if let Some(end) = watch.see(look).await {
            return end;
        }
    }
}

async fn still_live(errand: &Errand<'_>, store: &Store, plan: &Plan, overdue: &Overdue) -> Failure {
    let (findings, network) = causes::look(store).await;
    let causes = causes::tell(errand, overdue, &findings, network);
    let file = &plan.managed.file;
    Failure::new(
        Code::DeletedButStillLive,
        format!(
            "`{file}` is deleted, but Traefik was not seen to let go of `{}` within {} ms",
            plan.managed.name,
            errand.elapsed_ms()
        ),
        format!("the file stays deleted; {}", causes.join("; ")),
    )
    .with("name", plan.managed.name.as_str())
    .with("file", file)
    .with("deleted", true)
    .with("causes", causes)
    .with("findings", findings)
}

async fn plan(errand: &Errand<'_>, store: &Store, deletion: &Deletion, name: &Name) -> Result<Plan, Failure> {
    errand.step("looking at who uses the route");
    let (reader, read_name) = (store.clone(), name.clone());
    let (managed, tree) = blocking(move || Ok((reader.read(&read_name)?, tree::read(reader.root())?))).await?;
    let snapshot = poll::settled(errand, &tree).await?;
    let Some(managed) = managed else {
        return Err(misnamed(errand, store, name, &tree).unwrap_or_else(|| missing(errand, name, &tree, &snapshot)));
    };
    precondition(&managed, deletion.if_match.as_deref())?;
    let mut names = names(&managed);
    if deletion.if_match.is_none() && !deletion.force {
        of_this_shard(errand, &managed, &names)?;
    }
    let uses = users::of(&names, &snapshot);
    if !uses.is_empty() && !deletion.force {
        return Err(Failure::new(
            Code::InUse,
            format!("`{name}` is used by others: {}", uses.join(", ")),
            "change those first, or set force to break them",
        )
        .with("used_by", uses));
    }
    let mut warnings: Vec<String> = uses.iter().map(|usage| format!("{usage}, which no longer works")).collect();
    // Traefik shows the other definition next, so that these names will not go away.
    names.routers.retain(|router| match elsewhere(&tree, router, &managed.file) {
        None => true,
        Some(file) => {
            warnings.push(format!("`{file}` defines router `{router}` too, and Traefik takes that one from now on"));
            false
        }
    });
    Ok(Plan { managed, names, warnings })
}

fn elsewhere(tree: &Tree, router: &str, own: &str) -> Option<String> {
    let mut definitions = tree.definitions(Kind::HttpRouter, router).into_iter();
    definitions.find(|(file, _)| file.path != own).map(|(file, _)| file.path.clone())
}

fn precondition(managed: &Managed, if_match: Option<&str>) -> Result<(), Failure> {
    let (message, hint) = match if_match {
        Some(wanted) if wanted == managed.sha256 => return Ok(()),
        None if !managed.edited => return Ok(()),
        Some(_) => (
            format!("`{}` is not the file that if_match names", managed.file),
            "look at it as it is now and decide anew",
        ),
        None => (
            format!("a person edited `{}` since this shard wrote it", managed.file),
            "look at it, then give its present sha256 as if_match to delete it all the same",
        ),
    };
    Err(Failure::new(Code::PreconditionFailed, message, hint)
        .with("sha256", &managed.sha256)
        .with("file", &managed.file))
}

/// A shard with another `NAME_PREFIX` may write into the same folder, and its routes are not this one's.
fn of_this_shard(errand: &Errand<'_>, managed: &Managed, names: &Names) -> Result<(), Failure> {
    let prefix = &errand.settings.name_prefix;
    match names.routers.iter().find(|router| !router.starts_with(prefix.as_str())) {
        None => Ok(()),
        Some(stranger) => Err(Failure::new(
            Code::NotManaged,
            format!(
                "`{}` defines `{stranger}`, which a shard with another NAME_PREFIX than `{prefix}` made",
                managed.file
            ),
            "delete it with that shard, or give its present sha256 as if_match to delete it all the same",
        )
        .with("sha256", &managed.sha256)
        .with("file", &managed.file)),
    }
}

/// What the file defines now, whoever wrote it.
fn names(managed: &Managed) -> Names {
    let document = check(&managed.file, Format::Yaml, Origin::Foreign, managed.text.as_bytes());
    let of = |kind: Kind| -> BTreeSet<String> {
        document.defined.iter().filter(|defined| defined.kind == kind).map(|defined| defined.name.clone()).collect()
    };
    Names { routers: of(Kind::HttpRouter), services: of(Kind::HttpService), middlewares: of(Kind::HttpMiddleware) }
}

/// The name in Traefik was given, such as `mcp-app`, of a route that is ours.
fn misnamed(errand: &Errand<'_>, store: &Store, name: &Name, tree: &Tree) -> Option<Failure> {
    let short = Name::parse(name.as_str().strip_prefix(&errand.settings.name_prefix)?).ok()?;
    let file = store.file_of(&short);
    tree.definitions(Kind::HttpRouter, name.as_str()).iter().find(|(defining, _)| defining.path == file)?;
    let message = format!("there is no managed route `{name}`; that is the name in Traefik of the route `{short}`");
    Some(Failure::new(Code::NotFound, message, format!("give the name `{short}` if that one is meant")))
}

/// There is no managed file: says what there is instead.
fn missing(errand: &Errand<'_>, name: &Name, tree: &Tree, snapshot: &Snapshot) -> Failure {
    let router = errand.traefik_name(name.as_str());
    for candidate in [router.as_str(), name.as_str()] {
        if let Some((file, line)) = tree.definitions(Kind::HttpRouter, candidate).first() {
            return Failure::new(
                Code::NotManaged,
                format!(
                    "router `{candidate}` is defined in `{}` on line {line}, which this shard did not make",
                    file.path
                ),
                "change that file by hand",
            )
            .with("file", &file.path)
            .with("provider", "file");
        }
    }
    if !parts(snapshot, &router).is_empty() {
        return Failure::new(
            Code::NotFound,
            format!(
                "there is no managed file for `{name}`, but Traefik still serves `{router}@file`, which no file defines"
            ),
            "run reload_config: it lets Traefik read its files anew, or says why it does not",
        )
        .with("drift", true);
    }
    let all = snapshot.routers.keys().chain(snapshot.tcp_routers.keys()).chain(snapshot.udp_routers.keys());
    for full in all {
        if let Some((own, provider)) = full.rsplit_once('@')
            && (own == name.as_str() || own == router)
        {
            return Failure::new(
                Code::NotManaged,
                format!("`{full}` belongs to the provider `{provider}` and not to this shard"),
                format!("remove it where the provider `{provider}` gets it from"),
            )
            .with("provider", provider);
        }
    }
    Failure::new(
        Code::NotFound,
        format!("there is no managed route `{name}`"),
        "list_routes with managed_only shows those that there are",
    )
}

impl Plan {
    /// `backup` is where the file is kept; none was made for a dry run.
    fn deleted(self, errand: &Errand<'_>, backup: Option<String>) -> Deleted {
        Deleted {
            name: self.managed.name.to_string(),
            file: self.managed.file,
            deleted: backup.is_some(),
            status: if backup.is_some() { "gone" } else { "dry_run" },
            elapsed_ms: errand.elapsed_ms(),
            backup,
            warnings: self.warnings,
        }
    }
}

impl Deleted {
    /// One or two sentences for a person.
    pub(crate) fn sentence(&self) -> String {
        let mut text = match &self.backup {
            None => format!("Nothing was done: `{}` would be deleted with its file `{}`.", self.name, self.file),
            Some(backup) => {
                format!(
                    "The route `{}` is gone after {} ms; its file is kept as `{backup}`.",
                    self.name, self.elapsed_ms
                )
            }
        };
        for warning in &self.warnings {
            text.push_str(&format!(" Warning: {warning}."));
        }
        text
    }
}
