//! What four clients do in one interleaving: all of it follows from the seed.
//!
//! Invariant: a plan holds no time but offsets and delays, so that the same seed makes the same steps again.

use std::time::Duration;

use fastrand::Rng;

/// What happens to the shards meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weather {
    /// Nothing.
    Fair,
    /// Children are killed, and files are changed.
    Foul,
}

/// What a call may be asked.
pub(super) const METHODS: [&str; 3] = ["elicitation/create", "sampling/createMessage", "roots/list"];
/// The kinds of shards that a lane has, by the ends of their names.
pub(super) const KINDS: [Kind; 4] = [
    Kind { name: "ls", era: "legacy", instances: "shared" },
    Kind { name: "le", era: "legacy", instances: "exclusive" },
    Kind { name: "ms", era: "modern", instances: "shared" },
    Kind { name: "me", era: "modern", instances: "exclusive" },
];

/// One kind of shard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) era: &'static str,
    pub(super) instances: &'static str,
}

impl Kind {
    pub(super) fn is_legacy(self) -> bool {
        self.era == "legacy"
    }

    /// Whether a question may belong to another client, so that nobody is asked.
    pub(super) fn may_be_mute(self) -> bool {
        self.is_legacy() && self.instances == "shared"
    }
}

/// One interleaving: two modern clients, then two legacy ones.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) clients: [Part; 4],
}

/// One client.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) door: Door,
    pub(super) steps: Vec<Step>,
    /// When it goes, whatever it still waits for.
    pub(super) leaves: Option<Duration>,
}

/// Where it comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Modern,
    Session,
    Sse,
    Pipe,
}

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) at: Duration,
    pub(super) kind: Kind,
    pub(super) rounds: Vec<Vec<&'static str>>,
    pub(super) ms: u64,
    pub(super) heedless: bool,
    pub(super) twist: Twist,
}

/// What its client does beside answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twist {
    None,
    /// Arguments that the tool refuses.
    Malformed,
    /// Modern clients drop the request; legacy ones say so.
    Cancel(Duration),
    /// Nobody reads the answer any more, and nobody says so.
    HangUp(Duration),
    /// Modern: what was asked is never answered. Legacy: as `None`.
    Abandon,
    /// A handle that was used, or a second answer to the same question.
    Again,
    /// The handle of another call, or an answer to what another client was asked.
    Foreign,
    /// Two retries at once, or two answers at once.
    Twice,
    /// First a retry with other arguments.
    OtherArguments,
    /// First an answer that is no object.
    Garbage,
    /// First a retry that leaves an answer out.
    Missing,
}

impl Plan {
    /// The plan of a seed.
    pub(super) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let legacy = |rng: &mut Rng| match rng.u8(..20) {
            0 => Door::Pipe,
            1..8 => Door::Sse,
            _ => Door::Session,
        };
        // Most interleavings meet at one shard.
        let kind = KINDS[rng.usize(..KINDS.len())];
        let doors = [Door::Modern, Door::Modern, legacy(&mut rng), legacy(&mut rng)];
        Self { clients: doors.map(|door| part(&mut rng, door, kind)) }
    }
}

fn part(rng: &mut Rng, door: Door, kind: Kind) -> Part {
    let steps = (0..rng.usize(1..=3)).map(|_| step(rng, kind)).collect();
    let leaves = (rng.u8(..12) == 0).then(|| millis(rng, 60));
    Part { door, steps, leaves }
}

fn step(rng: &mut Rng, kind: Kind) -> Step {
    let kind = if rng.u8(..5) == 0 { KINDS[rng.usize(..KINDS.len())] } else { kind };
    let questions = rng.usize(..4);
    let mut rounds: Vec<Vec<&str>> = Vec::new();
    for _ in 0..questions {
        let method = METHODS[[0, 0, 0, 1, 1, 2][rng.usize(..6)]];
        match rounds.last_mut().filter(|_| rng.bool()) {
            Some(round) => round.push(method),
            None => rounds.push(vec![method]),
        }
    }
    let twist = twist(rng);
    Step { at: millis(rng, 25), kind, rounds, ms: [0, 0, 1, 5][rng.usize(..4)], heedless: rng.u8(..8) == 0, twist }
}

fn twist(rng: &mut Rng) -> Twist {
    match rng.u8(..24) {
        0 => Twist::Malformed,
        1..4 => Twist::Cancel(millis(rng, 25)),
        4..6 => Twist::HangUp(millis(rng, 25)),
        6 => Twist::Abandon,
        7 => Twist::Again,
        8 => Twist::Foreign,
        9..11 => Twist::Twice,
        11 => Twist::OtherArguments,
        12 => Twist::Garbage,
        13 => Twist::Missing,
        _ => Twist::None,
    }
}

fn millis(rng: &mut Rng, most: u64) -> Duration {
    Duration::from_micros(rng.u64(..most * 1000))
}
