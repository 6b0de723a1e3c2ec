//! The register of calls that wait: who gets which, and what is said to whoever does not.
//!
//! Invariant: what is handed over is a number, so that neither a shard nor a link is needed.

use super::*;
use crate::mux::client::Client;
use crate::mux::route::Route;
use crate::wire::{Capabilities, Params, Raw, Revision};

const TIME: Duration = Duration::from_secs(60);

fn parked(calls: usize) -> Parked<u8> {
    Parked::new(ParkLimits { calls, time: TIME })
}

fn binding() -> Binding {
    Binding {
        principal: Principal::Passing,
        view: Arc::default(),
        method: "tools/call".into(),
        name: "a__b".into(),
        arguments: Digest::of(Raw::EMPTY_OBJECT),
    }
}

fn enter(parked: &Parked<u8>, binding: Binding) -> Option<(Handle, Post<u8>)> {
    parked.enter(&Arc::new(binding), &"a".into())
}

fn refusal(parked: &Parked<u8>, handle: &Handle, retry: &Binding) -> String {
    let fault = parked.claim(handle.clone(), retry).unwrap_err();
    assert_eq!(fault.code, code::INVALID_PARAMS);
    assert!(!fault.message.contains(handle.as_str()), "a handle is never shown");
    fault.message
}

