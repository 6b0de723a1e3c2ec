//! Which calls a client reaches by their ids.

use crate::wire::Capabilities;
use std::time::Duration;

use super::*;
use crate::config::Mask;
use crate::shard::Heritage;
use crate::shard::budget::Budget;
use crate::shard::link::{Caller, Deadlines, Limits};
use crate::wire::Raw;

fn enter(calls: &Arc<Calls>, client: u128, id: &str) -> Result<Ticket, Fault> {
    calls.enter(ClientKey(client), Id::read(Raw::parse(id.as_bytes()).unwrap()).unwrap())
}

fn is_cancelled(ticket: &Ticket) -> bool {
    ticket.cancel.lock().is_asked
}

#[test]
fn an_id_is_in_use_for_as_long_as_its_call_is() {
    let calls = Arc::default();
    let first = enter(&calls, 1, "7").unwrap();
    assert_eq!(enter(&calls, 1, "7.0").unwrap_err().code, code::INVALID_REQUEST);
    let others = [enter(&calls, 1, r#""7""#).unwrap(), enter(&calls, 2, "7").unwrap()];
    drop(first);
    enter(&calls, 1, "7").unwrap();
    drop(others);
    assert!(calls.lock().is_empty());
}

#[test]
fn only_the_clients_own_call_is_cancelled() {
    let calls = Arc::default();
    let tickets = [(1, "7"), (1, "8"), (2, "7")].map(|(client, id)| enter(&calls, client, id).unwrap());
    calls.cancel(ClientKey(1), "7", None);
    calls.cancel(ClientKey(1), "9", None);
    assert_eq!(tickets.each_ref().map(is_cancelled), [true, false, false]);
    calls.cancel_all(ClientKey(1));
    assert_eq!(tickets.each_ref().map(is_cancelled), [true, true, false]);
}

#[tokio::test]
async fn a_cancelled_call_that_waits_is_off_the_link_before_anybody_looks() {
    let calls = Arc::default();
    let limits = Limits::new(1, 1000, Budget::new(0), Mask::default());
    let link = Link::new(limits, Heritage::default());
    let caller = Caller { client: 1, level: None, progress: false, asks: Capabilities::NONE };
    let hour = Duration::from_secs(3600);
    let _call = link.call(1, b"call".to_vec(), caller, Deadlines { call: hour, max: hour }).unwrap();
    let ticket = enter(&calls, 1, "7").unwrap();
    ticket.taken(&link, 1);
    assert_eq!(link.in_flight(), (0, 1));
    calls.cancel(ClientKey(1), "7", None);
    assert_eq!(link.in_flight(), (0, 0));
}
