//! What a new route would be, checked against everything that is known, before anything is written.
//!
//! Nothing is written here, and a plan that was made under the lock stays true until the lock is given back.

use crate::api::{EntryPoint, Snapshot};
use crate::change::asked::Asked;
use crate::change::errand::Errand;
use crate::change::poll;
use crate::change::references::{self, World};
use crate::conflict::{self, Conflict};
use crate::disk::{Draft, Managed, Name, Store, blocking};
use crate::document::{Format, Loads, Origin, check};
use crate::failure::{Code, Failure};
use crate::finding::Finding;
use crate::parts::Parts;
use crate::route::{self, Built, Request, RouteSettings};
use crate::tree::{self, Tree};

/// More conflicts are only counted: a rule that matches everything meets every route there is.
const CONFLICTS: usize = 20;

/// What writing the plan would do to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Created,
    Updated,
    /// The file says all this already.
    Unchanged,
}

/// A route that may be written.
pub(crate) struct Plan {
    pub(crate) built: Built,
    pub(crate) name: Name,
    /// Relative to the watched directory.
    pub(crate) file: String,
    pub(crate) draft: Draft,
    pub(crate) asked: Asked,
    pub(crate) present: Option<Managed>,
    pub(crate) change: Change,
    pub(crate) entry_points: Vec<EntryPoint>,
    pub(crate) warnings: Vec<String>,
    /// What of the other files may keep Traefik from loading anything.
    pub(crate) suspects: Vec<Finding>,
}

/// What can be seen of the directory and of Traefik; a dry run does without what is missing.
struct Sight {
    file: String,
    present: Option<Managed>,
    tree: Option<Tree>,
    live: Option<(Snapshot, Vec<EntryPoint>)>,
    warnings: Vec<String>,
}

/// Plans what is about to be written; both the directory and the API must be there.
pub(crate) async fn make(errand: &Errand<'_>, store: &Store, request: &Request) -> Result<Plan, Failure> {
    let name = Name::parse(&request.name)?;
    errand.step("checking against the files and against Traefik");
    let entry_points = errand.api.entry_points().await?;
    let built = build(errand, request, Some(&entry_points))?;
    let (present, tree) = on_disk(store, &name).await?;
    let live = Some((poll::settled(errand, &tree).await?, entry_points));
    let file = store.file_of(&name);
    judge(errand, request, name, built, Sight { file, present, tree: Some(tree), live, warnings: Vec::new() })
}

/// Plans for a dry run: what cannot be seen becomes a warning.
pub(crate) async fn sketch(errand: &Errand<'_>, request: &Request) -> Result<Plan, Failure> {
    let name = Name::parse(&request.name)?;
    let mut warnings = Vec::new();
    let live = match (errand.api.raw().await, errand.api.entry_points().await) {
        (Ok(snapshot), Ok(entry_points)) => Some((snapshot, entry_points)),
        (Err(failure), _) | (_, Err(failure)) => {
            warnings.push(format!("not checked against the running Traefik: {failure}"));
            None
        }
    };
    let built = build(errand, request, live.as_ref().map(|(_, entry_points)| entry_points.as_slice()))?;
    let (mut present, mut tree, mut file) = (None, None, format!("{name}.yml"));
    let settings = errand.settings.clone();
    match blocking(move || Store::open(&settings)).await {
        Ok(store) => {
            file = store.file_of(&name);
            let (found, files) = on_disk(&store, &name).await?;
            (present, tree) = (found, Some(files));
        }
        Err(failure) => warnings.push(format!("not checked against the other files: {failure}")),
    }
    judge(errand, request, name, built, Sight { file, present, tree, live, warnings })
}

fn build(errand: &Errand<'_>, request: &Request, entry_points: Option<&[EntryPoint]>) -> Result<Built, Failure> {
    let settings = RouteSettings {
        name_prefix: &errand.settings.name_prefix,
        backend_nets: &errand.settings.backend_nets,
        api_url: Some(&errand.settings.api_url),
        entry_points,
    };
    route::build(request, &settings)
}

async fn on_disk(store: &Store, name: &Name) -> Result<(Option<Managed>, Tree), Failure> {
    let (store, name) = (store.clone(), name.clone());
    blocking(move || Ok((store.read(&name)?, tree::read(store.root())?))).await
}

