//! The table of calls alone, without a child.

use super::*;
use crate::shard::link::Begun;
use crate::wire::Era;

fn entry(client: u128, level: Option<Level>) -> Entry {
    let caller = Caller { client, level, asks: Capabilities::SAMPLING, ..Caller::GATEWAY };
    Entry { mailbox: Arc::new(Mailbox::new(Instant::now())), caller, sent: false }
}

fn table(clients: &[u128]) -> Table {
    let mut table = Table::new();
    for (number, client) in (1..).zip(clients) {
        table.enqueue(number, vec![b'c'], entry(*client, Some(Level::Info)), 64).unwrap();
    }
    table
}

#[test]
fn only_what_was_sent_is_cancelled_at_the_shard() {
    let mut table = table(&[1, 1]);
    let mut out = Vec::new();
    assert!(!table.remove(1), "an unsent call needs no cancellation");
    assert_eq!(table.take_batch(64, &mut out), Batch::Write);
    assert_eq!(out, b"c\n");
    table.withdraw(2);
    assert!(table.remove(2), "what was sent cannot be taken back");
    table.enqueue(3, vec![b'c'], entry(1, None), 64).unwrap();
    table.withdraw(3);
    assert_eq!(table.take_batch(64, &mut Vec::new()), Batch::Wait);
    assert_eq!(table.in_flight(), (0, 0));
}

#[test]
fn calls_above_the_limit_wait_and_then_are_refused() {
    let mut table = table(&[1; 3]);
    let mut out = Vec::new();
    table.take_batch(2, &mut out);
    assert_eq!(table.in_flight(), (2, 1));
    for number in 100..99 + WAITING as u64 {
        table.enqueue(number, Vec::new(), entry(1, None), 2).unwrap();
    }
    let full = table.enqueue(999, Vec::new(), entry(1, None), 2).unwrap_err();
    assert_eq!(full, Refused::Full { in_flight: 2, waiting: WAITING });
    table.answered(1).unwrap();
    out.clear();
    assert_eq!(table.take_batch(2, &mut out), Batch::Write);
    assert_eq!(table.in_flight(), (2, WAITING - 1));
}

#[test]
fn calls_that_wait_are_bounded_in_bytes_too() {
    let mut table = table(&[]);
    let heavy = || vec![b' '; WAITING_BYTES / 2 + 1];
    table.enqueue(1, heavy(), entry(1, None), 1).unwrap();
    assert_eq!(table.enqueue(2, heavy(), entry(1, None), 1), Err(Refused::Heavy { waiting: WAITING_BYTES }));
    table.remove(1);
    table.enqueue(3, heavy(), entry(1, None), 1).unwrap();
    table.take_batch(1, &mut Vec::new());
    table.enqueue(4, heavy(), entry(1, None), 1).unwrap();
}

#[test]
fn a_message_without_a_call_goes_to_the_only_client_that_fits() {
    let check = |clients: &[u128], expected: Option<u128>| {
        let mut table = table(clients);
        table.take_batch(64, &mut Vec::new());
        let found = table.ask_candidate(Capabilities::SAMPLING, None).map(|entry| entry.caller.client);
        assert_eq!(found, expected, "{clients:?}");
        assert_eq!(table.log_candidate(Level::Error, None).map(|entry| entry.caller.client), expected);
        assert!(table.log_candidate(Level::Debug, None).is_none());
        assert!(table.ask_candidate(Capabilities::ROOTS, None).is_none());
        let owner = clients.last().copied();
        assert_eq!(table.ask_candidate(Capabilities::SAMPLING, owner).map(|entry| entry.caller.client), owner);
        assert!(table.ask_candidate(Capabilities::SAMPLING, Some(9)).is_none(), "its owner has no call here");
    };
    check(&[], None);
    check(&[7], Some(7));
    check(&[7, 7], Some(7));
    check(&[7, 8], None);
}

