//! Streams that break, are left and come back; time is virtual.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::mpsc;

use super::*;
use crate::door::call::Asked;
use crate::mux::Answer;
use crate::wire::result_response;

const KEY: ClientKey = ClientKey(1);

/// A call whose shard is the test.
struct Scripted {
    yields: mpsc::UnboundedReceiver<Relayed>,
    is_alone: Arc<AtomicBool>,
}

impl Answering for Scripted {
    async fn next(&mut self) -> Relayed {
        self.yields.recv().await.expect("nobody asks on after the end")
    }

    fn asked(&self) -> Asked {
        Asked::One("7".into())
    }

    fn go_alone(&mut self) {
        self.is_alone.store(true, Ordering::Relaxed);
    }
}

struct Rig {
    tasks: Tasks,
    replay: Arc<Replay>,
    shard: mpsc::UnboundedSender<Relayed>,
    is_alone: Arc<AtomicBool>,
}

impl Rig {
    /// A register, and a stream in it that somebody reads.
    fn new(limit: usize, kind: Kind) -> (Self, Reading) {
        let tasks = Tasks::default();
        let replay = Replay::start(limit, &tasks);
        let (shard, yields) = mpsc::unbounded_channel();
        let is_alone = Arc::<AtomicBool>::default();
        let source = Scripted { yields, is_alone: Arc::clone(&is_alone) };
        let (reading, _) = replay.begin(KEY, kind, source, None);
        (Self { tasks, replay, shard, is_alone }, reading)
    }

    fn says(&self, text: &str) {
        self.shard.send(Relayed::Notice(text.to_owned().into())).unwrap();
    }

    fn answers(&self, size: usize) {
        let body = result_response("7", format!("\"{}\"", "x".repeat(size)).into());
        self.shard.send(Relayed::Done(Answer { body, code: None })).unwrap();
    }

    async fn resume(&self, key: ClientKey, id: &str) -> Option<Resumed> {
        let id = EventId::parse(id).unwrap();
        self.replay.resume(key, &id, || -> Scripted { panic!("this stream has its source") }).await
    }

    /// What has followed the event `id`, and who reads on.
    async fn going(&self, id: &str) -> (Vec<String>, Reading) {
        match self.resume(KEY, id).await {
            Some(Resumed::Going(events, reading)) => (texts(events), reading),
            Some(Resumed::Ended(events)) => panic!("ended with {events:?}"),
            None => panic!("there is no such stream"),
        }
    }

    /// What has followed the event `id` on a stream that has ended.
    async fn ended(&self, id: &str) -> Vec<String> {
        match self.resume(KEY, id).await {
            Some(Resumed::Ended(events)) => texts(events),
            Some(Resumed::Going(..)) => panic!("it goes on"),
            None => panic!("there is no such stream"),
        }
    }

    /// Lets the carrier of a stream that was left do what there is to do.
    async fn settle(&self) {
        sleep(Duration::from_millis(1)).await;
    }
}

fn texts(events: impl IntoIterator<Item = Bytes>) -> Vec<String> {
    events.into_iter().map(|event| String::from_utf8(event.to_vec()).unwrap()).collect()
}

fn id(event: &str) -> &str {
    event.strip_prefix("id: ").unwrap_or_else(|| panic!("{event}")).lines().next().unwrap()
}

fn data(event: &str) -> &str {
    event.split_once("data: ").unwrap().1.trim_end()
}