#[tokio::test]
async fn only_the_same_request_of_the_same_principal_goes_on_and_others_consume_nothing() {
    let parked = parked(8);
    let (handle, mut post) = enter(&parked, binding()).unwrap();
    let other_arguments = Digest::of(Raw::parse(br#"{"a":1}"#).unwrap());
    let cases = [
        (Binding { principal: Principal::Connection(ClientKey(7)), ..binding() }, "no call of this client"),
        (Binding { view: Arc::new(View::Alone("a".into())), ..binding() }, "at another address"),
        (Binding { method: "prompts/get".into(), ..binding() }, "its method is `tools/call`"),
        (Binding { name: "a__c".into(), ..binding() }, "it names another one"),
        (Binding { arguments: other_arguments, ..binding() }, "it has other arguments"),
    ];
    for (retry, expected) in cases {
        let message = refusal(&parked, &handle, &retry);
        assert!(message.contains(expected), "{message}");
    }
    let claim = parked.claim(handle.clone(), &binding()).unwrap();
    let (taken, ()) = tokio::join!(claim.take(), async {
        assert_eq!(post.fate().await, Fate::Claimed);
        post.hand(5);
    });
    assert_eq!(taken, Some(5));
    assert!(refusal(&parked, &handle, &binding()).contains("has been used"));
}

#[tokio::test]
async fn of_two_that_want_the_same_call_one_gets_it() {
    let parked = parked(8);
    let (handle, _post) = enter(&parked, binding()).unwrap();
    let results = [parked.claim(handle.clone(), &binding()), parked.claim(handle, &binding())];
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_call_whose_time_is_over_says_so_to_who_comes_late() {
    let parked = parked(8);
    let (handle, mut post) = enter(&parked, binding()).unwrap();
    parked.expire(&handle);
    assert_eq!(post.fate().await, Fate::Expired);
    let message = refusal(&parked, &handle, &binding());
    assert!(message.contains("within 1m (`--parked-ttl`)") && message.contains("again without"), "{message}");
    assert!(refusal(&parked, &parked.mark.handle(), &binding()).contains("no call of this client"));
}

#[tokio::test]
async fn a_connection_that_ends_gives_its_calls_up_and_no_other() {
    let parked = parked(8);
    let mine = Binding { principal: Principal::Connection(ClientKey(1)), ..binding() };
    let (_, mut given_up) = enter(&parked, mine).unwrap();
    let (handle, mut kept) = enter(&parked, binding()).unwrap();
    parked.end(ClientKey(1));
    assert_eq!(given_up.fate().await, Fate::GivenUp);
    let claim = parked.claim(handle, &binding()).unwrap();
    let taking = tokio::join!(claim.take(), async { (kept.fate().await == Fate::Claimed).then(|| kept.hand(1)) });
    assert_eq!(taking, (Some(1), Some(())));
}

#[test]
fn one_principal_has_a_quarter_of_all_places() {
    let parked = parked(8);
    let places: Vec<_> = (0..3).map(|_| enter(&parked, binding())).collect();
    assert_eq!(places.iter().flatten().count(), 2);
    let others = (0..8).filter_map(|key| {
        let principal = Principal::Connection(ClientKey(key));
        enter(&parked, Binding { principal, ..binding() })
    });
    assert_eq!(others.collect::<Vec<_>>().len(), 6);
    drop(places);
    assert!(enter(&parked, binding()).is_none(), "a place is free when its call is claimed, given up or over");
}

#[test]
fn how_long_a_call_has_before_it_gives_way_is_told_in_words_for_people() {
    let limits = ParkLimits { calls: 1, time: Duration::from_secs(100) };
    let parked = Parked::<u8>::new(limits);
    let message = parked.gone(Some(Past::GaveWay)).message;
    assert!(message.contains("within 3s 333ms, and another call"), "{message}");
}

#[test]
fn what_is_past_is_forgotten_in_the_end() {
    let parked = parked(8);
    let handles: Vec<_> = (0..=PAST)
        .map(|_| {
            let (handle, _post) = enter(&parked, binding()).unwrap();
            parked.expire(&handle);
            handle
        })
        .collect();
    assert!(refusal(&parked, &handles[0], &binding()).contains("no call of this client"));
    assert!(refusal(&parked, &handles[1], &binding()).contains("`--parked-ttl`"));
}

#[tokio::test(start_paused = true)]
async fn the_call_that_has_waited_longest_gives_way_when_it_has_waited_long_enough() {
    let parked = parked(40);
    let (_, mut other) = parked.enter(&Arc::new(binding()), &"b".into()).unwrap();
    let (answered, mut done) = enter(&parked, binding()).unwrap();
    parked.settled(&answered);
    let way = parked.make_way("a");
    let entering = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let first = enter(&parked, binding()).unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
        (first, enter(&parked, binding()).unwrap(), Instant::now())
    };
    let ((), ((handle, mut first), (_, mut second), entered)) = tokio::join!(way, entering);
    assert!(entered.elapsed() >= TIME / PATIENT - Duration::from_millis(500), "it had its time");
    assert_eq!(first.fate().await, Fate::Expired);
    assert!(refusal(&parked, &handle, &binding()).contains("another call waited"));
    for kept in [&mut second, &mut other, &mut done] {
        let undecided = tokio::time::timeout(Duration::from_millis(1), kept.fate()).await;
        assert!(undecided.is_err());
    }
    assert_eq!((parked.count_of("a"), parked.count_of("b"), parked.count_of("c")), (2, 1, 0));
}

#[test]
fn a_request_whose_arguments_are_looked_at_later_is_the_same() {
    let client = Client {
        key: ClientKey(1),
        principal: Principal::Passing,
        revision: Revision::MODERN,
        info: "{}".into(),
        capabilities: Capabilities::NONE,
        level: None,
    };
    let route = Route::to_resource("tools/call", "a".into(), "", &Arc::default());
    let bound = |parked: &Parked<u8>, text: &str| {
        let raw = Raw::parse(text.as_bytes()).unwrap();
        Bound::of(&client, &route, &Params::read(Some(raw)).unwrap(), |arguments| parked.note(arguments))
    };
    let (parked, mut full) = (parked(8), parked(8));
    full.noted = Budget::new(0);
    let long = "x".repeat(5000);
    let written = format!(r#"{{"name":"a__b","arguments":{{"n":1.0,"long":"{long}"}}}}"#);
    let otherwise = format!(r#"{{"arguments":{{"long":"{long}", "n":1}},"name":"a\u005f_b"}}"#);
    let (later, at_once) = (bound(&parked, &written), bound(&full, &otherwise));
    assert!(matches!((&later, &at_once), (Bound::Noted(..), Bound::Known(_))));
    assert_eq!(later.known(&client, &route), at_once.known(&client, &route));
    let nothing = [r#"{"name":"a__b"}"#, r#"{"name":"a__b","arguments":{}}"#].map(|text| bound(&parked, text));
    let [left_out, empty] = nothing.map(|bound| bound.known(&client, &route));
    assert_eq!(left_out, empty);
    assert_eq!(*empty, binding());
}
