//! Subscriptions without a shard: who counts, who is told, and what is forgotten.

use super::*;
use crate::config::Mask;
use crate::fleet::View;
use crate::shard::Heritage;
use crate::shard::budget::Budget;
use crate::shard::followed::{Audience, OF_ALL, OF_ONE};
use crate::shard::link::Limits;

const ONE: ClientKey = ClientKey(1);
const OTHER: ClientKey = ClientKey(2);

fn subscriptions() -> Arc<Subscriptions> {
    Arc::new(Subscriptions::new(Feed::default(), Arc::default()))
}

fn link() -> Link {
    Link::new(Limits::new(64, 1024, Budget::new(1024), Mask::default()), Heritage::default())
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