async fn read(reading: &mut Reading) -> String {
    texts(reading.next().await.expect("something comes")).concat()
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_client_left_is_carried_on_and_its_answer_waits_a_minute() {
    let (rig, mut reading) = Rig::new(usize::MAX, Kind::Call);
    let primed = String::from_utf8(reading.priming().to_vec()).unwrap();
    rig.says("1");
    let first = read(&mut reading).await;
    drop(reading);
    rig.says("2");
    rig.answers(10);
    rig.settle().await;
    let followed = rig.ended(id(&first)).await;
    assert_eq!(data(&followed[0]), "2");
    assert_eq!((followed.len(), data(&followed[1]).starts_with(r#"{"jsonrpc":"2.0","id":7,"result""#)), (2, true));
    assert_eq!(rig.ended(id(&primed)).await.len(), 3);
    assert_eq!(rig.ended(&id(&followed[1]).replacen('e', "c", 1)).await, [""; 0]);
    sleep(KEPT_FOR + Duration::from_millis(1)).await;
    assert!(rig.resume(KEY, id(&first)).await.is_none());
    rig.tasks.shutdown(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_last_who_comes_reads_on_and_the_one_before_ends_without_a_loss() {
    let (rig, mut old) = Rig::new(usize::MAX, Kind::Call);
    rig.says("1");
    let first = read(&mut old).await;
    let (ended, (followed, mut new)) = tokio::join!(old.next(), rig.going(id(&first)));
    assert_eq!((ended, followed), (None, vec![]));
    drop(old);
    rig.says("2");
    assert_eq!(data(&read(&mut new).await), "2");
    drop(new);
    let (followed, mut newest) = rig.going(id(&first)).await;
    assert_eq!(data(&followed[0]), "2");
    rig.answers(1);
    assert!(read(&mut newest).await.contains("result"));
    assert_eq!(newest.next().await, None);
    rig.tasks.shutdown(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn questions_wait_a_minute_for_a_client_that_left() {
    let (rig, reading) = Rig::new(usize::MAX, Kind::Call);
    drop(reading);
    sleep(KEPT_FOR - Duration::from_secs(1)).await;
    assert!(!rig.is_alone.load(Ordering::Relaxed));
    sleep(Duration::from_secs(2)).await;
    assert!(rig.is_alone.load(Ordering::Relaxed));
    rig.answers(1);
    rig.settle().await;
    rig.tasks.shutdown(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_room_is_replaced_by_an_error_only_for_who_was_away() {
    for (limit, size, setting) in [(usize::MAX, OF_SESSION, "1048576 bytes"), (100_000, 200_000, "--max-replay-memory")]
    {
        let (rig, mut reading) = Rig::new(limit, Kind::Call);
        rig.says("1");
        let first = read(&mut reading).await;
        rig.answers(size);
        assert!(read(&mut reading).await.len() > size, "who reads gets it");
        drop(reading);
        let followed = rig.ended(id(&first)).await;
        assert!(followed[0].contains(r#""id":7,"error""#) && followed[0].contains(setting), "{followed:?}");
        rig.tasks.shutdown(Duration::from_secs(1)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_kept_is_counted() {
    let (rig, mut reading) = Rig::new(usize::MAX, Kind::Call);
    rig.says("0");
    let first = read(&mut reading).await;
    drop(reading);
    for _ in 0..6 {
        rig.says(&"x".repeat(OF_SESSION / 4));
    }
    rig.settle().await;
    let (followed, reading) = rig.going(id(&first)).await;
    assert_eq!(followed.len(), 4);
    assert!(followed[0].contains("3 messages that came while nobody read"), "{}", followed[0]);
    drop(reading);
    rig.tasks.shutdown(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_found_in_its_session_only() {
    let (rig, mut reading) = Rig::new(usize::MAX, Kind::Call);
    rig.says("1");
    let first = read(&mut reading).await;
    assert!(rig.resume(ClientKey(2), id(&first)).await.is_none());
    assert!(rig.resume(KEY, &id(&first).replacen('c', "g", 1)).await.is_none());
    rig.replay.forget(KEY);
    assert!(rig.resume(KEY, id(&first)).await.is_none());
    rig.says("2");
    assert_eq!(data(&read(&mut reading).await), "2", "who reads reads on");
    drop(reading);
    rig.tasks.shutdown(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_a_session_waits_for_its_client_and_takes_nothing_meanwhile() {
    let (rig, mut reading) = Rig::new(usize::MAX, Kind::Listen);
    rig.says("1");
    let first = read(&mut reading).await;
    drop(reading);
    rig.says("2");
    rig.settle().await;
    let (followed, mut reading) = rig.going(id(&first)).await;
    assert_eq!(followed, [""; 0]);
    assert_eq!(data(&read(&mut reading).await), "2");
    drop(reading);
    sleep(KEPT_FOR + Duration::from_millis(1)).await;
    assert!(rig.resume(KEY, id(&first)).await.is_none());
    assert!(rig.shard.is_closed(), "its source is given back");
    rig.tasks.shutdown(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_stream_is_gone_is_answered_by_an_error_that_ends_it() {
    let id = EventId::parse(&Name::new(Kind::Call, 5, Some("\"a\"")).at(3)).unwrap();
    let event = String::from_utf8(gone(&id, id.request.as_deref().unwrap()).to_vec()).unwrap();
    assert!(event.starts_with("id: e5.4\n"), "{event}");
    assert!(event.contains(r#""id":"a","error""#) && event.contains("60s"), "{event}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_while_it_takes_its_call_up_again_leaves_it_to_be_carried_on() {
    let (rig, mut reading) = Rig::new(usize::MAX, Kind::Call);
    rig.says("1");
    let first = read(&mut reading).await;
    let track = Arc::clone(&reading.track);
    let held = track.carriage().await;
    let waits = tokio::time::timeout(Duration::from_millis(1), rig.resume(KEY, id(&first))).await;
    assert!(waits.is_err(), "somebody else holds the carriage");
    drop((held, reading));
    rig.says("2");
    rig.answers(10);
    rig.settle().await;
    assert_eq!(rig.ended(id(&first)).await.len(), 2);
}
