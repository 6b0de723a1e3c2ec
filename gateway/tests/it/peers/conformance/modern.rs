//! The shard of both eras under the suite of 2026-07-28, and under those of the legacy era.
//!
//! Invariant: both runs that are compared are of this test, and of the same shard.

use super::outcome::Outcome;
use super::suite::{ABOUT_TASKS, BRIDGED, MODERN, NEXT, NOT_BRIDGED, RELEASED, Suite, TASKS};
use super::{Direct, gateway, gateway_with, judge, mounted, without_a_gateway};
use crate::peers::servers::Servers;

/// The shard that speaks 2026-07-28 and 2025-11-25 on the SDK's second major version.
const BOTH: &str = "conformance/modern.mjs";

/// Tasks and the rest at 2026-07-28; one run of the program does both.
const SUITES: [&Suite; 2] = [&TASKS, &MODERN];

async fn outcomes(url: &str) -> [Outcome; 2] {
    MODERN.run(url).await.split(ABOUT_TASKS)
}

async fn direct() -> [Outcome; 2] {
    let shard = Direct::start(BOTH).await;
    let outcomes = outcomes(&shard.url).await;
    shard.stop().await;
    outcomes
}

/// The suites spend their time waiting, so that both ways run at once.
async fn compare(url: &str, mount: &str) -> Vec<String> {
    let (direct, behind) = tokio::join!(direct(), outcomes(url));
    let pairs = direct.iter().zip(&behind).zip(SUITES);
    pairs.flat_map(|((direct, behind), suite)| judge(suite, direct, behind, mount)).collect()
}

#[tokio::test]
async fn all_of_the_modern_suite_and_of_its_tasks_passes_behind_the_gateway() {
    let servers = Servers::lay_out().await;
    let gateway = gateway(&servers, BOTH, "instances: shared").await;
    let complaints = compare(&gateway.url(), "shared").await;
    assert!(complaints.is_empty(), "{}\nlog:\n{}", complaints.join("\n"), gateway.log());
    gateway.stop().await;
}

/// Where all shards are seen, its names have a prefix and its URIs belong to the other one of its kind.
#[tokio::test]
async fn all_of_the_modern_suite_passes_on_children_of_their_own_in_a_view_of_a_shard_that_has_to_give_way() {
    let servers = Servers::lay_out().await;
    let gateway = gateway(&servers, BOTH, "instances: shared").await;
    gateway.write_shard("twin", &mounted(BOTH, "instances: exclusive"));
    gateway.until("twin", "ready").await;
    let complaints = compare(&format!("{}/twin", gateway.url()), "exclusive, a view").await;
    assert!(complaints.is_empty(), "{}\nlog:\n{}", complaints.join("\n"), gateway.log());
    gateway.stop().await;
}

#[tokio::test]
async fn both_legacy_suites_pass_on_a_shard_that_answers_with_questions() {
    let servers = Servers::lay_out().await;
    let gateway = gateway(&servers, BOTH, "instances: exclusive\nprotocol: modern").await;
    let url = gateway.url();
    let direct = without_a_gateway(BOTH, [&RELEASED, &NEXT]);
    let (direct, released, next) = tokio::join!(direct, RELEASED.run(&url), NEXT.run(&url));
    let mut complaints = judge(&RELEASED, &direct[0], &released, "protocol: modern");
    complaints.extend(judge(&NEXT, &direct[1], &next, "protocol: modern"));
    assert!(complaints.is_empty(), "{}\nlog:\n{}", complaints.join("\n"), gateway.log());
    gateway.stop().await;
}

/// Its SDK asks the client where the tool would have answered with questions.
#[tokio::test]
async fn clients_of_both_eras_pass_on_a_shard_that_asks_in_the_middle_of_calls() {
    let servers = Servers::lay_out().await;
    // Some scenarios leave a question unanswered, and each such call has one of the few children until its time is over.
    let flags = ["--parked-ttl", "5s"];
    let gateway = gateway_with(&flags, &servers, BOTH, "instances: exclusive\nprotocol: legacy").await;
    let url = gateway.url();
    let direct = without_a_gateway(BOTH, [&BRIDGED, &NEXT]);
    let behind = async { (NEXT.run(&url).await, BRIDGED.run(&url).await) };
    let ([without, plain], (next, with)) = tokio::join!(direct, behind);
    let (without, with) = (without.without(NOT_BRIDGED), with.without(NOT_BRIDGED));
    let mut complaints = judge(&BRIDGED, &without, &with, "protocol: legacy");
    complaints.extend(judge(&NEXT, &plain, &next, "protocol: legacy"));
    assert!(complaints.is_empty(), "{}\nlog:\n{}", complaints.join("\n"), gateway.log());
    gateway.stop().await;
}
