//! Whose a task is, what it is called, and how many there may be.

use super::*;
use crate::config::Mask;
use crate::shard::budget::Budget;
use crate::shard::link::{Begun, Limits};
use crate::shard::{Ended, Heritage, Reason};
use crate::wire::Status;

/// A claim that counts what was let go.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Held {
    Yes,
    No,
}

impl Claim for Held {
    fn let_go(&self) -> Self {
        Self::No
    }
}

const ONE: Holder = Holder::session(ClientKey(1));
const OTHER: Holder = Holder::session(ClientKey(2));
const PASSING: Holder = Holder { principal: Principal::Passing, era: Era::Modern };

fn link() -> Link {
    Link::new(Limits::new(1, 1000, Budget::new(0), Mask::default()), Heritage::default(), Default::default())
}

fn at(link: &Link, own: &str) -> TaskAt<Held> {
    begun_at(Era::Legacy, link, own)
}

fn begun_at(era: Era, link: &Link, own: &str) -> TaskAt<Held> {
    link.begin_task(own, Begun { era, client: 1, number: 7, ttl: None, most: LONGEST });
    let (own, shown): (Arc<str>, _) = (own.into(), Arc::from(""));
    TaskAt { shard: "s".into(), link: link.clone(), place: Held::Yes, own, shown, number: 7, token: None }
}

/// Another task `1` of this child.
fn enter(ids: &TaskIds<Held>, owner: Holder, link: &Link) -> TaskAt<Held> {
    ids.enter(owner, None, at(link, "1")).0
}

fn end(link: &Link) {
    link.fail_all(&Arc::new(Ended { reason: Reason::Stopped, stderr: Vec::new() }));
}

fn shown(at: &TaskAt<Held>) -> (&str, &str) {
    (&at.shown, &at.own)
}

#[tokio::test(start_paused = true)]
async fn a_task_is_its_sessions_alone_until_its_time_is_over() {
    let ids = TaskIds::default();
    let link = link();
    ids.enter(ONE, Some(Duration::from_secs(5)), at(&link, "a"));
    assert_eq!(ids.find(ONE, "a").as_ref().map(shown), Some(("a", "a")));
    assert!(ids.find(OTHER, "a").is_none() && ids.find(ONE, "b").is_none());
    assert!(ids.find_at(ONE, &link, |at| at.number == 7).is_some());
    assert!(ids.find_at(OTHER, &link, |_| true).is_none());
    tokio::time::advance(Duration::from_secs(5) + GRACE).await;
    assert!(ids.find(ONE, "a").is_none());
    assert!(ids.is_to_be_swept() && !ids.is_to_be_swept());
    assert!(!ids.sweep() && ids.is_to_be_swept());
    assert!(!link.is_task_awaited("a"), "the link has forgotten it too");
}

#[tokio::test(start_paused = true)]
async fn an_id_that_two_children_mint_for_one_session_is_shown_under_another_name_once() {
    let (ids, first, second) = (TaskIds::default(), link(), link());
    assert_eq!(shown(&enter(&ids, ONE, &first)), ("1", "1"));
    assert_eq!(shown(&enter(&ids, OTHER, &second)), ("1", "1"), "another session sees no collision");
    let renamed = enter(&ids, ONE, &second);
    assert_eq!((shown(&renamed), renamed.is_renamed()), (("1~1", "1"), true));
    assert!(ids.find(ONE, "1").unwrap().link.is(&first) && ids.find(ONE, "1~1").unwrap().link.is(&second));
    assert_eq!(shown(&ids.find_at(ONE, &second, |at| &*at.own == "1").unwrap()), ("1~1", "1"));
    // A child that mints an id again, or takes the place of one that is gone, means the new task.
    assert_eq!(shown(&enter(&ids, ONE, &first)), ("1", "1"));
    end(&first);
    assert_eq!(shown(&enter(&ids, ONE, &link())), ("1", "1"));
    ids.end(ClientKey(1));
    assert!(ids.find(ONE, "1").is_none() && ids.find(ONE, "1~1").is_none() && ids.find(OTHER, "1").is_some());
}

