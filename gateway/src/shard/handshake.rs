//! How gateway and shard agree on an era (2025-11-25, basic/lifecycle; 2026-07-28, server/discover).
//!
//! Invariant: only a successful `initialize` without a DiscoverResult means legacy, and a verdict that rests on silence
//! alone is never certain. Answers are matched by id, so a late one is taken for nothing else.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::config::Capability;
use crate::shard::link::{Call, Caller, Deadlines, Event, Failure, Link, Reply};
use crate::wire::{Era, Fault, Meta, Raw, Revision, code, implementation, request};

/// How long `server/discover` may go unanswered before `initialize` is tried beside it.
const SILENCE: Duration = Duration::from_secs(3);
/// How long the other answer is waited for, once one of the two has come.
const GRACE: Duration = Duration::from_secs(2);

/// What is asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// `server/discover`, and `initialize` where that is not understood.
    Probe,
    /// `initialize` only.
    Initialize,
    /// `server/discover` only.
    Discover,
}

/// What a legacy shard is told that its clients can do (DESIGN D2): all that the file lets it, because servers hide tools
/// from clients that cannot be asked.
pub(crate) type Declared = BTreeSet<Capability>;

/// What the shard said of itself.
#[derive(Debug)]
pub(crate) struct Greeting {
    pub(crate) era: Era,
    pub(crate) revision: String,
    pub(crate) server_info: String,
    pub(crate) capabilities: String,
    pub(crate) instructions: Option<String>,
    /// False if nothing but silence speaks for the era.
    pub(crate) certain: bool,
    /// The unanswered `server/discover`: a DiscoverResult may still come.
    pub(crate) discover: Option<Call>,
}

/// Why this child is of no use.
#[derive(Debug)]
pub(crate) enum Disagreed {
    /// It must be started again and asked this.
    Restart(Plan),
    /// It has ended, or cannot be agreed with.
    Failed(String),
}

type Agreed = Result<Box<Greeting>, Disagreed>;

/// The answer to one of the two questions.
enum Heard {
    Greeting(Box<Greeting>),
    /// An error that only a modern server gives.
    ModernError(String),
    /// Any other error.
    OtherError(String),
    /// The child ended or broke.
    Broke(String),
}

/// Agrees with the child at the other end of `link`; the caller limits the time.
pub(crate) async fn agree(link: &Link, plan: Plan, declared: &Declared) -> Agreed {
    match plan {
        Plan::Probe => probe(link, declared).await,
        Plan::Initialize => match heard(initialize(link, declared)?, Era::Legacy).await {
            Heard::Greeting(greeting) => Ok(confirmed(link, greeting)),
            Heard::ModernError(_) => Err(Disagreed::Restart(Plan::Discover)),
            Heard::OtherError(error) | Heard::Broke(error) => Err(Disagreed::Failed(error)),
        },
        Plan::Discover => match heard(discover(link)?, Era::Modern).await {
            Heard::Greeting(greeting) => Ok(greeting),
            Heard::ModernError(error) => Ok(undescribed(&error)),
            Heard::OtherError(error) | Heard::Broke(error) => Err(Disagreed::Failed(error)),
        },
    }
}

async fn probe(link: &Link, declared: &Declared) -> Agreed {
    let mut asked = discover(link)?;
    match timeout(SILENCE, answer(&mut asked, Era::Modern)).await {
        Ok(Heard::Greeting(greeting)) => Ok(greeting),
        Ok(Heard::ModernError(error)) => Ok(undescribed(&error)),
        Ok(Heard::Broke(_)) => Err(Disagreed::Restart(Plan::Initialize)),
        Ok(Heard::OtherError(_)) => match heard(fall_back(link, declared)?, Era::Legacy).await {
            Heard::Greeting(greeting) => Ok(confirmed(link, greeting)),
            Heard::ModernError(_) => Err(Disagreed::Restart(Plan::Discover)),
            Heard::OtherError(error) => Err(Disagreed::Failed(error)),
            Heard::Broke(_) => Err(Disagreed::Restart(Plan::Initialize)),
        },
        Err(_) => ask_both(link, asked, declared).await,
    }
}

