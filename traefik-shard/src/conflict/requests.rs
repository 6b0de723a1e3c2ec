//! Routes that answer the same requests.
//!
//! Only routers meet that share an entry point and do TLS alike: Traefik keeps the two apart.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::{Conflict, Kind};
use crate::api::{EntryPoint, Router, Snapshot};
use crate::backends::provider_of;
use crate::parts::Parts;
use crate::route::Built;
use crate::rule::{self, Overlap, Protocol};

/// One of our routers, as the others meet it.
struct Ours<'a> {
    entry_points: &'a [String],
    tls: bool,
}

/// Which of our routers another one meets, and where.
#[derive(Default)]
struct Shared {
    main: Vec<String>,
    redirect: Vec<String>,
}

/// The live HTTP routers of any provider that meet ours.
pub(super) fn find(built: &Built, live: &Snapshot, entry_points: &[EntryPoint]) -> Vec<Conflict> {
    let redirect = built.redirect.as_ref();
    let own = [Some(&built.router), redirect.map(|redirect| &redirect.router)];
    let own: Vec<String> = own.into_iter().flatten().map(|name| format!("{name}@file")).collect();
    let parts = Parts::of(&live.routers);
    let main = Ours { entry_points: &built.entry_points, tls: built.tls };
    let redirect_points = redirect.map(|redirect| &redirect.entry_points[..]).unwrap_or_default();
    let redirect = Ours { entry_points: redirect_points, tls: false };
    // The parts of one router are met as one: they have its rule and its priority.
    let mut others: BTreeMap<&str, (&Router, Shared)> = BTreeMap::new();
    for (full, router) in live.routers.iter().filter(|(_, router)| router.status != "disabled") {
        let name = parts.whole(full);
        if own.iter().any(|own| own == name) {
            continue;
        }
        let (_, met) = others.entry(name).or_insert_with(|| (router, Shared::default()));
        met.main.extend(shared(&main, router, entry_points));
        met.redirect.extend(shared(&redirect, router, entry_points));
    }
    others.into_iter().filter_map(|(name, (router, shared))| meeting(built, name, router, shared)).collect()
}

/// The entry points on which both get the same connections.
fn shared(ours: &Ours<'_>, theirs: &Router, entry_points: &[EntryPoint]) -> Vec<String> {
    let place = |name: &str| entry_points.iter().find(|point| point.name == name);
    let has_tls = |name: &str| place(name).is_some_and(|point| point.http.tls.is_some());
    let defaults = default_names(entry_points);
    // `using` is empty where Traefik could not attach the router, and then it answers nothing.
    let listens_on = if theirs.using.is_empty() { &theirs.entry_points } else { &theirs.using };
    let listens_on = if listens_on.is_empty() { &defaults } else { listens_on };
    let alike = |name: &str| has_tls(name) || ours.tls == theirs.tls.is_some();
    ours.entry_points.iter().filter(|name| listens_on.contains(name) && alike(name)).cloned().collect()
}

/// Where a router without entry points listens.
fn default_names(entry_points: &[EntryPoint]) -> Vec<String> {
    let any_default = entry_points.iter().any(|point| point.as_default);
    let is_default = |point: &&EntryPoint| {
        !point.address.ends_with("/udp") && point.name != "traefik" && (point.as_default || !any_default)
    };
    entry_points.iter().filter(is_default).map(|point| point.name.clone()).collect()
}

fn meeting(built: &Built, name: &str, router: &Router, shared: Shared) -> Option<Conflict> {
    if shared.main.is_empty() && shared.redirect.is_empty() {
        return None;
    }
    let provider = provider_of(name);
    let ours = built.effective_priority();
    let theirs = router
        .priority
        .filter(|&priority| priority != 0)
        .unwrap_or_else(|| rule::default_priority(&router.rule, Protocol::Http));
    let is_old = router.rule_syntax.as_deref().is_some_and(|syntax| syntax.eq_ignore_ascii_case("v2"));
    let parsed = rule::parse(&router.rule, Protocol::Http).ok().filter(|_| !is_old);
    let overlap = match &parsed {
        Some(parsed) => rule::overlap(&built.parsed, parsed),
        // A rule that we cannot read is compared as text.
        None if router.rule.trim() == built.rule => Overlap::Same,
        None => return None,
    };
    let mut kind = kind(overlap, ours, theirs)?;
    if kind == Kind::Hijack && overlap != Overlap::Same && parsed.as_ref().is_some_and(rule::Rule::is_catch_all) {
        kind = Kind::FromCatchAll;
    }
    // An entry point that redirects everything by itself does what our redirect would do.
    if kind == Kind::Shadowed && shared.main.is_empty() && provider == "internal" {
        kind = Kind::Yields;
    }
    let shared = [shared.main, shared.redirect].concat();
    let witness = parsed.as_ref().and_then(|parsed| rule::witness(&built.parsed, parsed));
    let blocking = matches!(kind, Kind::Tie | Kind::Hijack | Kind::Shadowed);
    Some(Conflict {
        kind,
        blocking,
        route: name.to_owned(),
        provider: provider.to_owned(),
        file: None,
        rule: Some(router.rule.clone()),
        priority: Some(theirs),
        message: message(kind, overlap, name, (ours, theirs), &shared, witness.as_deref()),
        entry_points: shared,
        allowed_by: blocking.then_some("allow_overlap"),
    })
}

/// What the overlap comes to; the higher priority answers.
fn kind(overlap: Overlap, ours: i64, theirs: i64) -> Option<Kind> {
    if overlap == Overlap::None {
        return None;
    }
    Some(match ours.cmp(&theirs) {
        Ordering::Equal => Kind::Tie,
        Ordering::Greater => Kind::Hijack,
        Ordering::Less if matches!(overlap, Overlap::Same | Overlap::Within) => Kind::Shadowed,
        Ordering::Less => Kind::Yields,
    })
}

fn message(
    kind: Kind,
    overlap: Overlap,
    name: &str,
    (ours, theirs): (i64, i64),
    shared: &[String],
    witness: Option<&str>,
) -> String {
    let what = match overlap {
        Overlap::Same => "has the same requests".to_owned(),
        _ => format!("may match the same requests, such as {}", witness.unwrap_or("one that both rules match")),
    };
    let all = matches!(overlap, Overlap::Same | Overlap::Contains);
    let taken = if all { "all its requests" } else { "those requests" };
    let outcome = match kind {
        Kind::Name => return String::new(),
        Kind::Tie => format!(
            "both have priority {ours}, so it is undefined which one answers; set another priority, or narrow the rule"
        ),
        Kind::Hijack => format!(
            "ours (priority {ours}) would take {taken} from it (priority {theirs}); narrow the rule, or lower the priority"
        ),
        Kind::Shadowed => format!(
            "it (priority {theirs}) would answer everything and ours (priority {ours}) nothing; raise the priority, or choose other hosts or paths"
        ),
        Kind::Yields => format!("it (priority {theirs}) goes on answering them before ours (priority {ours})"),
        Kind::FromCatchAll => {
            format!("it matches everything with priority {theirs}, and ours (priority {ours}) comes before it")
        }
    };
    let way_out =
        if matches!(kind, Kind::Tie | Kind::Hijack | Kind::Shadowed) { "; allow_overlap accepts that" } else { "" };
    format!("`{name}` on {} {what}: {outcome}{way_out}", shared.join(", "))
}
