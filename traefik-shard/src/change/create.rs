//! Making or changing a route: planned, written in one rename, and kept only when Traefik serves it as asked.
//!
//! After every refusal and every failure all files are as they were before.

use rmcp::schemars::{self, JsonSchema};
use serde::Serialize;

use crate::change::asked::Verdict;
use crate::change::errand::Errand;
use crate::change::plan::{self, Change, Plan};
use crate::change::poll::{self, Overdue, Unserved};
use crate::change::probe::{Probed, probe};
use crate::change::undo::{self, Report};
use crate::change::{LOCK_PATIENCE, address, audit, causes, open, recover};
use crate::disk::{self, Applied, Locked, Record, Store, blocking};
use crate::failure::{Code, Failure};
use crate::finding::Finding;
use crate::redact;
use crate::route::Request;

/// What became of a route.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Created {
    pub(crate) name: String,
    /// Its name in Traefik.
    pub(crate) router: String,
    /// Relative to the directory that Traefik watches.
    pub(crate) file: String,
    /// What the file holds, or would hold.
    pub(crate) yaml: String,
    /// Of the file; for if_match.
    pub(crate) sha256: String,
    /// `created`, `updated` or `unchanged`; for a dry run, what would be.
    pub(crate) change: &'static str,
    /// The file is in place and Traefik was seen to serve exactly this route.
    pub(crate) applied: bool,
    pub(crate) dry_run: bool,
    /// `enabled`, `warning` or, for a dry run, `dry_run`.
    pub(crate) status: &'static str,
    /// Where the route should answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    pub(crate) errors: Vec<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) elapsed_ms: u64,
    /// Always false here: a change that was taken back is a failure.
    pub(crate) rolled_back: bool,
}

/// Says what would be written, and what speaks against it.
pub(crate) async fn dry_run(errand: &Errand<'_>, request: &Request) -> Result<Created, Failure> {
    let mut plan = plan::sketch(errand, request).await?;
    let doubts = plan
        .suspects
        .iter()
        .map(|finding| format!("this may keep Traefik from loading anything: {}", finding.sentence()));
    plan.warnings.extend(doubts);
    Ok(report(errand, plan, "dry_run"))
}

/// Plans, writes and verifies, or takes back.
pub(crate) async fn run(errand: &Errand<'_>, request: &Request) -> Result<Created, Failure> {
    let store = open(errand).await?;
    errand.step("waiting for the turn to write");
    let locked = store.lock(LOCK_PATIENCE).await?;
    recover::under(errand, &locked).await?;
    let mut plan = plan::make(errand, &store, request).await?;
    let doubts = preflight(errand, &locked, &plan.suspects).await?;
    plan.warnings.extend(doubts);
    if plan.change == Change::Unchanged {
        return confirm(errand, &store, plan).await;
    }
    let applied = write(&locked, &plan).await?;
    errand.step("waiting until Traefik serves the route");
    poll::poke(&store).await;
    let unserved = match poll::until_live(errand, &store, &plan.asked, &plan.entry_points).await {
        Ok(warnings) => return keep(errand, &store, plan, applied, warnings).await,
        Err(unserved) => unserved,
    };
    let report = undo::undo(errand, &locked, applied, &plan.asked, &plan.entry_points).await;
    let outcome = if report.rolled_back { "rolled_back" } else { "not_rolled_back" };
    let failure = failed(errand, &store, &plan, unserved, &report).await;
    audit(&store, record(&plan, outcome, Some(failure.to_string()))).await;
    report.close().await;
    Err(failure.with("elapsed_ms", errand.elapsed_ms()))
}

/// Why the route is not live, and what became of the change.
async fn failed(errand: &Errand<'_>, store: &Store, plan: &Plan, unserved: Unserved, report: &Report) -> Failure {
    let failure = match unserved {
        Unserved::Refused(errors) => rejected(plan, &errors, report),
        Unserved::Overdue(overdue) => not_applied(errand, store, plan, &overdue, report).await,
    };
    report.explain(failure)
}

/// A human's file that our checks object to may still be good enough for Traefik: the probe decides.
async fn preflight(errand: &Errand<'_>, locked: &Locked, suspects: &[Finding]) -> Result<Vec<String>, Failure> {
    if suspects.is_empty() {
        return Ok(Vec::new());
    }
    errand.step("probing whether Traefik can load all files as they are");
    match probe(errand, locked, errand.wait).await? {
        Probed::Seen(_) => {
            let odd = suspects
                .iter()
                .map(|finding| format!("Traefik takes this, though it looks wrong: {}", finding.sentence()));
            Ok(odd.collect())
        }
        Probed::NotSeen(overdue) => {
            let named = suspects.iter().take(3).map(Finding::sentence).collect::<Vec<_>>().join(" | ");
            let causes = causes::tell(errand, &overdue, suspects, None);
            Err(Failure::new(
                Code::TreeBroken,
                format!("nothing was written, because Traefik does not take over changes now; the likely fault is {named}"),
                "mend or remove that file; until then no change takes effect, and a restart of Traefik loses every route of its files",
            )
            .with("findings", suspects)
            .with("causes", causes))
        }
    }
}

async fn write(locked: &Locked, plan: &Plan) -> Result<Applied, Failure> {
    let (locked, name, draft) = (locked.clone(), plan.name.clone(), plan.draft.clone());
    let present = plan.present.as_ref().map(|present| (present.text.clone(), present.sha256.clone()));
    blocking(move || {
        locked.store().state().ready()?;
        let operation = match present {
            None => disk::Operation::Create(draft),
            Some((text, was)) => {
                locked.store().state().backup(disk::Kind::Update, &name, &text)?;
                disk::Operation::Update { draft, was }
            }
        };
        locked.begin(operation)?.apply()
    })
    .await
}