/// The shard was silent: it may be slow, or legacy and deaf to what it does not know.
async fn ask_both(link: &Link, mut discovering: Call, declared: &Declared) -> Agreed {
    let mut initializing = fall_back(link, declared)?;
    tokio::select! {
        biased;
        modern = answer(&mut discovering, Era::Modern) => match modern {
            Heard::Greeting(greeting) => modern_after(greeting, initializing).await,
            Heard::ModernError(error) => modern_after(undescribed(&error), initializing).await,
            Heard::OtherError(_) => match heard(initializing, Era::Legacy).await {
                Heard::Greeting(greeting) => Ok(confirmed(link, greeting)),
                Heard::ModernError(_) => Err(Disagreed::Restart(Plan::Discover)),
                Heard::OtherError(error) => Err(Disagreed::Failed(error)),
                Heard::Broke(_) => Err(Disagreed::Restart(Plan::Initialize)),
            },
            Heard::Broke(_) => Err(Disagreed::Restart(Plan::Initialize)),
        },
        legacy = answer(&mut initializing, Era::Legacy) => match legacy {
            Heard::Greeting(greeting) => legacy_after(link, greeting, discovering).await,
            Heard::ModernError(error) => match timeout(GRACE, heard(discovering, Era::Modern)).await {
                Ok(Heard::Greeting(greeting)) => Ok(greeting),
                Ok(_) => Err(Disagreed::Restart(Plan::Discover)),
                // Straight `server/discover` would only be met by silence again.
                Err(_) => Ok(Box::new(Greeting { certain: false, ..*undescribed(&error) })),
            },
            Heard::OtherError(error) => match heard(discovering, Era::Modern).await {
                Heard::Greeting(greeting) => Ok(greeting),
                Heard::ModernError(error) => Ok(undescribed(&error)),
                Heard::OtherError(_) | Heard::Broke(_) => Err(Disagreed::Failed(error)),
            },
            Heard::Broke(_) => Err(Disagreed::Restart(Plan::Initialize)),
        },
    }
}

/// Modern for sure; but a child that has also let itself be initialised is pinned to legacy and must be started again.
async fn modern_after(greeting: Box<Greeting>, mut initializing: Call) -> Agreed {
    match timeout(GRACE, answer(&mut initializing, Era::Legacy)).await {
        Ok(Heard::ModernError(_) | Heard::OtherError(_)) => Ok(greeting),
        Ok(Heard::Greeting(_) | Heard::Broke(_)) | Err(_) => Err(Disagreed::Restart(Plan::Discover)),
    }
}

/// Initialised; it is legacy unless a DiscoverResult comes after all.
async fn legacy_after(link: &Link, mut greeting: Box<Greeting>, mut discovering: Call) -> Agreed {
    match timeout(GRACE, answer(&mut discovering, Era::Modern)).await {
        Ok(Heard::Greeting(_) | Heard::ModernError(_)) => Err(Disagreed::Restart(Plan::Discover)),
        Ok(Heard::OtherError(_)) => Ok(confirmed(link, greeting)),
        Ok(Heard::Broke(_)) => Err(Disagreed::Restart(Plan::Initialize)),
        Err(_) => {
            greeting.certain = false;
            greeting.discover = Some(discovering);
            Ok(confirmed(link, greeting))
        }
    }
}

/// Whether the answer that came after all shows a modern shard.
pub(crate) async fn turned_out_modern(discover: &mut Call) -> bool {
    matches!(answer(discover, Era::Modern).await, Heard::Greeting(_) | Heard::ModernError(_))
}

/// The `_meta` of the gateway's own requests to a modern shard, as the `params` of a request without others.
pub(crate) fn modern_params(cursor: Option<&str>) -> Vec<u8> {
    let mut params = json!({"_meta": modern_meta()});
    if let Some(cursor) = cursor {
        params["cursor"] = cursor.into();
    }
    params.to_string().into_bytes()
}

/// What each request of the gateway itself carries in the modern era.
pub(crate) fn modern_meta() -> Value {
    json!({
        (Meta::PROTOCOL_VERSION): Revision::MODERN.as_str(),
        (Meta::CLIENT_INFO): implementation(),
        (Meta::CLIENT_CAPABILITIES): {},
    })
}

fn discover(link: &Link) -> Result<Call, Disagreed> {
    ask(link, "server/discover", &modern_params(None))
}

fn initialize(link: &Link, declared: &Declared) -> Result<Call, Disagreed> {
    let params = json!({
        "protocolVersion": Revision::LATEST_LEGACY.as_str(),
        "capabilities": capabilities(declared),
        "clientInfo": implementation(),
    });
    ask(link, "initialize", params.to_string().as_bytes())
}

fn capabilities(declared: &Declared) -> Value {
    let one = |capability: &Capability| match capability {
        Capability::Sampling => ("sampling".to_owned(), json!({"context": {}, "tools": {}})),
        Capability::Elicitation => ("elicitation".to_owned(), json!({"form": {}, "url": {}})),
        Capability::Roots => ("roots".to_owned(), json!({"listChanged": true})),
    };
    Value::Object(declared.iter().map(one).collect())
}

