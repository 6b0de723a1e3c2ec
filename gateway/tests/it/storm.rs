//! Random interleavings of two modern and two legacy clients on shards that ask, of both eras, shared and exclusive.
//!
//! Invariant: what a client hears and what a call of a shard hears holds no other call's mark; no call runs twice; each ends
//! in its result, in one clear error or with its client; and nothing stays.
//!
//! `STORM_SEEDS=17` repeats the steps of one seed, `STORM_SEEDS=1000..9000` takes others than the usual ones.

mod book;
mod connection;
mod ledger;
mod mischief;
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
use self::plan::{Door, KINDS, Part, Plan, Step, Twist, Weather};
use self::session::Session;
use crate::support::{Gateway, Journal, eventually};

/// What happens so often at least in the usual thousand.
const OFTEN: [(&str, usize); 9] = [
    ("result", 4000),
    ("answers that arrived", 3000),
    ("asked elicitation/create", 2000),
    ("asked sampling/createMessage", 1000),
    ("asked roots/list", 500),
    ("cancelled", 50),
    ("left", 500),
    ("refused", 100),
    ("one of two retries at once went on", 20),
];
/// What a call may be told whose shard was killed or exchanged.
const FOUL: [&str; 1] = ["while the call was under way; it may have run and is not repeated"];
/// Interleavings at once, each on shards of its own.
const LANES: usize = 3;
/// How long a parked call waits for its client: a thirtieth of that where another call needs its child.
const PARKED: &str = "6s";
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

/// A shard of the rig, and what it is sent.
struct Rigged {
    name: String,
    text: String,
    journal: Journal,
}

/// A gateway with all kinds of shards for each lane.
async fn rig() -> (Gateway, Vec<Rigged>) {
    let kinds = (0..LANES).flat_map(|lane| KINDS.map(|kind| (lane, kind)));
    let rigged = kinds.map(|(lane, kind)| {
        let journal = Journal::new();
        let text = journal.fake_shard(&["--era", kind.era]);
        let text = format!("{text}protocol: {}\ninstances: {}\n", kind.era, kind.instances);
        Rigged { name: format!("{}{lane}", kind.name), text, journal }
    });
    let shards: Vec<_> = rigged.collect();
    let builder = Gateway::builder().flags(&["--parked-ttl", PARKED]);
    let gateway = shards.iter().fold(builder, |builder, shard| builder.shard(&shard.name, &shard.text)).start().await;
    for shard in &shards {
        gateway.until(&shard.name, "ready").await;
    }
    (gateway, shards)
}

/// Plays the seeds of one lane, one after the other.
async fn lane(gateway: &Gateway, book: &Arc<Book>, lane: usize, seeds: Range<u64>) {
    for seed in seeds.skip(lane).step_by(LANES) {
        let case = Case::new(seed, gateway.host(), lane, book);
        let Plan { clients: [one, two, three, four], .. } = Plan::of(seed);
        let all = async {
            tokio::join!(
                Box::pin(act(&case, gateway, 0, &one)),
                Box::pin(act(&case, gateway, 1, &two)),
                Box::pin(act(&case, gateway, 2, &three)),
                Box::pin(act(&case, gateway, 3, &four))
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
        Twist::Malformed if is_said("bad arguments of quiz") => true,
        // A person takes longer than a parked call waits.
        _ if is_modern(number) && step.kind.is_legacy() && is_said("nobody came back with the answers within") => true,
        _ if case.book.weather == Weather::Foul && FOUL.iter().any(|words| is_said(words)) => true,
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
        let is_quiet = |shard: &Value| shard["in_flight"] == 0 && shard["parked"] == 0;
        health["shards"].as_array().unwrap().iter().all(is_quiet).then_some(())
    })
    .await;
}

#[expect(clippy::print_stdout, reason = "what happened is worth a look also when nothing was wrong")]
fn show(book: &Book) {
    println!("{}", book.table());
}

/// Plays all seeds and gives what happened. Nothing of it may be wrong.
async fn storm(seeds: Range<u64>, weather: Weather) -> Arc<Book> {
    let (gateway, shards) = rig().await;
    let book = Arc::new(Book::new(weather));
    let lanes = async {
        tokio::join!(
            Box::pin(lane(&gateway, &book, 0, seeds.clone())),
            Box::pin(lane(&gateway, &book, 1, seeds.clone())),
            Box::pin(lane(&gateway, &book, 2, seeds.clone()))
        )
    };
    match weather {
        Weather::Fair => drop(lanes.await),
        Weather::Foul => tokio::select! {
            _ = lanes => {}
            () = mischief::rage(&gateway, &shards, &book, seeds.start) => {}
        },
    }
    until_quiet(&gateway).await;
    gateway.stop().await;
    for shard in &shards {
        ledger::check(&book, &shard.name, &shard.journal);
    }
    show(&book);
    let faults = book.faults();
    assert!(faults.is_empty(), "{} faults; repeat a seed with STORM_SEEDS:\n{}", faults.len(), faults.join("\n"));
    book
}

#[tokio::test]
async fn a_thousand_interleavings_cross_nothing_run_nothing_twice_and_leave_nothing() {
    let usual = 0..1000;
    let seeds = seeds(usual.clone());
    let book = storm(seeds.clone(), Weather::Fair).await;
    if seeds == usual {
        // A storm in which nothing happens proves nothing.
        for (what, least) in OFTEN {
            assert!(book.counted(what) >= least, "{what}: {} times of {least}", book.counted(what));
        }
    }
}

#[tokio::test]
async fn in_foul_weather_too_each_call_has_one_end_and_nothing_crosses_runs_twice_or_stays() {
    let book = storm(seeds(2000..2150), Weather::Foul).await;
    assert!(book.counted("children killed") > 0 && book.counted("files changed") > 0);
}
