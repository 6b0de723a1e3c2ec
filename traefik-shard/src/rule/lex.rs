//! The words of a rule, as Go's scanner cuts them.
//!
//! What no rule can contain (numbers, single quotes, arithmetic) is refused here, with the way out.

use std::iter::Peekable;
use std::str::CharIndices;

use super::RuleError;

/// A word of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    Text(String),
    Open,
    Close,
    Comma,
    And,
    Or,
    Not,
    Dots,
    /// A line break where Go would end the statement.
    Newline,
    End,
}

/// A word and its column.
pub(super) type Placed = (Token, usize);

/// Cuts a whole rule; the last word is `End`.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, RuleError> {
    let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let column = if rest.len() < text.len() { 2 } else { 1 };
    let mut lexer = Lexer { text: rest, chars: rest.char_indices().peekable(), column };
    let mut found: Vec<Placed> = Vec::new();
    loop {
        let ends_line = matches!(found.last(), Some((Token::Name(_) | Token::Text(_) | Token::Close, _)));
        let placed = lexer.next(ends_line)?;
        let last = placed.0 == Token::End;
        found.push(placed);
        if last {
            return Ok(found);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    column: usize,
}

impl Lexer<'_> {
    fn next(&mut self, ends_line: bool) -> Result<Placed, RuleError> {
        loop {
            let column = self.column;
            let Some(character) = self.take() else { return Ok((Token::End, column)) };
            let token = match character {
                '\n' if ends_line => Token::Newline,
                ' ' | '\t' | '\r' | '\n' => continue,
                '/' => match self.comment(column)? {
                    Comment::OfLines if ends_line => Token::Newline,
                    _ => continue,
                },
                '(' => Token::Open,
                ')' => Token::Close,
                ',' => Token::Comma,
                '&' if self.take_if('&') => Token::And,
                '|' if self.take_if('|') => Token::Or,
                '.' if self.take_if('.') && self.take_if('.') => Token::Dots,
                '!' if self.peek() != Some('=') => Token::Not,
                '`' => Token::Text(self.raw(column)?),
                '"' => Token::Text(self.interpreted(column)?),
                letter if letter.is_alphabetic() || letter == '_' => Token::Name(self.name(letter)),
                other => return Err(unexpected(other, column)),
            };
            return Ok((token, column));
        }
    }

    fn peek(&mut self) -> Option<char> {
        self.chars.peek().map(|&(_, character)| character)
    }

    fn take(&mut self) -> Option<char> {
        let (_, character) = self.chars.next()?;
        self.column += 1;
        Some(character)
    }

    fn take_if(&mut self, wanted: char) -> bool {
        self.peek() == Some(wanted) && self.take().is_some()
    }

    fn name(&mut self, first: char) -> String {
        let mut name = String::from(first);
        while let Some(character) = self.peek().filter(|&letter| letter.is_alphanumeric() || letter == '_') {
            name.push(character);
            self.take();
        }
        name
    }

    fn comment(&mut self, column: usize) -> Result<Comment, RuleError> {
        if self.take_if('/') {
            while self.peek().is_some_and(|character| character != '\n') {
                self.take();
            }
            return Ok(Comment::InLine);
        }
        if !self.take_if('*') {
            return Err(unexpected('/', column));
        }
        let mut kind = Comment::InLine;
        loop {
            match self.take() {
                Some('*') if self.take_if('/') => return Ok(kind),
                Some('\n') => kind = Comment::OfLines,
                Some(_) => {}
                None => return Err(fault("the comment has no end; close it with `*/`", column)),
            }
        }
    }

    fn raw(&mut self, column: usize) -> Result<String, RuleError> {
        let start = self.chars.peek().map_or(self.text.len(), |&(offset, _)| offset);
        let Some(length) = self.text[start..].find('`') else {
            return Err(fault("the string has no end; close it with a backtick", column));
        };
        let inside = &self.text[start..start + length];
        for _ in 0..=inside.chars().count() {
            self.take();
        }
        // Go drops carriage returns in raw strings.
        Ok(inside.replace('\r', ""))
    }

    fn interpreted(&mut self, column: usize) -> Result<String, RuleError> {
        // Escapes such as `\xff` make bytes, which need not be UTF-8.
        let mut bytes = Vec::new();
        loop {
            let place = self.column;
            match self.take() {
                Some('"') => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
                Some('\\') => self.escape(place, &mut bytes)?,
                None | Some('\n') => return Err(fault("the string has no end; close it with a double quote", column)),
                Some(character) => push(&mut bytes, character),
            }
        }
    }

    fn escape(&mut self, column: usize, bytes: &mut Vec<u8>) -> Result<(), RuleError> {
        let unknown = "unknown escape sequence; double the backslash, or put the text between backticks";
        let simple = match self.take() {
            Some('a') => 7,
            Some('b') => 8,
            Some('t') => b'\t',
            Some('n') => b'\n',
            Some('v') => 11,
            Some('f') => 12,
            Some('r') => b'\r',
            Some('\\') => b'\\',
            Some('"') => b'"',
            Some('x') => {
                self.digits(2, 16).and_then(|code| u8::try_from(code).ok()).ok_or_else(|| fault(unknown, column))?
            }
            Some(wide @ ('u' | 'U')) => {
                let count = if wide == 'u' { 4 } else { 8 };
                let code = self.digits(count, 16).and_then(char::from_u32);
                push(bytes, code.ok_or_else(|| fault("the escape sequence is no Unicode character", column))?);
                return Ok(());
            }
            Some(octal @ '0'..='7') => {
                let rest = self.digits(2, 8).ok_or_else(|| fault(unknown, column))?;
                let code = (u32::from(octal) - u32::from('0')) * 64 + rest;
                u8::try_from(code).map_err(|_| fault("the escape sequence is no byte", column))?
            }
            _ => return Err(fault(unknown, column)),
        };
        bytes.push(simple);
        Ok(())
    }

    fn digits(&mut self, count: usize, radix: u32) -> Option<u32> {
        let mut code = 0_u32;
        for _ in 0..count {
            let digit = self.peek()?.to_digit(radix)?;
            self.take();
            code = code.checked_mul(radix)?.checked_add(digit)?;
        }
        Some(code)
    }
}

#[derive(Clone, Copy)]
enum Comment {
    InLine,
    OfLines,
}

fn push(bytes: &mut Vec<u8>, character: char) {
    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

fn unexpected(character: char, column: usize) -> RuleError {
    let way_out = match character {
        '\'' => "; strings stand between backticks, as in Host(`example.com`)",
        '&' => "; write `&&` for and",
        '|' => "; write `||` for or",
        ';' => "; a rule is one expression and has no end mark",
        _ => "; matchers are joined with `&&`, `||`, `!` and parentheses",
    };
    fault(format!("unexpected `{}`{way_out}", character.escape_debug()), column)
}

pub(super) fn fault(message: impl Into<String>, column: usize) -> RuleError {
    RuleError { message: message.into(), column }
}
