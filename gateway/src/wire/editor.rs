//! The shallow editor: sets or removes single members of an object and copies every other byte.

use std::borrow::Cow;

use memchr::memchr2;

use crate::wire::{Kind, Raw};

/// One change to one member.
#[derive(Debug, Clone, Copy)]
pub enum Edit<'e> {
    /// The member gets this JSON text as its value, and is added at the end if it is not there. Of two edits that set
    /// the same member the first counts.
    Set(&'e str, &'e str),
    /// Every member whose unescaped key starts with this goes.
    RemovePrefixed(&'e str),
    /// Every member of this unescaped key goes.
    Remove(&'e str),
}

/// Copies `object` to `out` with `edits` carried out. A value that is no object counts as `{}`.
///
/// A member that goes takes the white space on its side of each comma with it; every other byte stays.
pub fn splice(object: Raw<'_>, edits: &[Edit<'_>], out: &mut Vec<u8>) {
    let object = if object.kind() == Kind::Object { object } else { Raw::EMPTY_OBJECT };
    let text = object.as_str().as_bytes();
    let removes = |key: &str| {
        edits.iter().any(|edit| match edit {
            Edit::Set(..) => false,
            Edit::RemovePrefixed(prefix) => key.starts_with(prefix),
            Edit::Remove(name) => key == *name,
        })
    };
    let replacement = |key: &str| {
        edits.iter().find_map(|edit| match edit {
            Edit::Set(name, value) if key == *name => Some(*value),
            _ => None,
        })
    };
    let mut written = Vec::with_capacity(edits.len());
    let mut separate = separator();
    let mut start = 1;
    out.push(b'{');
    for member in object.members() {
        let end = member.end + space(&text[member.end..]);
        let part = start..end;
        // Behind the comma, or behind the object.
        start = end + 1;
        let key = member.key();
        if removes(&key) {
            continue;
        }
        separate(out);
        if let Some(value) = replacement(&key) {
            out.extend_from_slice(&text[part.start..member.end - member.value.as_str().len()]);
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(&text[member.end..part.end]);
            written.push(key);
        } else {
            out.extend_from_slice(&text[part]);
        }
    }
    // White space is all that an object without members can hold.
    out.extend_from_slice(text.get(start..text.len() - 1).unwrap_or_default());
    for edit in edits {
        if let Edit::Set(name, value) = edit
            && !written.iter().any(|key| key == name)
        {
            written.push(Cow::Borrowed(*name));
            separate(out);
            out.extend_from_slice(serde_json::Value::from(*name).to_string().as_bytes());
            out.push(b':');
            out.extend_from_slice(value.as_bytes());
        }
    }
    out.push(b'}');
}

/// Writes a comma each time but the first.
fn separator() -> impl FnMut(&mut Vec<u8>) {
    let mut first = true;
    move |out| {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
    }
}

/// How many bytes of white space stand at the start.
fn space(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count()
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
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::wire::arbitrary::{Member, key, members, object_text, value};

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
        check("{ \"name\" : \"old\"\t}", &set, "{ \"name\" : \"new\"\t}");
        check("{ \"a\":1\r}", &set, "{ \"a\":1\r,\"name\":\"new\"}");
        check("{}", &set, r#"{"name":"new"}"#);
        check("{ }", &set, r#"{ "name":"new"}"#);
        check("null", &set, r#"{"name":"new"}"#);
    }

    #[test]
    fn removed_members_take_their_commas_with_them() {
        let edits = [Edit::RemovePrefixed("x/"), Edit::Set("t", "9")];
        check(r#"{"x/a":1,"x/b":2}"#, &edits, r#"{"t":9}"#);
        check(r#"{"x/a":1,"k":2,"x/b":[3]}"#, &edits, r#"{"k":2,"t":9}"#);
        check(r#"{"k":2, "t":1 , "\u0078/b":3 , "l":4 }"#, &edits, r#"{"k":2, "t":9 , "l":4 }"#);
        check(r#"{ "x/a" : 1 , "k":2 }"#, &edits, r#"{ "k":2 ,"t":9}"#);
        let one = [Edit::Remove("task")];
        check(r#"{"task":{"ttl":1}, "taskId":2,"t\u0061sk":3}"#, &one, r#"{ "taskId":2}"#);
    }

    fn edit() -> impl Strategy<Value = (bool, String, String)> {
        (any::<bool>(), key().prop_map(|key| serde_json::from_str(&key).unwrap()), value())
    }

    proptest! {
        #[test]
        fn a_splice_does_to_the_text_what_the_edits_do_to_the_list_of_members(
            members in members(),
            edits in vec(edit(), 0..4),
        ) {
            let text = object_text(&members);
            let mut list = members;
            for (_, removed, _) in edits.iter().filter(|(sets, ..)| !sets) {
                list.retain(|member| !member.name().starts_with(removed));
            }
            for (at, (_, name, value)) in edits.iter().enumerate().filter(|(_, (sets, ..))| *sets) {
                if edits[..at].iter().any(|(sets, other, _)| *sets && other == name) {
                    continue;
                }
                let mut set = list.iter_mut().filter(|member| member.name() == *name).peekable();
                if set.peek().is_none() {
                    let literal = serde_json::Value::from(name.as_str()).to_string();
                    list.push(Member::plain(&literal[1..literal.len() - 1], value.clone()));
                    continue;
                }
                set.for_each(|member| member.value.clone_from(value));
            }
            let edits: Vec<_> = edits
                .iter()
                .map(|(sets, name, value)| if *sets { Edit::Set(name, value) } else { Edit::RemovePrefixed(name) })
                .collect();
            let mut out = Vec::new();
            splice(Raw::parse(text.as_bytes()).unwrap(), &edits, &mut out);
            let spliced = Raw::parse(&out);
            prop_assert!(spliced.is_ok(), "{text:?} became {:?}", String::from_utf8_lossy(&out));
            prop_assert_eq!(spliced.unwrap().as_str(), object_text(&list), "from {:?}", text);
        }

        #[test]
        fn a_flattened_text_has_spaces_for_its_line_breaks_and_is_else_the_same(text in value()) {
            let mut flat = text.clone().into_bytes();
            flatten(&mut flat);
            prop_assert!(!flat.contains(&b'\n') && !flat.contains(&b'\r'));
            prop_assert_eq!(String::from_utf8(flat).unwrap(), text.replace(['\n', '\r'], " "));
        }
    }

    #[test]
    fn line_breaks_between_tokens_become_spaces() {
        let mut text = b"{\n\"a\":\r\n1}\n".to_vec();
        flatten(&mut text);
        assert_eq!(text, b"{ \"a\":  1} ");
    }
}
