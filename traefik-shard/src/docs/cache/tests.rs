//! The cache under a clock of the test's own.

use super::*;

const TTL: Duration = Duration::from_secs(3600);

fn url(name: &str) -> Url {
    Url::parse(&format!("http://docs.test/{name}/")).unwrap()
}

fn kept(name: &str, bytes: usize) -> Kept {
    Kept {
        content: Content::Page("x".repeat(bytes).into()),
        url: url(name),
        validators: Validators::default(),
        fetched_at: OffsetDateTime::UNIX_EPOCH,
    }
}

#[test]
fn a_page_is_fresh_until_its_time_is_over() {
    let (mut cache, start) = (Cache::new(100), Instant::now());
    assert!(matches!(cache.look(&url("a"), start), Known::Nothing));
    cache.keep(&url("a"), kept("a", 10), start, TTL);
    assert!(matches!(cache.look(&url("a"), start + TTL - Duration::from_secs(1)), Known::Fresh(_)));
    assert!(matches!(cache.look(&url("a"), start + TTL), Known::Expired(_)));
}

#[test]
fn the_least_used_page_makes_room_and_the_limit_holds() {
    let (mut cache, now) = (Cache::new(100), Instant::now());
    for name in ["a", "b", "c"] {
        cache.keep(&url(name), kept(name, 30), now, TTL);
    }
    assert!(matches!(cache.look(&url("a"), now), Known::Fresh(_)));
    cache.keep(&url("d"), kept("d", 40), now, TTL);
    assert_eq!(cache.bytes, 100);
    assert!(matches!(cache.look(&url("b"), now), Known::Nothing));
    assert!(matches!(cache.look(&url("a"), now), Known::Fresh(_)));
    cache.keep(&url("huge"), kept("huge", 101), now, TTL);
    assert!(matches!(cache.look(&url("huge"), now), Known::Nothing));
    cache.keep(&url("a"), kept("a", 20), now, TTL);
    assert_eq!(cache.bytes, 90);
}

#[test]
fn a_refusal_is_remembered_for_a_minute_and_an_outage_for_seconds() {
    let (mut cache, now) = (Cache::new(100), Instant::now());
    cache.keep(&url("a"), kept("a", 10), now, Duration::ZERO);
    cache.fail(&url("a"), Fault::Status(500), now);
    let later = now + REFUSAL - Duration::from_secs(1);
    assert!(matches!(cache.look(&url("a"), later), Known::Failed(Fault::Status(500), Some(_))));
    assert!(matches!(cache.look(&url("a"), now + REFUSAL), Known::Expired(_)));
    cache.fail(&url("b"), Fault::TimedOut(TTL), now);
    assert!(matches!(cache.look(&url("b"), now + OUTAGE), Known::Nothing));
}

#[test]
fn without_a_connection_all_addresses_fail_at_once_and_one_success_ends_it() {
    let (mut cache, now) = (Cache::new(100), Instant::now());
    cache.fail(&url("a"), Fault::Unreachable("refused".to_owned()), now);
    assert!(matches!(cache.look(&url("b"), now), Known::Failed(Fault::Unreachable(_), None)));
    cache.keep(&url("c"), kept("c", 1), now, TTL);
    assert!(matches!(cache.look(&url("b"), now), Known::Nothing));
}

#[test]
fn what_the_site_no_longer_has_is_forgotten() {
    let (mut cache, now) = (Cache::new(100), Instant::now());
    cache.keep(&url("a"), kept("a", 10), now, Duration::ZERO);
    cache.fail(&url("a"), Fault::NotFound, now);
    assert!(matches!(cache.look(&url("a"), now), Known::Failed(Fault::NotFound, None)));
    assert_eq!(cache.bytes, 0);
}
