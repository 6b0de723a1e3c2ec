//! Random interleavings of two modern and two legacy clients on shards that ask, of both eras, shared and exclusive.
//!
//! Invariant: what a client hears and what a call of a shard hears holds no other call's mark; no call runs twice; each ends
//! in its result, in one clear error or with its client; and nothing stays.
//!
//! `STORM_SEEDS=17` repeats the steps of one seed, `STORM_SEEDS=1000..9000` takes others than the usual ones.

mod book;
mod connection;
mod ledger;
mod modern;
mod plan;
mod session;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use self::book::{Book, Case, Ending, is_modern};
use self::connection::Connection;
use self::modern::{Modern, plain};
use self::plan::{Door, KINDS, Part, Plan, Step, Twist};
use self::session::Session;
use crate::support::{Gateway, Journal, eventually};

/// Interleavings at once, each on shards of its own.
const LANES: usize = 3;
/// How long a parked call waits for its client.
const PARKED: &str = "500ms";
/// No interleaving takes so long.
const LIMIT: Duration = Duration::from_secs(40);

/// The seeds to take: those of the environment, else `usual`.
fn seeds(usual: Range<u64>) -> Range<u64> {
    let Ok(wish) = std::env::var("STORM_SEEDS") else { return usual };
    let number = |text: &str| text.trim().parse::<u64>().expect("STORM_SEEDS is a seed or first..end");
    match wish.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => number(&wish)..number(&wish) + 1,
    }
}

/// A gateway with all kinds of shards for each lane, and what each shard is sent.
async fn rig() -> (Gateway, Vec<(String, Journal)>) {
    let mut journals = Vec::new();
    let mut builder = Gateway::builder().flags(&["--parked-ttl", PARKED]);
    for lane in 0..LANES {
        for kind in KINDS {
            let (name, journal) = (format!("{}{lane}", kind.name), Journal::new());
            let text = journal.fake_shard(&["--era", kind.era]);
            builder = builder.shard(&name, format!("{text}protocol: {}\ninstances: {}\n", kind.era, kind.instances));
            journals.push((name, journal));
        }
    }
    let gateway = builder.start().await;
    for (name, _) in &journals {
        gateway.until(name, "ready").await;
    }
    (gateway, journals)
}

/// Plays the seeds of one lane, one after the other.
async fn lane(gateway: &Gateway, book: &Arc<Book>, lane: usize, seeds: Range<u64>) {
    for seed in seeds.skip(lane).step_by(LANES) {
        let case = Case::new(seed, gateway.host(), lane, book);
        let Plan { clients: [one, two, three, four], .. } = Plan::of(seed);
        let all = async {
            tokio::join!(
                act(&case, gateway, 0, &one),
                act(&case, gateway, 1, &two),
                act(&case, gateway, 2, &three),
                act(&case, gateway, 3, &four)
            )
        };
        if timeout(LIMIT, all).await.is_err() {
            return case.fault(format!("it does not end within {LIMIT:?}"));
        }
    }
}

/// One client, from its coming to its going.
async fn act(case: &Arc<Case>, gateway: &Gateway, number: usize, part: &Part) {
    match part.door {
        Door::Modern => {
            let client = Modern::new(case, number);
            steps(case, number, part, async |step, mark| client.call(step, mark).await).await;
        }
        Door::Session => {
            let client = Session::open(case, number).await;
            steps(case, number, part, async |step, mark| client.call(step, mark).await).await;
            client.end().await;
        }
        Door::Sse | Door::Pipe => {
            let (client, ear) = match part.door {
                Door::Sse => Connection::sse(case, number, gateway).await,
                _ => Connection::pipe(case, number).await,
            };
            let (over, is_over) = oneshot::channel();
            tokio::join!(Arc::clone(&client).listen(ear, is_over), async {
                steps(case, number, part, async |step, mark| client.call(step, mark).await).await;
                drop(over);
            });
        }
    }
}

/// Makes the calls of a client, each at its time, until all have ended or the client leaves.
async fn steps(case: &Case, number: usize, part: &Part, call: impl AsyncFn(&Step, &str) -> Ending) {
    let one = async |place: usize| {
        if let Some(step) = part.steps.get(place) {
            sleep(step.at).await;
            let mark = case.mark(number, place);
            let ending = call(step, &mark).await;
            check(case, number, step, &mark, &ending);
        }
    };
    let all = async { tokio::join!(one(0), one(1), one(2)) };
    match part.leaves {
        Some(after) => drop(timeout(after, all).await),
        None => drop(all.await),
    }
}

/// Each call ends in its result, in a clear error, or as its client wished.
fn check(case: &Case, number: usize, step: &Step, mark: &str, ending: &Ending) {
    let told = match ending {
        Ending::Result(result) if result["isError"] == true => {
            plain(&serde_json::json!({"message": result["content"][0]["text"]}))
        }
        Ending::Result(result) => {
            case.book.count("result");
            return case.check_result(step, mark, result);
        }
        Ending::Error(error) => plain(error),
        Ending::Silent if matches!(step.twist, Twist::Cancel(_)) => return case.book.count("cancelled"),
        Ending::Silent => return case.fault(format!("{mark}: no answer, and its client has not cancelled it")),
        Ending::Left => return case.book.count("left"),
    };
    case.book.count(format!("error: {told}"));
    let is_said = |text: &str| told.contains(text);
    let is_meant = match step.twist {
        Twist::Malformed => is_said("bad arguments of quiz"),
        // A person takes longer than a parked call waits.
        _ if is_modern(number) && step.kind.is_legacy() && is_said("has expired") => true,
        _ => is_said("which the client answered with error") && !step.kind.is_legacy() && case.has_refused(mark),
    };
    if !is_meant {
        case.fault(format!("{mark}: {ending:?} at {step:?}"));
    }
}

/// Nothing is under way any more.
async fn until_quiet(gateway: &Gateway) {
    let what = "no call is under way or parked";
    eventually(what, async || {
        let health = gateway.health().await;
        let is_quiet = |shard: &Value| shard["in_flight"] == 0 && [&Value::Null, &0.into()].contains(&&shard["parked"]);
        health["shards"].as_array().unwrap().iter().all(is_quiet).then_some(())
    })
    .await;
}

async fn storm(seeds: Range<u64>) -> Arc<Book> {
    let (gateway, journals) = rig().await;
    let book = Arc::<Book>::default();
    tokio::join!(
        lane(&gateway, &book, 0, seeds.clone()),
        lane(&gateway, &book, 1, seeds.clone()),
        lane(&gateway, &book, 2, seeds.clone())
    );
    until_quiet(&gateway).await;
    gateway.stop().await;
    for (name, journal) in &journals {
        ledger::check(&book, name, journal);
    }
    println!("{}", book.table());
    let faults = book.faults();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    book
}

#[tokio::test]
async fn a_thousand_interleavings_cross_nothing_run_nothing_twice_and_leave_nothing() {
    storm(seeds(0..1000)).await;
}