/// `initialize` after `server/discover`. A child that has ended meanwhile broke at the probe.
fn fall_back(link: &Link, declared: &Declared) -> Result<Call, Disagreed> {
    initialize(link, declared).map_err(|_| Disagreed::Restart(Plan::Initialize))
}

fn ask(link: &Link, method: &str, params: &[u8]) -> Result<Call, Disagreed> {
    // Whoever drives the handshake holds the clock.
    const UNLIMITED: Duration = Duration::from_secs(365 * 24 * 3600);
    let number = link.next_number();
    let deadlines = Deadlines { call: UNLIMITED, max: UNLIMITED };
    link.call(number, request(number, method, Some(params)), Caller::GATEWAY, deadlines)
        .map_err(|refused| Disagreed::Failed(refused.to_string()))
}

/// Legacy: the shard waits for this before it serves.
fn confirmed(link: &Link, greeting: Box<Greeting>) -> Box<Greeting> {
    link.notify("notifications/initialized", None);
    greeting
}

async fn heard(mut call: Call, era: Era) -> Heard {
    answer(&mut call, era).await
}

/// Waits for the answer to a question of `era`. Safe to cancel.
async fn answer(call: &mut Call, era: Era) -> Heard {
    let done = loop {
        if let Event::Done(done) = call.next().await {
            break done;
        }
    };
    match done {
        Ok(Reply::Result(result)) => match Raw::parse(&result).ok().map(|result| greeting(result, era)) {
            Some(Ok(greeting)) => Heard::Greeting(greeting),
            Some(Err(error)) => error,
            None => Heard::Broke("its answer is no JSON".into()),
        },
        Ok(Reply::Error(error)) => {
            let text = String::from_utf8_lossy(&error).into_owned();
            let number = Raw::parse(&error).ok().and_then(Fault::code_of);
            let modern = [code::HEADER_MISMATCH, code::MISSING_CAPABILITY, code::UNSUPPORTED_VERSION];
            if number.is_some_and(|number| modern.contains(&number)) {
                Heard::ModernError(text)
            } else {
                Heard::OtherError(text)
            }
        }
        Err(Failure::Ended(ended) | Failure::NotSent { ended, .. }) => Heard::Broke(ended.to_string()),
        Err(failure) => Heard::Broke(failure.to_string()),
    }
}

fn greeting(result: Raw<'_>, era: Era) -> Result<Box<Greeting>, Heard> {
    let text = |key: &str| result.get(key).map_or_else(|| "{}".to_owned(), |value| value.as_str().to_owned());
    let string = |key: &str| result.get(key).and_then(Raw::string).map(std::borrow::Cow::into_owned);
    let (revision, server_info) = match era {
        Era::Legacy => (string("protocolVersion"), text("serverInfo")),
        Era::Modern => {
            let versions = result.get("supportedVersions");
            let speaks = versions.is_some_and(|versions| {
                versions.elements().any(|version| version.string().as_deref() == Some(Revision::MODERN.as_str()))
            });
            let meta = result.get("_meta").and_then(|meta| meta.get("io.modelcontextprotocol/serverInfo"));
            let info = meta.or_else(|| result.get("serverInfo")).map_or("{}", Raw::as_str);
            (speaks.then(|| Revision::MODERN.as_str().to_owned()), info.to_owned())
        }
    };
    let Some(revision) = revision else {
        let error = "it names no revision that the gateway speaks".to_owned();
        // A server that knows `server/discover` but not 2026-07-28 may still take `initialize`, on a fresh child.
        return Err(if era == Era::Modern { Heard::Broke(error) } else { Heard::OtherError(error) });
    };
    Ok(Box::new(Greeting {
        era,
        revision,
        server_info,
        capabilities: text("capabilities"),
        instructions: string("instructions"),
        certain: true,
        discover: None,
    }))
}

/// A modern shard that would not describe itself: it is asked for everything.
fn undescribed(error: &str) -> Box<Greeting> {
    tracing::warn!(error, "the shard is modern but does not describe itself");
    Box::new(Greeting {
        era: Era::Modern,
        revision: Revision::MODERN.as_str().to_owned(),
        server_info: "{}".to_owned(),
        capabilities: r#"{"tools":{},"prompts":{},"resources":{},"completions":{}}"#.to_owned(),
        instructions: None,
        certain: true,
        discover: None,
    })
}