/// The change is live: the audit log is told, and the journal goes. In this order, so that no kill loses the line.
async fn keep(
    errand: &Errand<'_>,
    store: &Store,
    mut plan: Plan,
    applied: Applied,
    warnings: Vec<String>,
) -> Result<Created, Failure> {
    audit(store, record(&plan, "ok", None)).await;
    if let Err(failure) = blocking(move || applied.close()).await {
        plan.warnings.push(format!("the change is live, but its journal could not be removed: {failure}"));
    }
    Ok(live(errand, plan, &warnings))
}

/// The file says all this already; what counts is that Traefik does too.
async fn confirm(errand: &Errand<'_>, store: &Store, plan: Plan) -> Result<Created, Failure> {
    errand.step("checking that Traefik serves the route as it is");
    if !matches!(poll::judge(errand, &plan.asked, &plan.entry_points).await?, Verdict::Live { .. }) {
        poll::poke(store).await;
    }
    match poll::until_live(errand, store, &plan.asked, &plan.entry_points).await {
        Ok(warnings) => Ok(live(errand, plan, &warnings)),
        Err(unserved) => Err(failed(errand, store, &plan, unserved, &Report::nothing_written()).await),
    }
}

fn rejected(plan: &Plan, errors: &[String], report: &Report) -> Failure {
    let errors: Vec<String> = errors.iter().map(|error| redact::text(error)).collect();
    Failure::new(
        Code::RejectedByTraefik,
        format!(
            "Traefik read the route `{}` and refuses to serve it: {}; {}",
            plan.name,
            errors.join("; "),
            report.clause()
        ),
        "mend what Traefik names and try again",
    )
    .with("errors", errors)
    .with("file", &plan.file)
}

async fn not_applied(errand: &Errand<'_>, store: &Store, plan: &Plan, overdue: &Overdue, report: &Report) -> Failure {
    let (findings, network) = causes::look(store).await;
    let findings: Vec<Finding> =
        findings.into_iter().filter(|finding| finding.file.as_deref() != Some(plan.file.as_str())).collect();
    let causes = causes::tell(errand, overdue, &findings, network);
    Failure::new(
        Code::NotApplied,
        format!(
            "Traefik was not seen to serve the route `{}` within {} s: {overdue}; {}",
            plan.name,
            errand.wait.as_secs(),
            report.clause()
        ),
        causes.join("; "),
    )
    .with("file", &plan.file)
    .with("causes", causes)
    .with("findings", findings)
    .with("restarted", overdue.restarted)
}

fn record(plan: &Plan, outcome: &str, detail: Option<String>) -> Record {
    Record {
        action: if plan.present.is_some() { "update" } else { "create" },
        name: plan.name.to_string(),
        file: plan.file.clone(),
        outcome: outcome.to_owned(),
        before: plan.present.as_ref().map(|present| present.sha256.clone()),
        after: Some(plan.draft.sha256.clone()),
        detail,
    }
}

/// Traefik's own warnings go first.
fn live(errand: &Errand<'_>, mut plan: Plan, seen: &[String]) -> Created {
    let status = if seen.is_empty() { "enabled" } else { "warning" };
    let said = seen.iter().map(|warning| format!("Traefik says: {}", redact::text(warning)));
    plan.warnings.splice(0..0, said);
    report(errand, plan, status)
}

fn report(errand: &Errand<'_>, plan: Plan, status: &'static str) -> Created {
    let dry_run = status == "dry_run";
    let (rule, router) = (&plan.built.parsed, plan.asked.routers.get(&plan.built.router));
    let paths = [rule.path_prefixes(), rule.paths()].concat();
    let url = router.and_then(|router| address::of(router, &rule.hosts(), &paths, &plan.entry_points));
    // An unchanged file keeps its time of creation, so the draft is the file itself.
    Created {
        url,
        name: plan.name.to_string(),
        router: format!("{}@file", plan.built.router),
        file: plan.file,
        yaml: plan.draft.text,
        sha256: plan.draft.sha256,
        change: match plan.change {
            Change::Created => "created",
            Change::Updated => "updated",
            Change::Unchanged => "unchanged",
        },
        applied: !dry_run,
        dry_run,
        status,
        errors: Vec::new(),
        warnings: plan.warnings,
        elapsed_ms: errand.elapsed_ms(),
        rolled_back: false,
    }
}

impl Created {
    /// One or two sentences for a person, with the URL that should answer.
    pub(crate) fn sentence(&self) -> String {
        let done = match (self.dry_run, self.change) {
            (true, change) => {
                format!("Nothing was written: the route `{}` would be {change} in `{}`.", self.name, self.file)
            }
            (false, "unchanged") => format!("The route `{}` is live, and it was so already.", self.name),
            (false, change) => format!("The route `{}` is {change} and live after {} ms.", self.name, self.elapsed_ms),
        };
        let mood = if self.dry_run { "would" } else { "should" };
        let place = self.url.as_ref().map(|url| format!(" It {mood} answer at `{url}`.")).unwrap_or_default();
        let warnings: String = self.warnings.iter().map(|warning| format!(" Warning: {warning}.")).collect();
        done + &place + &warnings
    }
}
