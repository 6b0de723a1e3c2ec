//! The grammar of a rule: `||` binds weaker than `&&`, `!` strongest.
//!
//! The depth is bounded, so no text can exhaust the stack, here or in what walks the tree later.

use super::lex::{Placed, Token, fault, tokens};
use super::{Expression, Matcher, Protocol, RuleError, Term, arguments};

/// How deep parentheses and negations may nest. Traefik goes further; no rule of a person does.
const MAX_DEPTH: usize = 128;

/// Parses and checks a whole rule.
pub(super) fn parse(text: &str, protocol: Protocol) -> Result<Expression, RuleError> {
    let mut parser = Parser { tokens: tokens(text)?.into_iter().peekable(), protocol, depth: 0 };
    let expression = parser.any()?;
    parser.take_if(&Token::Newline);
    let (token, column) = parser.take();
    match token {
        Token::End => Ok(expression),
        Token::Name(word) if word == "and" => Err(fault("unexpected `and`; write `&&`", column)),
        Token::Name(word) if word == "or" => Err(fault("unexpected `or`; write `||`", column)),
        Token::And | Token::Or => {
            Err(fault("the rule ended on the line before; end that line with the operator", column))
        }
        Token::Comma => Err(fault("unexpected `,`; join matchers with `&&` or `||`", column)),
        Token::Close => Err(fault("unexpected `)`; there is no open parenthesis", column)),
        _ => Err(fault("expected the end of the rule; join matchers with `&&` or `||`", column)),
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Placed>>,
    protocol: Protocol,
    depth: usize,
}

impl Parser {
    fn take(&mut self) -> Placed {
        // `End` is last and is never passed by a rule that goes on.
        self.tokens.next().unwrap_or((Token::End, 1))
    }

    fn take_if(&mut self, wanted: &Token) -> bool {
        self.tokens.next_if(|(token, _)| token == wanted).is_some()
    }

    fn any(&mut self) -> Result<Expression, RuleError> {
        let mut members = vec![self.all()?];
        while self.take_if(&Token::Or) {
            members.push(self.all()?);
        }
        Ok(single_or(members, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, RuleError> {
        let mut members = vec![self.unary()?];
        while self.take_if(&Token::And) {
            members.push(self.unary()?);
        }
        Ok(single_or(members, Expression::All))
    }

    fn unary(&mut self) -> Result<Expression, RuleError> {
        let (token, column) = self.take();
        match token {
            Token::Not => {
                self.deeper(column)?;
                let inner = self.unary()?;
                self.depth -= 1;
                Ok(Expression::Not(Box::new(inner)))
            }
            Token::Open => {
                self.deeper(column)?;
                let inner = self.any()?;
                self.depth -= 1;
                let (token, column) = self.take();
                match token {
                    Token::Close => Ok(inner),
                    Token::Newline => Err(fault("a line break before `)` or an operator ends the rule", column)),
                    _ => Err(fault("expected `)`, `&&` or `||`", column)),
                }
            }
            Token::Name(name) => Ok(Expression::Term(self.call(&name, column)?)),
            Token::Text(_) => {
                Err(fault("a string alone is no rule; call a matcher, as in Host(`example.com`)", column))
            }
            Token::End if column == 1 => Err(fault("the rule is empty", column)),
            _ => Err(fault("expected a matcher, `!` or `(`", column)),
        }
    }

    fn deeper(&mut self, column: usize) -> Result<(), RuleError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(fault(format!("parentheses and negations nest deeper than {MAX_DEPTH}"), column));
        }
        Ok(())
    }

    fn call(&mut self, name: &str, column: usize) -> Result<Term, RuleError> {
        let matcher = matcher(name, self.protocol).map_err(|message| fault(message, column))?;
        if !self.take_if(&Token::Open) {
            let message = format!("`{name}` needs its arguments, as in {name}(`…`)");
            return Err(fault(message, self.take().1));
        }
        let mut arguments = Vec::new();
        let mut columns = Vec::new();
        loop {
            let (token, place) = self.take();
            match token {
                Token::Close if arguments.is_empty() => break,
                Token::Text(text) => arguments.push(text),
                _ => return Err(fault("expected a string between backticks", place)),
            }
            columns.push(place);
            let spread = self.take_if(&Token::Dots);
            let more = self.take_if(&Token::Comma);
            if self.take_if(&Token::Close) {
                break;
            }
            if spread || !more {
                return Err(fault("expected `,` or `)`", self.take().1));
            }
        }
        let term = Term::new(matcher, arguments);
        arguments::check(&term)
            .map_err(|(position, message)| fault(message, columns.get(position).copied().unwrap_or(column)))?;
        Ok(term)
    }
}

fn single_or(mut members: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match members.pop() {
        Some(only) if members.is_empty() => only,
        last => {
            members.extend(last);
            join(members)
        }
    }
}

/// Traefik knows each matcher by four spellings: as documented, lower, upper and `Title` case.
fn matcher(name: &str, protocol: Protocol) -> Result<Matcher, String> {
    let spelt = |matcher: &Matcher| {
        let documented = matcher.name();
        let lower = documented.to_ascii_lowercase();
        let title = format!("{}{}", &documented[..1], &lower[1..]);
        name == documented || name == lower || name == documented.to_ascii_uppercase() || name == title
    };
    let known = Matcher::ALL.iter().copied().filter(|matcher| matcher.is_of(protocol)).collect::<Vec<_>>();
    if let Some(matcher) = known.iter().copied().find(spelt) {
        return Ok(matcher);
    }
    if let Some(other) = Matcher::ALL.iter().copied().find(spelt) {
        let routers = if protocol == Protocol::Http { "TCP" } else { "HTTP" };
        return Err(format!("`{}` is a matcher of {routers} routers only", other.name()));
    }
    let old = match name.to_ascii_lowercase().as_str() {
        "headers" => Some("Header"),
        "headersregexp" => Some("HeaderRegexp"),
        "hostheader" => Some("Host"),
        _ => None,
    };
    if let Some(new) = old.filter(|_| protocol == Protocol::Http) {
        return Err(format!("`{name}` is of Traefik 2; its name in Traefik 3 is `{new}`"));
    }
    let near = known
        .iter()
        .map(|matcher| matcher.name())
        .min_by_key(|known| strsim::damerau_levenshtein(&known.to_ascii_lowercase(), &name.to_ascii_lowercase()));
    let names = known.iter().map(|matcher| matcher.name()).collect::<Vec<_>>().join(", ");
    Err(match near {
        Some(near) if strsim::damerau_levenshtein(&near.to_ascii_lowercase(), &name.to_ascii_lowercase()) <= 2 => {
            format!("unknown matcher `{name}`; did you mean `{near}`?")
        }
        _ => format!("unknown matcher `{name}`; there are {names}"),
    })
}
