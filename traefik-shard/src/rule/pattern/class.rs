//! Bracketed classes of Go's regular expressions, such as `[a-z]`.
//!
//! In them `[` and `&&` are plain text to Go but not to our engine, so every character is written by its number.

use super::{Escaped, Reader, code};

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

impl Reader<'_> {
    /// A class such as `[a-z]`; the opening bracket is taken.
    pub(super) fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.take_if('^') {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let character = self.rest.next().ok_or("a `[` is not closed")?;
            if character == ']' && !first {
                break;
            }
            if character == '[' && self.rest.peek() == Some(&':') && self.posix()? {
                first = false;
                continue;
            }
            let from = match character {
                '\\' => self.escaped()?,
                other => Escaped::Character(other),
            };
            self.item(from)?;
            first = false;
        }
        self.element("]");
        Ok(())
    }

    /// One character, range or class inside of brackets.
    fn item(&mut self, from: Escaped) -> Result<(), String> {
        let from = match from {
            Escaped::Class(class) => {
                self.out.push_str(&class);
                return Ok(());
            }
            Escaped::Unsayable => {
                self.sayable = false;
                return Ok(());
            }
            Escaped::Character(from) => from,
        };
        let mut ahead = self.rest.clone();
        let is_range = ahead.next() == Some('-') && ahead.next().is_some_and(|next| next != ']');
        if !is_range {
            self.out.push_str(&code(from));
            return Ok(());
        }
        self.rest.next();
        let to = match self.rest.next() {
            Some('\\') => self.escaped()?,
            Some(other) => Escaped::Character(other),
            None => return Err("a `[` is not closed".into()),
        };
        match to {
            Escaped::Character(to) if to >= from => self.out.push_str(&format!("{}-{}", code(from), code(to))),
            Escaped::Character(to) => return Err(format!("the range `{from}-{to}` runs backwards")),
            Escaped::Class(_) => return Err("a range ends in a class".into()),
            Escaped::Unsayable => self.sayable = false,
        }
        Ok(())
    }

    /// `[:alpha:]`; false where it is no such name but plain text.
    fn posix(&mut self) -> Result<bool, String> {
        let name = self.rest.clone().skip(1).take(16).take_while(|&character| character != ':').collect::<String>();
        let mut after = self.rest.clone().skip(1 + name.chars().count());
        if after.next() != Some(':') || after.next() != Some(']') {
            return Ok(false);
        }
        let known = name.strip_prefix('^').unwrap_or(&name);
        if !POSIX.contains(&known) {
            return Err(format!("`[:{name}:]` is no class"));
        }
        self.rest.nth(name.chars().count() + 2);
        self.out.push_str(&format!("[:{name}:]"));
        Ok(true)
    }
}
