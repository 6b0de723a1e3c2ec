//! The arguments of a call that are repeated in headers, as the tool's schema wants it.
//!
//! Invariant: a header is written only for what every reader reads in one way; else the gateway says what is wrong.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::catalogue::Mirrored;
use crate::wire::{Raw, argument_text, to_header};

/// The headers for these arguments.
pub(crate) fn argument_headers(mirrored: &Mirrored, arguments: Option<Raw<'_>>) -> HeaderMap {
    let found = mirrored.values(arguments).filter_map(Result::ok);
    let fields = found.filter_map(|(place, value)| {
        let text = argument_text(value?)?;
        let value = HeaderValue::try_from(&*to_header(&text)).ok()?;
        Some((HeaderName::try_from(&place.header).ok()?, value))
    });
    fields.collect()
}
