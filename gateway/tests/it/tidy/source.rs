//! A file as the rules see it: its text, and for Rust its code and its comments apart.
//!
//! Invariant: `text`, `code` and `comments` have the same line breaks, so that a line is a line in each.

/// One file of the repository. For a file that is not Rust, `code` and `comments` are empty.
pub(super) struct Source {
    /// From the repository's root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// The text without comments and without what strings and characters hold.
    pub(super) code: String,
    /// The text of the comments alone.
    pub(super) comments: String,
}

impl Source {
    pub(super) fn new(path: &str, text: String) -> Self {
        let mut source = Self { path: path.to_owned(), text, code: String::new(), comments: String::new() };
        if source.is_rust() {
            source.split();
        }
        source
    }

    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    fn split(&mut self) {
        let mut rest = self.text.as_str();
        while let Some(first) = rest.chars().next() {
            let (kind, length) = token(rest, first);
            let (piece, after) = rest.split_at(length);
            let blank = blank(piece);
            let (code, comment) = match kind {
                Kind::Code => (piece, blank.as_str()),
                Kind::Comment => (blank.as_str(), piece),
                Kind::Literal => (blank.as_str(), blank.as_str()),
            };
            self.code.push_str(code);
            self.comments.push_str(comment);
            rest = after;
        }
    }
}

enum Kind {
    Code,
    Comment,
    Literal,
}

/// What `rest` begins with, and how many bytes of it belong together.
fn token(rest: &str, first: char) -> (Kind, usize) {
    if rest.starts_with("//") {
        return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Kind::Comment, block_comment(rest));
    }
    if let Some(length) = raw_string(rest) {
        return (Kind::Literal, length);
    }
    match first {
        '"' => (Kind::Literal, quoted(rest, '"')),
        '\'' if is_character(rest) => (Kind::Literal, quoted(rest, '\'')),
        _ => (Kind::Code, word(rest).max(first.len_utf8())),
    }
}

/// The length of the identifier or number at the start: an `r` inside a word starts no raw string.
fn word(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

/// `'a'` and `'\n'` are characters, `'a` is a lifetime.
fn is_character(rest: &str) -> bool {
    let mut chars = rest.chars().skip(1);
    chars.next() == Some('\\') || chars.next() == Some('\'')
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn raw_string(rest: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| rest.strip_prefix(prefix).is_some_and(opens_raw))?;
    let hashes = rest[prefix.len()..].bytes().take_while(|b| *b == b'#');
    let hashes = hashes.count();
    let body = prefix.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = rest[body..].find(&end).map(|at| body + at + end.len());
    Some(length.unwrap_or(rest.len()))
}

fn opens_raw(after_prefix: &str) -> bool {
    after_prefix.trim_start_matches('#').starts_with('"')
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest.as_bytes()[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.as_bytes()[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn blank(piece: &str) -> String {
    let keep_breaks = |c| if c == '\n' { '\n' } else { ' ' };
    piece.chars().map(keep_breaks).collect()
}

/// Each part of Rust text goes where it belongs: code as it is, comments as they are, literals nowhere.
#[test]
fn text_is_split_into_code_and_comments() {
    let check = |text: &str, code: &str, comments: &str| {
        let source = Source::new("a.rs", text.to_owned());
        assert_eq!((source.code.as_str(), source.comments.as_str()), (code, comments));
    };
    check("a // b\nc", "a     \nc", "  // b\n ");
    check("a /* /* b */\n*/ c", "a           \n   c", "  /* /* b */\n*/  ");
    check("a(\"// \\\" b\")c", "a(         )c", "             ");
    check("r#\"a \" b\"# c", "           c", "            ");
    check("br\"a\\\" c", "       c", "        ");
    check("('\"', '\\'', 'a) b", "(   ,     , 'a) b", "                 ");
    check("for r#type in r {}", "for r#type in r {}", "                  ");
}