#[tokio::test(start_paused = true)]
async fn what_a_child_may_still_say_for_a_call_that_was_given_up_is_nobody_elses() {
    let asked = |table: &Table| table.ask_candidate(Capabilities::SAMPLING, None).map(|entry| entry.caller.client);
    let given_up = || {
        let mut table = table(&[7, 8, 8]);
        table.take_batch(64, &mut Vec::new());
        assert!(table.remove(1));
        table
    };
    let mut table = given_up();
    assert_eq!(asked(&table), None, "it may be the other's question");
    assert!(table.log_candidate(Level::Error, None).is_none() && table.log_candidate(Level::Error, Some(8)).is_some());
    table.pay(1);
    assert_eq!(asked(&table), Some(8), "the child has answered all the same");
    assert!(table.remove(2));
    assert_eq!(asked(&table), Some(8), "it is the same client's");
    let table = given_up();
    tokio::time::advance(GHOST).await;
    assert_eq!(asked(&table), Some(8), "the child has had its time");
    let mut unsent = self::table(&[7, 8]);
    unsent.remove(1);
    unsent.take_batch(64, &mut Vec::new());
    assert_eq!(asked(&unsent), Some(8), "what was not sent asks nothing");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_given_up_is_not_forgotten_for_others_that_are() {
    let mut table = table(&[7, 8]);
    table.take_batch(64, &mut Vec::new());
    assert!(table.remove(1));
    for number in 3..3 + GHOSTS as u64 {
        table.enqueue(number, vec![b'c'], entry(8, Some(Level::Info)), 64).unwrap();
        table.take_batch(64, &mut Vec::new());
        assert!(table.remove(number));
    }
    let asked =
        |table: &Table, owner| table.ask_candidate(Capabilities::SAMPLING, owner).map(|entry| entry.caller.client);
    assert_eq!(asked(&table, None), None, "it may still be the question of the first");
    assert_eq!(asked(&table, Some(8)), Some(8), "unless the child says whose it is");
    tokio::time::advance(GHOST).await;
    assert_eq!(asked(&table, None), Some(8));
}

#[test]
fn a_call_that_was_given_up_is_owed_until_it_is_answered() {
    let mut table = Table::new();
    (1..=OWED as u64).for_each(|number| table.owe(number));
    assert!((2..=OWED as u64).all(|number| !table.pay(number)) && table.owes());
    assert!(table.pay(1) && !table.owes());
    assert!(!table.pay(1), "it was answered before");
    (1..=OWED as u64 + 1).for_each(|number| table.owe(number));
    assert!((1..=OWED as u64 + 1).all(|number| !table.pay(number)), "too many were given up to tell");
    assert!(table.owes());
}

#[test]
fn a_call_that_waits_is_no_candidate() {
    assert!(table(&[7]).ask_candidate(Capabilities::SAMPLING, None).is_none());
}

#[test]
fn the_gateway_asks_its_own_questions_whatever_the_limit_is() {
    let own = || Entry { mailbox: entry(0, None).mailbox, caller: Caller::GATEWAY, sent: false };
    let mut table = Table::new();
    table.enqueue(1, b"call".to_vec(), entry(7, None), 1).unwrap();
    table.enqueue(2, b"discover".to_vec(), own(), 1).unwrap();
    table.enqueue(3, b"initialize".to_vec(), own(), 1).unwrap();
    let mut out = Vec::new();
    table.take_batch(1, &mut out);
    assert_eq!(out, b"discover\ninitialize\ncall\n");
    assert_eq!(table.in_flight(), (1, 0));
    assert!(table.answered(2).is_some() && table.remove(3));
    assert_eq!(table.in_flight(), (1, 0));
    assert!(!table.has_served, "the gateway's own questions prove nothing");
    table.answered(1).unwrap();
    assert_eq!(table.in_flight(), (0, 0));
    assert!(table.has_served);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_to_go_takes_what_follows_up_a_task_for_as_long_as_it_is_awaited() {
    let mut table = table(&[7]);
    table.take_batch(64, &mut Vec::new());
    table.answered(1).unwrap();
    let most = Duration::from_secs(60);
    table.tasks.add("a", Begun { era: Era::Legacy, client: 7, number: 1, ttl: None, most });
    assert!(table.idle_since().is_none(), "it is at work");
    table.refuse();
    assert_eq!(table.take_batch(64, &mut Vec::new()), Batch::Wait);
    let follow = || {
        let caller = Caller { purpose: Purpose::FollowsUp, ..entry(7, None).caller };
        Entry { caller, ..entry(7, None) }
    };
    assert_eq!(table.enqueue(2, Vec::new(), entry(7, None), 64), Err(Refused::Gone));
    table.enqueue(3, b"get".to_vec(), follow(), 64).unwrap();
    let mut out = Vec::new();
    assert_eq!((table.take_batch(64, &mut out), &*out), (Batch::Write, &b"get\n"[..]));
    table.answered(3).unwrap();
    table.tasks.fetched("a");
    assert_eq!(table.take_batch(64, &mut Vec::new()), Batch::End);
    assert_eq!(table.enqueue(4, Vec::new(), follow(), 64), Err(Refused::Gone), "nobody would write it");
}

#[test]
fn the_control_lane_goes_first_and_is_bounded() {
    let mut table = table(&[1]);
    table.enqueue_control(b"first".to_vec()).unwrap();
    for is_first in [true, false, false] {
        assert_eq!(table.enqueue_control(vec![0; CONTROL_BYTES]), Err(Overrun { is_first }));
    }
    let mut out = Vec::new();
    table.take_batch(64, &mut out);
    assert_eq!(out, b"first\nc\n");
    table.refuse();
    out.clear();
    assert_eq!(table.take_batch(64, &mut out), Batch::Wait, "a call is still with the shard");
    table.drain();
    assert_eq!(table.take_batch(64, &mut out), Batch::End);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_gone_takes_no_follow_up_even_if_its_writer_met_a_broken_pipe() {
    let mut table = table(&[7]);
    table.take_batch(64, &mut Vec::new());
    assert_eq!(table.drain().len(), 1);
    let caller = Caller { purpose: Purpose::FollowsUp, ..entry(7, None).caller };
    assert_eq!(table.enqueue(2, Vec::new(), Entry { caller, ..entry(7, None) }, 64), Err(Refused::Gone));
}
