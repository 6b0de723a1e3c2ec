//! What the settings may be, and what is said of those that may not.
//!
//! A message names the flag, the variable, the fault and the way out. It shows no URL, which may hold a password.

use std::ffi::OsStr;
use std::time::Duration;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command, Error};
use url::Url;

use super::LONGEST_WAIT;

/// The longest name of a folder.
const FOLDER: usize = 100;
/// The longest prefix; with the longest name it still makes a readable one.
const PREFIX: usize = 20;
const DAY: Duration = Duration::from_hours(24);

/// A reader of one setting; its error is the end of a sentence that begins with the setting's name.
#[derive(Clone, Copy)]
pub(super) struct Checked<T>(pub(super) fn(&str) -> Result<T, String>);

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Checked<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        let read = value.to_str().ok_or_else(|| "is not UTF-8; write it in UTF-8".to_owned()).and_then(self.0);
        read.map_err(|fault| {
            let flag = arg.and_then(Arg::get_long).map(|flag| format!("--{flag}")).unwrap_or_default();
            let variable = arg.and_then(Arg::get_env).map(|name| format!(" ({})", name.display())).unwrap_or_default();
            Error::raw(ErrorKind::ValueValidation, format!("{flag}{variable} {fault}\n")).with_cmd(command)
        })
    }
}

/// An address of Traefik's API. User and password in it are an account; nothing shows them.
pub(super) fn api_url(text: &str) -> Result<Url, String> {
    let way_out = "give an address such as http://HOST:8080/api";
    let url = Url::parse(text).map_err(|fault| format!("is no URL ({fault}); {way_out}"))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(format!("must begin with http:// or https://; {way_out}")),
    }
}

/// An address of a documentation site, which needs no account.
pub(super) fn docs_url(text: &str) -> Result<Url, String> {
    let way_out = "give an address such as https://doc.traefik.io/traefik/";
    let url = Url::parse(text).map_err(|fault| format!("is no URL ({fault}); {way_out}"))?;
    match url.scheme() {
        _ if !url.username().is_empty() || url.password().is_some() => {
            Err(format!("must not hold a user or a password; {way_out}"))
        }
        "http" | "https" => Ok(url),
        _ => Err(format!("must begin with http:// or https://; {way_out}")),
    }
}

/// What managed names begin with.
pub(super) fn name_prefix(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits = (1..=PREFIX).contains(&text.len())
        && text.bytes().all(plain)
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.ends_with('-');
    match fits {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "cannot be `{}`; use 1 to {PREFIX} of a-z, 0-9 and -, beginning with a letter and ending with -, such as mcp-",
            shown(text)
        )),
    }
}

/// The managed folder, which is one step below the watched directory.
pub(super) fn managed_folder(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_file = [".yml", ".yaml", ".toml"].iter().any(|end| text.to_ascii_lowercase().ends_with(end));
    match (1..=FOLDER).contains(&text.len()) && text.chars().all(plain) && !text.starts_with('.') && !is_file {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "cannot be `{}`; use one name of letters, digits, hyphens and underscores, such as mcp-managed, without a dot \
             at its beginning and without .yml, .yaml or .toml at its end",
            shown(text)
        )),
    }
}

/// How long something at the other end may take.
pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    duration(text, Duration::from_millis(1), DAY, "more than nothing and at most 1d, such as 5s")
}

/// How long a change may take, which is also the longest that a call may ask to wait.
pub(super) fn apply_timeout(text: &str) -> Result<Duration, String> {
    duration(text, Duration::from_secs(1), Duration::from_secs(LONGEST_WAIT), "from 1s to 120s")
}

/// How long something may be kept; no time at all is a good answer.
pub(super) fn keep(text: &str) -> Result<Duration, String> {
    duration(text, Duration::ZERO, 30 * DAY, "at most 30d, such as 1h; 0s asks each time")
}

fn duration(text: &str, least: Duration, most: Duration, way_out: &str) -> Result<Duration, String> {
    let read = humantime::parse_duration(text).ok().filter(|read| (least..=most).contains(read));
    read.ok_or_else(|| format!("cannot be `{}`; give a duration, {way_out}", shown(text)))
}

fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}