fn judge(errand: &Errand<'_>, request: &Request, name: Name, built: Built, sight: Sight) -> Result<Plan, Failure> {
    let Sight { file, present, tree, live, mut warnings } = sight;
    let change = precondition(request, &file, present.as_ref(), &built.body)?;
    let draft = match &present {
        Some(present) => Draft::replacing(present, &built.body),
        None => Draft::new(&name, &built.body),
    };
    let earlier = present.as_ref().and_then(|present| Asked::read(&present.text)).unwrap_or_default();
    let asked = readable(&file, &draft)?.replacing(&earlier);
    warnings.extend(built.warnings.iter().map(|finding| finding.message.clone()));
    let world = live.as_ref().map(|(snapshot, entry_points)| World {
        snapshot,
        entry_points,
        tree: tree.as_ref(),
        resolvers: &errand.settings.cert_resolvers,
    });
    if let Some(world) = &world {
        warnings.extend(references::check(&asked, world)?);
    }
    let nothing = Tree { files: Vec::new(), findings: Vec::new() };
    let (mut others, entry_points) = live.clone().unwrap_or_default();
    if present.is_some() {
        // What our own file has live now is no stranger, even where the new version drops it.
        let parts = Parts::of(&others.routers);
        let is_own = |full: &&String| earlier.owns(parts.whole(full)) || asked.owns(parts.whole(full));
        let own: Vec<String> = others.routers.keys().filter(is_own).cloned().collect();
        others.routers.retain(|full, _| !own.contains(full));
    }
    let conflicts = conflict::find(&built, &others, &entry_points, tree.as_ref().unwrap_or(&nothing), &file);
    warnings.extend(admit(conflicts, request)?);
    let suspects = tree.map(|tree| tree.breaking()).unwrap_or_default();
    // The file that is about to be replaced cannot be in the way.
    let suspects = suspects.into_iter().filter(|finding| finding.file.as_deref() != Some(file.as_str())).collect();
    Ok(Plan { built, name, file, draft, asked, present, change, entry_points, warnings, suspects })
}

/// Our own document must be one that Traefik certainly loads, and that can be told from others at its API.
fn readable(file: &str, draft: &Draft) -> Result<Asked, Failure> {
    let document = check(file, Format::Yaml, Origin::Managed, draft.text.as_bytes());
    match Asked::read(&draft.text) {
        Some(asked) if document.loads == Loads::Yes => Ok(asked),
        _ => Err(Failure::new(
            Code::InvalidInput,
            "Traefik would not load this route's file",
            "see the findings; if none of them is about what you asked for, this is a fault of the shard",
        )
        .with("findings", document.findings)
        .with("yaml", &draft.text)),
    }
}

/// Whether the file may be written as it is now.
fn precondition(request: &Request, file: &str, present: Option<&Managed>, body: &str) -> Result<Change, Failure> {
    let Some(present) = present else {
        return match &request.if_match {
            None => Ok(Change::Created),
            Some(_) => Err(Failure::new(
                Code::PreconditionFailed,
                format!("`{file}` is not there, but if_match names a version of it"),
                "leave if_match out to create the route",
            )),
        };
    };
    let refuse = |code, message: String, hint: &str| {
        Err(Failure::new(code, message, hint).with("file", file).with("sha256", &present.sha256))
    };
    match &request.if_match {
        Some(wanted) if *wanted != present.sha256 => refuse(
            Code::PreconditionFailed,
            format!("`{file}` is not the version that if_match names"),
            "look at it as it is now and decide anew; its present sha256 is in the details",
        ),
        _ if present.body() == body && !present.edited => Ok(Change::Unchanged),
        Some(_) => Ok(Change::Updated),
        None if present.edited && !(request.overwrite && request.force) => refuse(
            Code::PreconditionFailed,
            format!("a person edited `{file}` since this shard wrote it"),
            "look at it, then give its present sha256, which is in the details, as if_match to replace it all the same",
        ),
        None if request.overwrite => Ok(Change::Updated),
        None => refuse(
            Code::NameConflict,
            format!("there is a managed route `{}` already", present.name),
            "choose another name, or give its present sha256, which is in the details, as if_match to change it (or set overwrite)",
        ),
    }
}

/// Refuses what the request does not allow; the rest is only warned of.
fn admit(conflicts: Vec<Conflict>, request: &Request) -> Result<Vec<String>, Failure> {
    let allowed = |conflict: &Conflict| match conflict.allowed_by {
        Some("allow_overlap") => request.allow_overlap,
        Some("force") => request.force,
        _ => false,
    };
    let (stopping, told): (Vec<_>, Vec<_>) =
        conflicts.into_iter().partition(|conflict| conflict.blocking && !allowed(conflict));
    let Some(first) = stopping.first() else {
        let more = told.len().saturating_sub(CONFLICTS);
        let told = told.into_iter().take(CONFLICTS).map(|conflict| conflict.message);
        return Ok(told.chain((more > 0).then(|| format!("and {more} more like these"))).collect());
    };
    let code = match first.kind {
        conflict::Kind::Name => Code::NameConflict,
        _ => Code::RuleConflict,
    };
    let hint = match first.allowed_by {
        Some(argument) => format!("choose another rule, or set {argument} if a person wants it so"),
        None => "choose another name".to_owned(),
    };
    Err(Failure::new(code, first.message.clone(), hint)
        .with("conflicts", &stopping[..stopping.len().min(CONFLICTS)])
        .with("conflicts_total", stopping.len()))
}
