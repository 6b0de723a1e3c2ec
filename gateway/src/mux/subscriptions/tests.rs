//! Subscriptions without a shard: who counts, who is told, and what is forgotten.

use super::*;
use crate::config::Mask;
use crate::fleet::View;
use crate::shard::Heritage;
use crate::shard::budget::Budget;
use crate::shard::followed::{self, Audience, OF_ALL, OF_ONE};
use crate::shard::link::{Limits, Ties};

const ONE: ClientKey = ClientKey(1);
const OTHER: ClientKey = ClientKey(2);

fn subscriptions() -> Arc<Subscriptions> {
    Arc::new(Subscriptions::new(Feed::default(), Arc::default()))
}

fn link() -> Link {
    Link::new(Limits::new(64, 1024, Budget::new(1024), Mask::default()), Heritage::default(), Ties::default())
}

fn shard() -> Arc<str> {
    Arc::from("s")
}

fn follow(subscriptions: &Arc<Subscriptions>, client: ClientKey, uri: &str) {
    subscriptions.subscribe(client, &shard(), uri).unwrap().agreed(&link());
}

fn leave(subscriptions: &Arc<Subscriptions>, client: ClientKey, instances: Instances) -> Course {
    subscriptions.unsubscribe(client, &shard(), "a", instances)
}

fn standings(subscriptions: &Subscriptions) -> Vec<(u128, Standing)> {
    subscriptions.feed.followed.borrow().followers(&shard(), "a").collect()
}

/// What a client is told after the shard has touched a uri.
fn told(subscriptions: &Subscriptions, client: ClientKey, uri: &str) -> usize {
    subscriptions.feed.touch(&shard(), Audience::Everybody, uri);
    subscriptions.feed.take_touched().iter().for_each(|touch| subscriptions.spread(touch));
    subscriptions.updated(client, |_| true).len()
}

#[test]
fn what_comes_to_nothing_leaves_nothing() {
    let subscriptions = subscriptions();
    let pending = subscriptions.subscribe(ONE, &shard(), "a").unwrap();
    assert_eq!(standings(&subscriptions), [(1, Standing::Asked)]);
    drop(pending);
    assert_eq!(standings(&subscriptions), []);
    let late = subscriptions.subscribe(ONE, &shard(), "a").unwrap();
    subscriptions.forget(ONE);
    late.agreed(&link());
    assert_eq!(standings(&subscriptions), [], "the session was over before the shard agreed");
}

#[test]
fn the_last_client_asks_the_shard_and_one_that_is_about_to_come_counts() {
    let subscriptions = subscriptions();
    follow(&subscriptions, ONE, "a");
    let coming = subscriptions.subscribe(OTHER, &shard(), "a").unwrap();
    assert!(matches!(leave(&subscriptions, ONE, Instances::Shared), Course::Settled));
    coming.agreed(&link());
    follow(&subscriptions, ONE, "a");
    let Course::AskShard(alone) = leave(&subscriptions, ONE, Instances::PerSession) else { panic!("it has its own") };
    drop(alone);
    assert_eq!(standings(&subscriptions), [(2, Standing::Kept)]);
    let Course::AskShard(last) = leave(&subscriptions, OTHER, Instances::Shared) else { panic!("it is the last") };
    assert_eq!(standings(&subscriptions), [(2, Standing::Leaving)]);
    follow(&subscriptions, OTHER, "a");
    last.agreed(&link());
    assert_eq!(standings(&subscriptions), [(2, Standing::Kept)], "it has changed its mind meanwhile");
}

#[test]
fn who_has_asked_while_the_shard_was_told_to_stop_has_it_asked_anew() {
    let subscriptions = subscriptions();
    let feed = subscriptions.feed.clone();
    let link = Link::new(
        Limits::new(64, 1024, Budget::new(1024), Mask::default()).following("s", feed),
        Heritage::default(),
        Ties::default(),
    );
    let due = || link.tell_due(64, Duration::from_secs(1)).len();
    subscriptions.subscribe(ONE, &shard(), "a").unwrap().agreed(&link);
    assert_eq!(due(), 0, "the client has had it told");
    let Course::AskShard(last) = leave(&subscriptions, ONE, Instances::Shared) else { panic!("it is the last") };
    let coming = subscriptions.subscribe(OTHER, &shard(), "a").unwrap();
    last.agreed(&link);
    assert_eq!(due(), 0, "one is still to come");
    coming.agreed(&link);
    assert_eq!((due(), due()), (1, 0), "which of both the shard read first, nobody knows");
    subscriptions.forget(OTHER);
    assert_eq!((due(), due()), (1, 0));
}

