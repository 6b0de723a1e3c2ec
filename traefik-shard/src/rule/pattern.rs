//! Go's regular expressions: what they allow, and the same expression for our own engine.
//!
//! The two engines share an ancestor but not their syntax: Go refuses `a**` and `(?x)`, and reads
//! `{name}` as plain text. So the text is read by Go's grammar and written anew. Without recursion,
//! so that no text exhausts the stack.

mod class;
mod ends;

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

pub(super) use self::ends::{beginning, ending};

/// Go's limit on a repetition, and on the product of nested ones.
const MAX_REPEAT: u32 = 1000;
/// Go's limit on the height of the tree, less what the innermost element needs.
const MAX_GROUPS: usize = 998;
/// The compiled size that we spend on somebody's expression.
const MAX_SIZE: usize = 1 << 20;

/// Our writing of an expression that Go takes; `None` where ours cannot say it (rare, such as
/// surrogates), an error where Go refuses it.
pub(super) fn translate(text: &str) -> Result<Option<String>, String> {
    let mut reader = Reader {
        rest: text.chars().peekable(),
        out: String::new(),
        groups: Vec::new(),
        weight: 1,
        last: Last::Nothing,
        sayable: true,
    };
    reader.run()?;
    Ok(reader.sayable.then_some(reader.out))
}

/// Refuses an expression that Go refuses, and says why.
pub(crate) fn check(text: &str) -> Result<(), String> {
    translate(text).map(|_| ())
}

/// The expression, ready to be asked; `None` where we cannot judge it.
pub(super) fn compile(text: &str) -> Option<Regex> {
    let ours = translate(text).ok().flatten()?;
    RegexBuilder::new(&ours).size_limit(MAX_SIZE).build().ok()
}

