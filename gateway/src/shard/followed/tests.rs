//! What is followed, and what a touched resource comes to.

use super::*;

fn shard() -> Arc<str> {
    Arc::from("s")
}

fn following(uris: &[(&str, u128)]) -> Followed {
    let mut followed = Followed::default();
    for (uri, session) in uris {
        followed.set(&shard(), uri, *session, Standing::Kept);
    }
    followed
}

fn hearers(followed: &Followed, session: Option<u128>, uri: &str) -> Vec<(u128, String)> {
    let audience = session.map_or(Audience::Everybody, Audience::Session);
    let touch = Touch { shard: shard(), audience, uri: uri.to_owned() };
    followed.hearers(&touch).into_iter().collect()
}

#[test]
fn a_touched_resource_is_heard_of_by_who_follows_it_or_what_it_belongs_to() {
    let followed = following(&[("file:///d", 1), ("file:///d/", 2), ("file:///d/x", 3), ("file:///dx", 4)]);
    let heard = |uri: &str| hearers(&followed, None, uri).into_iter().map(|(session, _)| session).collect::<Vec<_>>();
    assert_eq!(heard("file:///d/x"), [1, 2, 3]);
    assert_eq!(heard("file:///d/x/y#z"), [1, 2, 3]);
    assert_eq!(heard("file:///d?q"), [1]);
    assert_eq!(heard("file:///d"), [1]);
    assert_eq!(heard("file:///dxy"), [0_u128; 0]);
    assert_eq!(hearers(&followed, Some(2), "file:///d/x"), [(2, "file:///d/".to_owned())]);
}

#[test]
fn another_shards_resource_of_the_same_uri_is_another_resource() {
    let followed = following(&[("a", 1)]);
    let touch = Touch { shard: Arc::from("other"), audience: Audience::Everybody, uri: "a".into() };
    assert!(followed.hearers(&touch).is_empty());
    assert!(followed.wishes(&Arc::from("r"), Audience::Everybody).is_empty());
}

#[test]
fn a_shard_is_to_keep_what_its_audience_follows_for_good() {
    let mut followed = following(&[("a", 1), ("b", 2)]);
    followed.ask(&shard(), "a", 3).unwrap();
    followed.ask(&shard(), "c", 3).unwrap();
    followed.set(&shard(), "b", 2, Standing::Leaving);
    let wishes = |audience| followed.wishes(&shard(), audience).into_iter().collect::<Vec<_>>();
    let all = [("a", Standing::Kept), ("b", Standing::Leaving), ("c", Standing::Asked)];
    assert_eq!(wishes(Audience::Everybody), all);
    assert_eq!(wishes(Audience::Session(3)), [("a", Standing::Asked), ("c", Standing::Asked)]);
    assert_eq!(wishes(Audience::Nobody), []);
}

#[test]
fn asking_again_changes_nothing_and_failing_then_takes_nothing_away() {
    let mut followed = following(&[("a", 1)]);
    followed.ask(&shard(), "a", 1).unwrap();
    followed.forget_if(&shard(), "a", 1, &[Standing::Asked]);
    assert_eq!(followed.followers(&shard(), "a").collect::<Vec<_>>(), [(1, Standing::Kept)]);
    followed.ask(&shard(), "b", 1).unwrap();
    followed.forget_if(&shard(), "b", 1, &[Standing::Asked]);
    assert_eq!(followed.followers(&shard(), "b").count(), 0);
}

#[test]
fn what_is_followed_is_bounded_for_each_session_and_for_all() {
    let mut followed = Followed::default();
    for number in 0..OF_ALL {
        followed.set(&shard(), &number.to_string(), (number / OF_ONE) as u128, Standing::Kept);
    }
    assert_eq!(followed.ask(&shard(), "another", 0), Err(Unfollowed::OfOne));
    assert_eq!(followed.ask(&shard(), "another", 99), Err(Unfollowed::OfAll));
    assert_eq!(followed.ask(&shard(), "0", 0), Ok(()), "what is followed already takes no new place");
    assert_eq!(followed.ask(&shard(), &"x".repeat(LONGEST + 1), 0), Err(Unfollowed::Overlong(LONGEST + 1)));
    assert!(followed.forget_session(0) && !followed.forget_session(0));
    assert_eq!(followed.ask(&shard(), "another", 99), Ok(()));
}

#[test]
fn a_flood_of_touched_resources_shrinks_to_those_that_are_followed() {
    let feed = Feed::default();
    feed.followed.send_modify(|followed| followed.set(&shard(), "d:", 1, Standing::Kept));
    feed.followed.send_modify(|followed| followed.set(&shard(), "e", 1, Standing::Kept));
    for number in 0..TOUCHED + 10 {
        feed.touch(&shard(), Audience::Everybody, &format!("e/{number}"));
        feed.touch(&shard(), Audience::Everybody, &format!("f/{number}"));
    }
    let touched = feed.take_touched();
    assert_eq!(touched.len(), TOUCHED + 1);
    assert!(touched.iter().any(|touch| touch.uri == "e"));
    assert!(feed.take_touched().is_empty());
}

#[test]
fn what_a_listener_wishes_is_decided_by_the_process_that_serves_it() {
    let mut followed = following(&[("a", 1)]);
    let (one, other) = (listener(1), listener(2));
    let (a, b) = ((shard(), "a".to_owned()), (shard(), "b".to_owned()));
    followed.wish(&[a, b.clone()], one).unwrap();
    followed.wish(&[b], other).unwrap();
    let wishes = |followed: &Followed, audience| followed.wishes(&shard(), audience).into_values().collect::<Vec<_>>();
    assert_eq!(wishes(&followed, Audience::Everybody), [Standing::Kept, Standing::Wished]);
    assert_eq!(wishes(&followed, Audience::Listeners), [Standing::Wished, Standing::Wished]);
    assert_eq!(wishes(&followed, Audience::Session(1)), [Standing::Kept]);

    followed.agree(&shard(), "b", Audience::Session(1));
    assert_eq!(followed.standing(&shard(), "b", one), Some(Standing::Wished), "it is none of that process's business");
    followed.agree(&shard(), "b", Audience::Listeners);
    followed.refuse(&shard(), "a", Audience::Everybody);
    followed.refuse(&shard(), "b", Audience::Everybody);
    assert_eq!(followed.standing(&shard(), "a", 1), Some(Standing::Kept), "whoever has it keeps it");
    assert_eq!(followed.standing(&shard(), "a", one), None);
    let kept = [one, other].map(|key| followed.standing(&shard(), "b", key));
    assert_eq!(kept, [Some(Standing::Kept); 2]);
    let touch = Touch { shard: shard(), audience: Audience::Listeners, uri: "b".into() };
    assert_eq!(followed.hearers(&touch).into_keys().collect::<Vec<_>>(), [one, other]);
}

#[test]
fn wishes_are_bounded_and_taken_all_or_not_at_all() {
    let mut followed = Followed::default();
    for number in 0..OF_ALL - 1 {
        followed.set(&shard(), &number.to_string(), 1, Standing::Kept);
    }
    let resources = ["x", "y"].map(|uri| (shard(), uri.to_owned()));
    assert_eq!(followed.wish(&resources, listener(1)), Err(Unfollowed::OfAll));
    assert_eq!(followed.standing(&shard(), "x", listener(1)), None);
    assert_eq!(followed.wish(&resources[..1], listener(1)), Ok(()));
    let long = [(shard(), "x".repeat(LONGEST + 1))];
    assert_eq!(followed.wish(&long, listener(2)), Err(Unfollowed::Overlong(LONGEST + 1)));
}