#[test]
fn what_was_not_told_is_forgotten_with_the_subscription() {
    let subscriptions = subscriptions();
    follow(&subscriptions, ONE, "a");
    follow(&subscriptions, ONE, "b");
    assert_eq!((told(&subscriptions, OTHER, "a/x"), told(&subscriptions, OTHER, "b")), (0, 0));
    let Course::AskShard(last) = leave(&subscriptions, ONE, Instances::Shared) else { panic!("it is the last") };
    last.agreed(&link());
    assert_eq!(subscriptions.updated(ONE, |_| true).len(), 1, "only `b`");
    assert_eq!(told(&subscriptions, ONE, "a"), 0);
}

#[test]
fn what_a_listener_was_not_granted_it_is_not_told_of() {
    let subscriptions = subscriptions();
    let listener = ClientKey(followed::listener(1));
    let resources = ["a", "b"].map(|uri| (shard(), uri.to_owned()));
    subscriptions.wish(listener, &resources).unwrap();
    for uri in ["a/x", "b"] {
        subscriptions.feed.touch(&shard(), Audience::Everybody, uri);
    }
    subscriptions.feed.take_touched().iter().for_each(|touch| subscriptions.spread(touch));
    subscriptions.change(|followed| followed.refuse(&shard(), "a", Audience::Everybody));
    assert_eq!(subscriptions.settle(listener, &resources, |_| true), ["b".to_owned()].into());
    assert_eq!(subscriptions.updated(listener, |_| true), [message("b")]);
}

#[test]
fn an_update_waits_for_a_stream_that_shows_its_shard() {
    let subscriptions = subscriptions();
    follow(&subscriptions, ONE, "a");
    subscriptions.feed.touch(&shard(), Audience::Session(OTHER.0), "a");
    subscriptions.feed.take_touched().iter().for_each(|touch| subscriptions.spread(touch));
    assert!(subscriptions.updated(ONE, |_| true).is_empty(), "another session's process has said so");
    assert_eq!(told(&subscriptions, OTHER, "a"), 0);
    assert!(subscriptions.updated(ONE, |name| name == "other").is_empty());
    assert_eq!(subscriptions.updated(ONE, |name| name == "s").len(), 1);
    assert!(subscriptions.dirty().is_empty());
}

#[test]
fn sessions_that_do_not_listen_make_room_for_others() {
    let subscriptions = subscriptions();
    let heard = subscriptions.inboxes.open(ClientKey(0), &Arc::new(View::All));
    subscriptions.change(|followed| {
        for number in 0..OF_ALL {
            followed.set(&shard(), &number.to_string(), (number / OF_ONE) as u128, Standing::Kept);
        }
    });
    follow(&subscriptions, ClientKey(99), "a");
    let sessions = subscriptions.feed.followed.borrow().sessions();
    assert!(sessions.contains(&0) && !sessions.contains(&1) && sessions.contains(&2), "{sessions:?}");
    drop(heard);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_not_listened_for_long_follows_nothing_any_more() {
    let subscriptions = subscriptions();
    follow(&subscriptions, ONE, "a");
    follow(&subscriptions, OTHER, "a");
    let _listens = subscriptions.inboxes.open(OTHER, &Arc::new(View::All));
    let mut deaf = HashMap::new();
    subscriptions.forget_deaf(&mut deaf);
    tokio::time::advance(DEAF - Duration::from_millis(1)).await;
    subscriptions.forget_deaf(&mut deaf);
    assert_eq!(standings(&subscriptions).len(), 2);
    tokio::time::advance(Duration::from_millis(1)).await;
    subscriptions.forget_deaf(&mut deaf);
    assert_eq!(standings(&subscriptions), [(2, Standing::Kept)]);
    assert!(deaf.is_empty());
}
