//! The characters of a file, before anything is parsed.
//!
//! Both formats refuse control characters; line ends that only one parser knows are refused too.

use super::Fault;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text without its byte order mark.
pub(super) fn read(bytes: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        Fault::new("not_utf8", line_after(before), "this is not UTF-8; save the file in UTF-8")
    })?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    match text.char_indices().find(|(place, sign)| !is_plain(*sign, &text[*place..])) {
        Some((place, sign)) => {
            let line = line_after(&text.as_bytes()[..place]);
            let message = format!("the character U+{:04X} is not allowed here; remove it", u32::from(sign));
            Err(Fault::new("control_character", line, message))
        }
        None => Ok(text),
    }
}

/// The line of the first mark of a template, which counts in comments too.
pub(super) fn template(text: &str) -> Option<u32> {
    text.find("{{").map(|place| line_after(&text.as_bytes()[..place]))
}

fn is_plain(sign: char, rest: &str) -> bool {
    match sign {
        '\t' | '\n' => true,
        '\r' => rest.starts_with("\r\n"),
        // Line ends to YAML 1.1, but not to YAML 1.2.
        '\u{85}' | '\u{2028}' | '\u{2029}' => false,
        BYTE_ORDER_MARK | '\u{fffe}' | '\u{ffff}' => false,
        other => !other.is_control(),
    }
}

fn line_after(before: &[u8]) -> u32 {
    let lines = before.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(lines + 1).unwrap_or(u32::MAX)
}
