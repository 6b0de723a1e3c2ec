//! What happens while a GET waits for its view, and what becomes of a stream that gives way.

use std::sync::Arc;

use axum::body::Body;
use http_body_util::BodyExt;
use tokio::sync::watch;

use super::super::delete;
use super::*;
use crate::door::{Key, Sessions};
use crate::fleet::World;
use crate::mux::{Client, Principal};
use crate::tasks::Tasks;
use crate::wire::{Capabilities, Revision};

const DAY: Duration = Duration::from_secs(86_400);

/// The headers of the requests of the one session that there is, which `sessions` has made.
fn headers(sessions: &Sessions) -> HeaderMap {
    let (key, revision, capabilities) = (ClientKey(7), Revision::V2025_11_25, Capabilities::NONE);
    let token = sessions.mint(&Client {
        key,
        principal: Principal::Connection(key),
        revision,
        info: "{}".into(),
        capabilities,
        level: None,
    });
    [(headers::SESSION_ID, token.parse().unwrap())].into_iter().collect()
}

/// The folder of shard files has been read; it is empty.
fn read(world: &watch::Sender<Arc<World>>) {
    world.send_modify(|world| Arc::get_mut(world).expect("nobody looks").is_read = true);
}

/// A view that has to wait for the folder, and shows nothing.
fn waiting_view() -> View {
    View::only([])
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_deleted_while_its_get_waits_for_the_view_has_no_stream() {
    for is_deleted in [false, true] {
        let tasks = Tasks::default();
        let (door, world) = Door::for_tests(&tasks);
        let headers = headers(&door.settings.sessions);
        let (got, ()) = tokio::join!(get(&door, waiting_view(), &headers), async {
            if is_deleted {
                assert_eq!(delete(&door, &headers).unwrap().status(), 204);
            }
            read(&world);
        });
        match got {
            Ok(stream) => assert_eq!((stream.status().as_u16(), is_deleted), (200, false)),
            Err(refused) => assert_eq!((refused.told().0, is_deleted), (404, true)),
        }
        assert!(door.streams.take(door.settings.limits.streams).is_ok(), "the place is free again");
        tasks.shutdown(Duration::from_secs(1)).await.unwrap();
    }
}

/// A session that has as many streams as it may, of which the oldest is about to tell of all three lists.
async fn crowd(tasks: &Tasks) -> (Door, HeaderMap, VecDeque<Body>) {
    let (mut door, _world) = Door::for_tests(tasks);
    let key = Key::random();
    door.settings.sessions = Sessions::new(&key, DAY);
    let elsewhere = Sessions::new(&key, DAY);
    let (here, there) = (headers(&door.settings.sessions), headers(&elsewhere));
    let mut streams = VecDeque::from([get(&door, View::All, &there).await]);
    while streams.len() < door.settings.limits.streams_per_session {
        streams.push_back(get(&door, View::All, &here).await);
    }
    let bodies = streams.into_iter().map(|stream| stream.unwrap().into_body());
    (door, here, bodies.collect())
}

async fn piece(stream: &mut Body) -> Option<String> {
    let piece = stream.frame().await?.unwrap().into_data().unwrap();
    Some(String::from_utf8(piece.to_vec()).unwrap())
}

async fn pieces<const N: usize>(stream: &mut Body) -> String {
    let mut pieces = String::new();
    for _ in 0..N {
        pieces += &piece(stream).await.expect("it goes on");
    }
    pieces
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_gives_way_ends_and_what_it_has_not_told_the_newest_tells() {
    let tasks = Tasks::default();
    let (door, headers, mut streams) = crowd(&tasks).await;
    let mut oldest = streams.pop_front().unwrap();
    let begun = pieces::<2>(&mut oldest).await;
    assert!(begun.contains("tools/list_changed") && !begun.contains("prompts"), "{begun}");
    let mut newest = get(&door, View::All, &headers).await.unwrap().into_body();
    assert_eq!(piece(&mut oldest).await, None);
    drop(oldest);
    let told = pieces::<3>(&mut newest).await;
    let is_told = ["tools", "prompts", "resources"].map(|list| told.contains(&format!("{list}/list_changed")));
    assert_eq!(is_told, [false, true, true], "{told}");
    for stream in &mut streams {
        let silent = pieces::<2>(stream).await;
        assert!(!silent.contains("list_changed"), "{silent}");
    }
    drop((newest, streams));
    tasks.shutdown(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_stream_has_not_told_that_nobody_reads_any_more_the_newest_tells() {
    let tasks = Tasks::default();
    let (door, headers, mut streams) = crowd(&tasks).await;
    let mut newest = get(&door, View::All, &headers).await.unwrap().into_body();
    assert!(!pieces::<2>(&mut newest).await.contains("list_changed"));
    drop(streams.pop_front());
    let told = pieces::<3>(&mut newest).await;
    assert_eq!(told.matches("list_changed").count(), 3, "{told}");
    drop((newest, streams));
    tasks.shutdown(Duration::from_secs(1)).await.unwrap();
}
