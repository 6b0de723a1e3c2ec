//! Inboxes: which stream tells what, what waits, and what is refused.

use super::*;

const KEY: ClientKey = ClientKey(7);

fn text(messages: Vec<Bytes>) -> Vec<String> {
    messages.into_iter().map(|message| String::from_utf8_lossy(&message).into_owned()).collect()
}

fn is_empty(inboxes: &Inboxes) -> bool {
    let sessions = inboxes.lock();
    sessions.open.is_empty() && sessions.bytes == 0
}

fn open(inboxes: &Arc<Inboxes>, view: View) -> Ear {
    inboxes.open(KEY, &Arc::new(view))
}

#[tokio::test(start_paused = true)]
async fn a_message_is_told_once_and_by_the_newest_stream() {
    let inboxes = Arc::<Inboxes>::default();
    let older = open(&inboxes, View::All);
    let newer = open(&inboxes, View::alone("a"));
    inboxes.post(KEY, Bytes::from_static(b"1")).unwrap();
    assert!(older.messages().is_empty());
    assert_eq!(text(newer.messages()), ["1"]);
    assert!(newer.messages().is_empty());
    inboxes.post(KEY, Bytes::from_static(b"2")).unwrap();
    drop(newer);
    assert_eq!(text(older.messages()), ["2"], "what a stream that closed did not tell is told by the one before it");
}

#[tokio::test(start_paused = true)]
async fn what_a_stream_took_and_did_not_tell_is_told_next_by_the_newest_and_within_the_bounds() {
    let inboxes = Arc::<Inboxes>::default();
    let (older, newer) = (open(&inboxes, View::All), open(&inboxes, View::All));
    let messages = |names: &[&'static str]| names.iter().map(|name| Bytes::from_static(name.as_bytes())).collect();
    inboxes.post(KEY, Bytes::from_static(b"3")).unwrap();
    older.put_back(messages(&["1", "2"]));
    drop(older);
    assert_eq!(text(newer.messages()), ["1", "2", "3"]);
    for _ in 1..DEPTH {
        inboxes.post(KEY, Bytes::from_static(b"later")).unwrap();
    }
    newer.put_back(messages(&["first", "second", "third"]));
    let told = text(newer.messages());
    assert_eq!((told.len(), &*told[0], &*told[1]), (DEPTH + 1, "first", "later"));
    assert!(told[DEPTH].contains("2 log messages were dropped"), "{}", told[DEPTH]);
    drop(newer);
    assert!(is_empty(&inboxes));
}

#[tokio::test(start_paused = true)]
async fn a_stream_speaks_for_its_view_and_for_the_shards_in_it() {
    let inboxes = Arc::<Inboxes>::default();
    let (all, a, b) = (open(&inboxes, View::All), open(&inboxes, View::alone("a")), open(&inboxes, View::alone("b")));
    assert!([&all, &a, &b].iter().all(|ear| ear.speaks_for_view()));
    let speakers = |shard: &str| [&all, &a, &b].map(|ear| ear.speaks_for(shard));
    assert_eq!(speakers("a"), [false, true, false]);
    assert_eq!(speakers("b"), [false, false, true]);
    assert_eq!(speakers("c"), [true, false, false]);
    let newest = open(&inboxes, View::All);
    assert!(!all.speaks_for_view() && newest.speaks_for_view() && newest.speaks_for("a") && !a.speaks_for("a"));
}

#[tokio::test(start_paused = true)]
async fn messages_wait_a_while_for_a_stream_that_is_about_to_open() {
    let inboxes = Arc::<Inboxes>::default();
    inboxes.post(KEY, Bytes::from_static(b"1")).unwrap();
    tokio::time::advance(PATIENCE).await;
    assert_eq!(text(open(&inboxes, View::All).messages()), ["1"]);
    inboxes.post(KEY, Bytes::from_static(b"2")).unwrap();
    tokio::time::advance(PATIENCE + Duration::from_millis(1)).await;
    assert!(open(&inboxes, View::All).messages().is_empty());
    assert!(is_empty(&inboxes));
}

#[tokio::test(start_paused = true)]
async fn logs_that_find_no_room_are_counted_and_other_messages_are_refused() {
    let inboxes = Arc::<Inboxes>::default();
    let ear = open(&inboxes, View::All);
    for number in 0..DEPTH + 3 {
        inboxes.log(KEY, Bytes::from(number.to_string()));
    }
    assert_eq!(inboxes.post(KEY, Bytes::new()), Err(Unheard::Full));
    let told = text(ear.messages());
    assert_eq!((told.len(), &*told[DEPTH - 1]), (DEPTH + 1, "63"));
    assert!(told[DEPTH].contains("3 log messages were dropped"), "{}", told[DEPTH]);
    assert!(ear.messages().is_empty());
}

#[tokio::test(start_paused = true)]
async fn all_messages_together_are_bounded_in_bytes_and_in_sessions_without_a_stream() {
    let inboxes = Arc::<Inboxes>::default();
    inboxes.post(KEY, vec![0; BYTES].into()).unwrap();
    assert_eq!(inboxes.post(ClientKey(8), Bytes::from_static(b"1")), Err(Unheard::Heavy));
    inboxes.forget(KEY);
    assert!(is_empty(&inboxes));
    for key in 0..EXPECTED {
        inboxes.post(ClientKey(key as u128), Bytes::from_static(b"1")).unwrap();
    }
    assert_eq!(inboxes.post(ClientKey(u128::MAX), Bytes::new()), Err(Unheard::NoStream));
}

#[tokio::test(start_paused = true)]
async fn whoever_listens_is_woken_by_what_came_while_it_did_not() {
    let inboxes = Arc::<Inboxes>::default();
    let mut ear = open(&inboxes, View::All);
    ear.listen();
    inboxes.wake(KEY);
    ear.woken().await;
}
