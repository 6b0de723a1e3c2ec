//! The gateway with an allocator that counts: for each line on stdin it prints how often it has allocated so far, and
//! how many bytes.
//!
//! Invariant: but for the counting it is `mcp-gateway serve`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Write as _, stderr, stdin, stdout};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::bail;
use gateway::app::{self, Wish};
use gateway::{cli, log};

static COUNT: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

struct Counted;

fn count(bytes: usize) {
    COUNT.fetch_add(1, Ordering::Relaxed);
    BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
}

#[expect(unsafe_code, reason = "an allocator cannot be written without it; every call is passed on as it is")]
// SAFETY: the system's allocator keeps the contract, and counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counted = Counted;

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // When stderr is gone too there is nobody left to tell.
            let _ = writeln!(stderr(), "counted_gateway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> anyhow::Result<()> {
    let Wish::Serve(settings) = cli::parse(std::env::args_os())? else { bail!("it only serves") };
    log::begin("info");
    std::thread::spawn(tell);
    app::serve(*settings)
}

fn tell() {
    for _ in stdin().lines() {
        let told = writeln!(stdout(), "{} {}", COUNT.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed));
        if told.is_err() {
            return;
        }
    }
}