/// What a repetition would repeat.
#[derive(Clone, Copy)]
enum Last {
    Nothing,
    /// With the product of the repetitions in it.
    Element(u32),
    Repetition(u32),
    /// One of these with flags behind it: Go repeats it all the same, ours cannot say that.
    BehindFlags(u32),
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    /// The weights of the enclosing groups so far.
    groups: Vec<u32>,
    weight: u32,
    last: Last,
    sayable: bool,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), String> {
        while let Some(character) = self.rest.next() {
            match character {
                '(' => self.open()?,
                ')' => self.close()?,
                '|' => {
                    self.out.push('|');
                    self.last = Last::Nothing;
                }
                '[' => self.class()?,
                '*' | '+' | '?' => self.repeat(&character.to_string(), None)?,
                '{' => self.braces()?,
                '\\' => self.escape()?,
                '^' | '$' | '.' => self.element(&character.to_string()),
                other => self.element(&literal(other)),
            }
        }
        if self.groups.is_empty() { Ok(()) } else { Err("a `(` is not closed".into()) }
    }

    fn element(&mut self, ours: &str) {
        self.out.push_str(ours);
        self.last = Last::Element(1);
    }

    fn take_if(&mut self, wanted: char) -> bool {
        self.rest.next_if_eq(&wanted).is_some()
    }

    fn open(&mut self) -> Result<(), String> {
        if self.take_if('?') {
            let mut head = String::new();
            loop {
                match self.rest.next() {
                    Some(end @ (':' | ')')) => {
                        return self.flags(&head, end);
                    }
                    Some('<') if head.is_empty() || head == "P" => return self.named(),
                    Some(character) if head.len() < 16 => head.push(character),
                    _ => return Err("`(?` begins nothing that Traefik knows; lookaround is not supported".into()),
                }
            }
        }
        self.enter("(")
    }

    fn enter(&mut self, ours: &str) -> Result<(), String> {
        if self.groups.len() >= MAX_GROUPS {
            return Err("groups nest too deep".into());
        }
        self.out.push_str(ours);
        self.groups.push(self.weight);
        (self.weight, self.last) = (1, Last::Nothing);
        Ok(())
    }

    fn named(&mut self) -> Result<(), String> {
        let mut name = String::new();
        loop {
            match self.rest.next() {
                Some('>') if !name.is_empty() => return self.enter("("),
                Some(character) if character.is_ascii_alphanumeric() || character == '_' => name.push(character),
                _ => return Err("`(?<` needs a name of letters and digits; lookaround is not supported".into()),
            }
        }
    }

    fn flags(&mut self, head: &str, end: char) -> Result<(), String> {
        let (on, off) = head.split_once('-').map_or((head, None), |(on, off)| (on, Some(off)));
        let known = |flags: &str| flags.chars().all(|flag| "imsU".contains(flag));
        if !known(on) || off.is_some_and(|off| off.is_empty() || !known(off)) {
            return Err(format!(
                "`(?{head}{end}` is not supported; flags are i, m, s and U, and there is no lookaround"
            ));
        }
        let mut ours = String::from("(?");
        for (sign, flags) in [("", on), ("-", off.unwrap_or_default())] {
            ours.push_str(if flags.is_empty() { "" } else { sign });
            // Ours refuses a flag that comes twice.
            ours.extend("imsU".chars().filter(|&flag| flags.contains(flag)));
        }
        self.sayable &= !on.chars().any(|flag| off.is_some_and(|off| off.contains(flag)));
        if end == ':' {
            return self.enter(&format!("{ours}:"));
        }
        if ours.len() > 2 {
            self.out.push_str(&format!("{ours})"));
        }
        if let Last::Element(weight) | Last::Repetition(weight) = self.last {
            self.last = Last::BehindFlags(weight);
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let outer = self.groups.pop().ok_or("a `)` closes nothing")?;
        self.out.push(')');
        self.last = Last::Element(self.weight);
        self.weight = outer.max(self.weight);
        Ok(())
    }

    /// `*`, `+`, `?` or a counted repetition, perhaps with a `?` that makes it lazy.
    fn repeat(&mut self, operator: &str, count: Option<(u32, Option<u32>)>) -> Result<(), String> {
        let inner = match self.last {
            Last::Element(inner) => inner,
            Last::BehindFlags(inner) => {
                self.sayable = false;
                inner
            }
            Last::Nothing => return Err(format!("`{operator}` repeats nothing")),
            Last::Repetition(_) => {
                return Err(format!("`{operator}` repeats a repetition; put the inner one in a group"));
            }
        };
        let mut weight = inner;
        if let Some((least, most)) = count {
            if least > MAX_REPEAT || most.is_some_and(|most| most > MAX_REPEAT || most < least) {
                return Err(format!("`{operator}` is no count that Traefik takes (at most {MAX_REPEAT})"));
            }
            let times = most.unwrap_or(least);
            weight = if times == 0 { 1 } else { inner.saturating_mul(times) };
            if weight > MAX_REPEAT && times >= 2 {
                return Err(format!("`{operator}` repeats repetitions, more than {MAX_REPEAT} times in all"));
            }
        }
        self.out.push_str(operator);
        if self.take_if('?') {
            self.out.push('?');
        }
        self.weight = self.weight.max(weight);
        self.last = Last::Repetition(weight);
        Ok(())
    }

    /// `{2}`, `{2,}` and `{2,3}` repeat; every other brace is plain text.
    fn braces(&mut self) -> Result<(), String> {
        let inside = self.rest.clone().take(32).take_while(|&character| character != '}').collect::<String>();
        let closed = self.rest.clone().nth(inside.chars().count()) == Some('}');
        let (least, most) = inside.split_once(',').map_or((inside.as_str(), None), |(least, most)| (least, Some(most)));
        let number = |text: &str| {
            let decimal = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
            // What is too large for us is too large for Go.
            (decimal && !text.is_empty()).then(|| text.parse().unwrap_or(u32::MAX))
        };
        let count = match (number(least), most) {
            (Some(least), None) => Some((least, Some(least))),
            (Some(least), Some("")) => Some((least, None)),
            (Some(least), Some(most)) => number(most).map(|most| (least, Some(most))),
            (None, _) => None,
        };
        let Some(count) = count.filter(|_| closed) else {
            self.element(&literal('{'));
            return Ok(());
        };
        self.rest.nth(inside.chars().count());
        self.repeat(&format!("{{{inside}}}"), Some(count))
    }

    fn escape(&mut self) -> Result<(), String> {
        match self.rest.peek() {
            Some('Q') => {
                self.rest.next();
                self.quote();
                return Ok(());
            }
            Some('A' | 'z' | 'b' | 'B') => {
                let name = self.rest.next().unwrap_or_default();
                let ours = if name.is_ascii_lowercase() && name == 'b' || name == 'B' {
                    format!("(?-u:\\{name})")
                } else {
                    format!("\\{name}")
                };
                self.element(&ours);
                return Ok(());
            }
            _ => {}
        }
        let ours = match self.escaped()? {
            Escaped::Character(character) => literal(character),
            Escaped::Class(class) => class,
            Escaped::Unsayable => {
                self.sayable = false;
                String::new()
            }
        };
        self.element(&ours);
        Ok(())
    }

    /// `\Q`: everything up to `\E` is plain text.
    fn quote(&mut self) {
        // Even an empty quotation ends a repetition.
        if let Last::Repetition(weight) = self.last {
            self.last = Last::Element(weight);
        }
        while let Some(character) = self.rest.next() {
            if character == '\\' && self.take_if('E') {
                return;
            }
            self.element(&literal(character));
        }
    }

    /// The escapes that mean the same inside and outside of a class; the backslash is taken.
    fn escaped(&mut self) -> Result<Escaped, String> {
        let name = self.rest.next().ok_or("a backslash ends it")?;
        let character = match name {
            'a' => '\u{7}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'd' => return Ok(Escaped::Class("[0-9]".into())),
            'D' => return Ok(Escaped::Class("[^0-9]".into())),
            'w' => return Ok(Escaped::Class("[0-9A-Za-z_]".into())),
            'W' => return Ok(Escaped::Class("[^0-9A-Za-z_]".into())),
            's' => return Ok(Escaped::Class(r"[\t\n\x0C\r ]".into())),
            'S' => return Ok(Escaped::Class(r"[^\t\n\x0C\r ]".into())),
            'p' | 'P' => return self.property(name),
            'x' => return self.hexadecimal(),
            '0'..='7' => return self.octal(name),
            mark if mark.is_ascii() && !mark.is_ascii_alphanumeric() => mark,
            other => return Err(format!("`\\{other}` is no escape sequence")),
        };
        Ok(Escaped::Character(character))
    }

    fn octal(&mut self, first: char) -> Result<Escaped, String> {
        // A single digit but 0 would be a back reference.
        if first != '0' && !self.rest.peek().is_some_and(|next| ('0'..='7').contains(next)) {
            return Err(format!("`\\{first}` is a back reference, which is not supported"));
        }
        let mut code = first.to_digit(8).unwrap_or_default();
        for _ in 0..2 {
            let Some(digit) = self.rest.next_if(|next| ('0'..='7').contains(next)) else { break };
            code = code * 8 + digit.to_digit(8).unwrap_or_default();
        }
        Ok(char::from_u32(code).map_or(Escaped::Unsayable, Escaped::Character))
    }

    fn hexadecimal(&mut self) -> Result<Escaped, String> {
        let braced = self.take_if('{');
        let mut digits = String::new();
        while digits.len() < if braced { 8 } else { 2 } {
            let Some(digit) = self.rest.next_if(char::is_ascii_hexdigit) else { break };
            digits.push(digit);
        }
        let complete = if braced { self.take_if('}') } else { digits.len() == 2 };
        match u32::from_str_radix(&digits, 16) {
            Ok(number) if complete && number <= 0x10_FFFF => {
                Ok(char::from_u32(number).map_or(Escaped::Unsayable, Escaped::Character))
            }
            _ => Err("`\\x` needs two hexadecimal digits, or the number of a character in braces".into()),
        }
    }

    fn property(&mut self, sign: char) -> Result<Escaped, String> {
        let unknown = || "`\\p` needs the name of a Unicode category or script, as in \\p{Greek}".to_owned();
        let mut name = String::new();
        match self.rest.next() {
            Some('{') => loop {
                match self.rest.next() {
                    Some('}') => break,
                    Some(character) if name.len() < 64 => name.push(character),
                    _ => return Err(unknown()),
                }
            },
            Some(single) => name.push(single),
            None => return Err(unknown()),
        }
        let (name, negated) = name.strip_prefix('^').map_or((name.as_str(), false), |name| (name, true));
        // Go knows categories by all their names, scripts only by the long ones.
        let plain = name.chars().all(|character| character.is_ascii_alphanumeric() || "_- ".contains(character));
        let is = |kind: &str| Regex::new(&format!("\\p{{{kind}={name}}}")).is_ok();
        let kind = match name {
            _ if !plain || name.is_empty() => return Err(unknown()),
            _ if is("gc") => "gc",
            _ if name.len() > 4 && is("sc") => "sc",
            _ => SHORT_SCRIPTS
                .iter()
                .find(|script| script.eq_ignore_ascii_case(name))
                .map(|_| "sc")
                .ok_or_else(unknown)?,
        };
        let sign = if negated == (sign == 'p') { 'P' } else { 'p' };
        Ok(Escaped::Class(format!("\\{sign}{{{kind}={name}}}")))
    }
}

enum Escaped {
    Character(char),
    Class(String),
    Unsayable,
}

/// Scripts whose long name is as short as another's abbreviation.
const SHORT_SCRIPTS: [&str; 7] = ["Cham", "Lisu", "Thai", "Yi", "Nko", "Vai", "Lao"];

fn literal(character: char) -> String {
    if character.is_ascii_alphanumeric() { character.to_string() } else { code(character) }
}

fn code(character: char) -> String {
    format!("\\x{{{:x}}}", u32::from(character))
}
