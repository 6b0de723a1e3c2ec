//! How far a call has come, on stderr.
//!
//! Invariant: what a tool says of its progress cannot act on the terminal, and is gone when the answer is printed.

use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::app::output::plain;
use crate::log;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A bar on a terminal, nothing elsewhere.
    Bar,
    /// A line for each notice.
    Lines,
    /// Not at all.
    Off,
}

/// The bar counts thousandths: a total may be any number.
const WHOLE: u64 = 1000;
const TICK: Duration = Duration::from_millis(120);

/// What is shown while a call is under way. Dropped, it is gone.
pub(super) struct Display {
    bar: ProgressBar,
    how: Progress,
}

impl Display {
    /// Begins with a sign of life on a terminal.
    pub(super) fn begin(tool: &str, how: Progress) -> Self {
        if how != Progress::Bar || !stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden(), how };
        }
        let style = ProgressStyle::with_template("{spinner} {msg}").expect("the template is right");
        let bar = ProgressBar::new_spinner().with_style(style).with_message(plain(tool));
        bar.enable_steady_tick(TICK);
        Self { bar, how }
    }

    /// Whether the tool shall tell of its progress.
    pub(super) fn is_wanted(&self) -> bool {
        self.how != Progress::Off
    }

    /// Shows a notice, if it is one of progress.
    pub(super) fn hear(&self, method: &str, params: &Value) {
        if method != "notifications/progress" {
            return;
        }
        let Some(text) = told(params) else { return };
        if self.how == Progress::Lines {
            log::stderr().print((text + "\n").as_bytes());
            return;
        }
        if let Some(share) = share(params) {
            if self.bar.length().is_none() {
                let style = ProgressStyle::with_template("{spinner} [{bar:30}] {msg}").expect("the template is right");
                self.bar.set_style(style.progress_chars("=> "));
                self.bar.set_length(WHOLE);
            }
            self.bar.set_position(share);
        }
        self.bar.set_message(text);
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `3/10 message`, on one line.
fn told(params: &Value) -> Option<String> {
    /// A longer message is cut.
    const LONGEST: usize = 200;
    let progress = params["progress"].as_f64()?;
    let total = params["total"].as_f64().map(|total| format!("/{total}")).unwrap_or_default();
    let message = params["message"].as_str().unwrap_or_default();
    let message: String = plain(message).chars().take(LONGEST).map(|c| if c == '\n' { ' ' } else { c }).collect();
    Some(format!("{progress}{total} {message}").trim_end().to_owned())
}

/// How much is done, in thousandths, if it is known how much there is to do.
fn share(params: &Value) -> Option<u64> {
    let (progress, total) = (params["progress"].as_f64()?, params["total"].as_f64()?);
    if total <= 0.0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 1000")]
    let share = ((progress / total).clamp(0.0, 1.0) * WHOLE as f64) as u64;
    Some(share)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_notice_is_one_line_and_the_share_stays_within_the_whole() {
        let check = |params: Value, text: Option<&str>, part: Option<u64>| {
            assert_eq!((told(&params).as_deref(), share(&params)), (text, part), "{params}");
        };
        check(json!({"progress": 3, "total": 10, "message": "a\nb\u{1b}"}), Some("3/10 a b�"), Some(300));
        check(json!({"progress": 0.5, "total": 1}), Some("0.5/1"), Some(500));
        check(json!({"progress": 12}), Some("12"), None);
        check(json!({"progress": 12, "total": 4}), Some("12/4"), Some(1000));
        check(json!({"progress": -1, "total": 4}), Some("-1/4"), Some(0));
        check(json!({"progress": 1, "total": 0}), Some("1/0"), None);
        check(json!({"progress": "1"}), None, None);
    }
}
