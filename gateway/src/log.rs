//! The gateway's own log, written to stderr by a thread of its own.
//!
//! Invariant: who logs never waits. A client that starts us and never reads our stderr would else stop everything at the
//! first full pipe; what finds no room is dropped and counted.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::thread;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How many bytes wait for a reader.
const ROOM: usize = 1024 * 1024;

/// The log of this process, once it has been started.
static STDERR: OnceLock<Log> = OnceLock::new();

/// A log that is written in the background. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
    written: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    text: Vec<u8>,
    /// Entries that found no room.
    dropped: u64,
    /// The thread holds text that was taken from here.
    busy: bool,
}

/// The log on stderr, started by the first use of it.
pub fn stderr() -> Log {
    let log = STDERR.get_or_init(|| {
        let log = Log::default();
        let writer = log.clone();
        let spawned = thread::Builder::new().name("log".into()).spawn(move || writer.write_to(io::stderr()));
        spawned.expect("a process that cannot have one more thread at its start cannot serve");
        log
    });
    log.clone()
}

/// Sends what the program traces to the log on stderr, as `MCP_GATEWAY_LOG` asks for it, else from `level` on. To be called
/// once.
pub fn begin(level: &str) {
    let filter = EnvFilter::try_from_env("MCP_GATEWAY_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let lines = tracing_subscriber::fmt().with_writer(stderr()).with_ansi(io::stderr().is_terminal());
    lines.with_env_filter(filter).with_target(false).init();
}

impl Log {
    /// Adds one entry, whole or not at all.
    pub fn print(&self, entry: &[u8]) {
        let mut queue = self.lock();
        if queue.text.len() + entry.len() > ROOM {
            queue.dropped += 1;
            return;
        }
        queue.text.extend_from_slice(entry);
        self.0.filled.notify_one();
    }

    /// Waits until everything is written, but no longer than `patience`.
    pub fn flush(&self, patience: Duration) {
        let is_waiting = |queue: &mut Queue| queue.busy || !queue.text.is_empty();
        // Whether all was written or the time is over: there is nothing left to do.
        drop(self.0.written.wait_timeout_while(self.lock(), patience, is_waiting));
    }

    fn write_to(&self, mut out: impl Write) {
        loop {
            let (text, dropped) = self.take();
            // stderr is for people; if nobody is there to read it, the gateway serves on.
            let _ = out.write_all(&text);
            if dropped > 0 {
                let _ = writeln!(out, "{dropped} lines of this log were dropped: they were not read in time");
            }
            self.lock().busy = false;
            self.0.written.notify_all();
        }
    }

    /// What there is, waiting until there is something.
    fn take(&self) -> (Vec<u8>, u64) {
        let is_idle = |queue: &mut Queue| queue.text.is_empty();
        let waited = self.0.filled.wait_while(self.lock(), is_idle);
        let mut queue = waited.expect("nothing panics while it holds this lock");
        queue.busy = true;
        (std::mem::take(&mut queue.text), std::mem::take(&mut queue.dropped))
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().expect("nothing panics while it holds this lock")
    }
}

/// `tracing` writes each event in one piece.
impl Write for Log {
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        self.print(entry);
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};

    use super::*;

    #[test]
    fn who_logs_never_waits_and_what_was_dropped_is_said_once_there_is_a_reader() {
        let (reader, writer) = io::pipe().unwrap();
        let log = Log::default();
        let background = log.clone();
        thread::spawn(move || background.write_to(writer));
        let line = [[b'x'; 1023].as_slice(), b"\n"].concat();
        let count = 4 * ROOM / line.len();
        for _ in 0..count {
            log.print(&line);
        }
        log.print(b"the end\n");
        // The reader is told more than once if more is printed while it reads.
        let mut lines = BufReader::new(reader).lines().map(Result::unwrap);
        let (mut written, mut dropped) = (0, 0);
        while written + dropped <= count {
            let line = lines.next().unwrap();
            match line.strip_suffix(" lines of this log were dropped: they were not read in time") {
                Some(told) => dropped += told.parse::<usize>().unwrap(),
                None => written += 1,
            }
            assert!(line.len() == 1023 || !line.starts_with('x'), "no line is cut");
        }
        assert_eq!(written + dropped, count + 1);
        assert!(dropped > 0, "there is not room for all of it");
    }

    #[test]
    fn a_flush_waits_for_the_reader_and_gives_up_on_one_that_does_not_come() {
        let (mut reader, writer) = io::pipe().unwrap();
        let log = Log::default();
        let background = log.clone();
        thread::spawn(move || background.write_to(writer));
        log.print(b"short\n");
        log.flush(Duration::from_secs(60));
        let mut text = [0; 6];
        reader.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"short\n");
        log.print(&vec![b'x'; ROOM]);
        log.flush(Duration::from_millis(10));
        assert!(log.lock().busy, "it is still being written");
    }
}