#[tokio::test(start_paused = true)]
async fn tasks_are_bounded_for_each_session_and_make_room_when_they_are_done() {
    let (ids, link) = (TaskIds::default(), link());
    for number in 0..OF_ONE {
        ids.has_room(ONE).unwrap();
        ids.enter(ONE, None, at(&link, &number.to_string()));
    }
    let refused = ids.has_room(ONE).unwrap_err();
    assert!(refused.message.contains("256 tasks of this session"), "{refused}");
    ids.has_room(OTHER).unwrap();
    link.fetched_task("5");
    ids.has_room(ONE).unwrap();
    assert!(ids.find(ONE, "5").is_none() && ids.find(ONE, "4").is_some());
    for number in 0..OF_ALL - OF_ONE + 1 {
        ids.enter(Holder::session(ClientKey(3 + number as u128)), None, at(&link, "x"));
    }
    let refused = ids.has_room(OTHER).unwrap_err();
    assert!(refused.message.contains("4096 tasks of all sessions"), "{refused}");
    end(&link);
    ids.has_room(OTHER).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_child_is_held_for_as_long_as_it_is_at_work() {
    let (ids, link) = (TaskIds::default(), link());
    ids.enter(ONE, None, at(&link, "a"));
    assert!(ids.sweep());
    assert_eq!(ids.find(ONE, "a").unwrap().place, Held::Yes);
    link.heard_of_task("a", Some(Status::Ended));
    assert!(ids.sweep());
    assert_eq!(ids.find(ONE, "a").unwrap().place, Held::No, "its result can still be fetched");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_of_a_task_before_it_is_known_is_told_with_it() {
    let (ids, link) = (TaskIds::default(), link());
    let early = |client, number, method: &str| Early {
        client: ClientKey(client),
        link: link.clone(),
        number,
        method: method.into(),
        params: bytes::Bytes::new(),
        since: Instant::now(),
    };
    ids.keep(early(1, 7, "old"));
    tokio::time::advance(Duration::from_secs(11)).await;
    for (client, number, method) in [(1, 7, "first"), (2, 7, "other"), (1, 8, "later"), (1, 7, "second")] {
        ids.keep(early(client, number, method));
    }
    let (_, told) = ids.enter(ONE, None, at(&link, "a"));
    assert_eq!(told.iter().map(|early| &*early.method).collect::<Vec<_>>(), ["first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_made_in_one_era_is_not_there_in_the_other_and_both_go_with_the_connection() {
    let (ids, link) = (TaskIds::default(), link());
    let modern = Holder { era: Era::Modern, ..ONE };
    ids.enter(ONE, None, at(&link, "a"));
    ids.enter(modern, None, begun_at(Era::Modern, &link, "b"));
    assert!(ids.find(ONE, "b").is_none() && ids.find(modern, "a").is_none() && ids.find(modern, "b").is_some());
    ids.end(ClientKey(1));
    assert!(ids.find(ONE, "a").is_none() && ids.find(modern, "b").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_task_is_known_for_as_long_as_the_shard_says_last() {
    let (ids, link) = (TaskIds::default(), link());
    let second = Duration::from_secs(1);
    ids.enter(PASSING, Some(60 * second), begun_at(Era::Modern, &link, "a"));
    tokio::time::advance(30 * second).await;
    ids.last(PASSING, "a", Some(120 * second));
    tokio::time::advance(90 * second + GRACE - second).await;
    assert!(ids.find(PASSING, "a").is_some());
    for endless in [None, Some(Duration::MAX), Some(100 * LONGEST)] {
        ids.last(PASSING, "a", endless);
        tokio::time::advance(LONGEST + GRACE - second).await;
        assert!(ids.find(PASSING, "a").is_some(), "{endless:?}");
    }
    ids.last(PASSING, "a", Some(Duration::ZERO));
    assert!(ids.find(PASSING, "a").is_none());
    ids.last(PASSING, "b", None);
}

#[tokio::test(start_paused = true)]
async fn of_too_many_modern_tasks_those_that_are_done_go_first_and_then_the_one_not_asked_for_the_longest() {
    let (ids, link) = (TaskIds::default(), link());
    let fill = || {
        for number in 0..OF_PASSING {
            ids.has_room(PASSING).unwrap();
            ids.enter(PASSING, None, begun_at(Era::Modern, &link, &number.to_string()));
        }
    };
    fill();
    let refused = ids.has_room(PASSING).unwrap_err();
    assert_eq!(refused.code, code::INTERNAL);
    assert!(refused.message.starts_with("2048 tasks of all clients without a connection"), "{refused}");
    ids.has_room(ONE).unwrap();
    link.fetched_task("7");
    ids.has_room(PASSING).unwrap();
    assert!(ids.find(PASSING, "7").is_none());
    ids.enter(PASSING, None, begun_at(Era::Modern, &link, "7"));
    tokio::time::advance(UNASKED / 2).await;
    ids.find(PASSING, "0").unwrap();
    link.asked_for_task("0", None);
    ids.has_room(PASSING).unwrap_err();
    tokio::time::advance(UNASKED / 2).await;
    // By now the children are kept for one of them only.
    assert!(link.is_task_awaited("0") && !link.is_task_awaited("1"));
    ids.has_room(PASSING).unwrap();
    assert!(ids.find(PASSING, "0").is_some(), "somebody asks for it");
}
