//! The shallow editor: sets or removes single members of an object and copies every other byte.

use memchr::memchr2;

use crate::wire::Raw;

/// One change to one member.
#[derive(Debug, Clone, Copy)]
pub enum Edit<'e> {
    /// The member gets this JSON text as its value, and is added at the end if it is not there.
    Set(&'e str, &'e str),
    /// Every member whose unescaped key starts with this goes.
    RemovePrefixed(&'e str),
}

/// Copies `object` to `out` with `edits` carried out. A value that is no object counts as `{}`.
///
/// Removing drops the white space between the members of this one object; setting keeps every other byte.
pub fn splice(object: Raw<'_>, edits: &[Edit<'_>], out: &mut Vec<u8>) {
    let text = object.as_str();
    let removes =
        |key: &str| edits.iter().any(|edit| matches!(edit, Edit::RemovePrefixed(prefix) if key.starts_with(prefix)));
    let replacement = |key: &str| {
        edits.iter().find_map(|edit| match edit {
            Edit::Set(name, value) if key == *name => Some(*value),
            _ => None,
        })
    };
    let dropping = object.members().any(|member| removes(&member.key()));
    let mut written = Vec::with_capacity(edits.len());
    let mut copied = 1;
    let mut any = false;
    out.push(b'{');
    for member in object.members() {
        let key = member.key();
        if removes(&key) {
            continue;
        }
        if dropping {
            copied = member.start;
            if any {
                out.push(b',');
            }
        }
        any = true;
        if let Some(value) = replacement(&key) {
            let value_start = member.end - member.value.as_str().len();
            out.extend_from_slice(&text.as_bytes()[copied..value_start]);
            out.extend_from_slice(value.as_bytes());
            written.push(key);
        } else {
            out.extend_from_slice(&text.as_bytes()[copied..member.end]);
        }
        copied = member.end;
    }
    for edit in edits {
        if let Edit::Set(name, value) = edit
            && !written.iter().any(|key| key == name)
        {
            if std::mem::replace(&mut any, true) {
                out.push(b',');
            }
            out.extend_from_slice(serde_json::Value::from(*name).to_string().as_bytes());
            out.push(b':');
            out.extend_from_slice(value.as_bytes());
        }
    }
    out.push(b'}');
}

/// Turns every raw LF and CR into a space (DESIGN D1, "framing"). In a valid JSON text they stand between tokens only,
/// so no value changes, and the text is one line wherever lines or SSE events end a message.
pub fn flatten(text: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = memchr2(b'\n', b'\r', &text[at..]) {
        at += found;
        text[at] = b' ';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(object: &str, edits: &[Edit<'_>], expected: &str) {
        let mut out = Vec::new();
        splice(Raw::parse(object.as_bytes()).unwrap(), edits, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{object}");
    }

    #[test]
    fn only_the_named_members_change() {
        let set = [Edit::Set("name", "\"new\"")];
        check(r#"{ "a" : 1e5 , "name" :  "old", "z":[ 1 ]}"#, &set, r#"{ "a" : 1e5 , "name" :  "new", "z":[ 1 ]}"#);
        check(r#"{"n\u0061me":1}"#, &set, r#"{"n\u0061me":"new"}"#);
        check(r#"{"a":{"name":1}}"#, &set, r#"{"a":{"name":1},"name":"new"}"#);
        check("{}", &set, r#"{"name":"new"}"#);
        check("null", &set, r#"{"name":"new"}"#);
    }

    #[test]
    fn removed_members_take_their_commas_with_them() {
        let edits = [Edit::RemovePrefixed("x/"), Edit::Set("t", "9")];
        check(r#"{"x/a":1,"x/b":2}"#, &edits, r#"{"t":9}"#);
        check(r#"{"x/a":1,"k":2,"x/b":[3]}"#, &edits, r#"{"k":2,"t":9}"#);
        check(r#"{"k":2, "t":1, "\u0078/b":3, "l":4}"#, &edits, r#"{"k":2,"t":9,"l":4}"#);
    }

    #[test]
    fn line_breaks_between_tokens_become_spaces() {
        let mut text = b"{\n\"a\":\r\n1}\n".to_vec();
        flatten(&mut text);
        assert_eq!(text, b"{ \"a\":  1} ");
    }
}
