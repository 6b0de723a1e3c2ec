//! Questions that nobody answers, without a process: a link, one call, and what the shard asks in it.

use super::*;
use crate::config::Mask;
use crate::shard::Heritage;
use crate::shard::budget::Budget;
use crate::shard::link::{Caller, Deadlines, Event, Limits, Ties, read, write};
use crate::wire::{Capabilities, Level};

const CLIENT: ClientKey = ClientKey(7);
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_question_that_outlives_its_call_is_declined_when_nobody_listens_any_more() {
    let heritage = Heritage::default();
    let link = Link::new(Limits::new(64, 6000, Budget::new(0), Mask::default()), heritage.clone(), Ties::default());
    let asks = Capabilities::read(Raw::parse(br#"{"elicitation":{}}"#).ok());
    let caller = Caller { client: CLIENT.0, level: Some(Level::Debug), asks, ..Caller::GATEWAY };
    let mut call = link.call(1, b"call".to_vec(), caller, Deadlines { call: HOUR, max: HOUR }).unwrap();
    // Only what was sent can be asked about.
    let _ = tokio::time::timeout(Duration::from_secs(1), write(link.clone(), Vec::new())).await;
    let question = concat!(r#"{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{}}"#, "\n");
    read(link.clone(), question.as_bytes()).await.unwrap();
    let Event::Ask(ask) = call.next().await else { panic!("the shard asks") };

    let register = Asks::default();
    let (id, _) = register.open(CLIENT, &link, &ask).unwrap();
    tokio::time::advance(2 * PATIENCE).await;
    register.tire(|_| false);
    assert_eq!(heritage.stats.declined(), 0, "the call is under way");
    register.outlived(&[id]);
    for is_heard in [false, true, false] {
        tokio::time::advance(PATIENCE - Duration::from_millis(1)).await;
        register.tire(|client| client == CLIENT && is_heard);
        assert_eq!(heritage.stats.declined(), 0, "the session was there a while ago");
    }
    tokio::time::advance(Duration::from_millis(1)).await;
    register.tire(|_| false);
    register.tire(|_| false);
    assert_eq!(heritage.stats.declined(), 1);
}
