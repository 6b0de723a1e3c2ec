//! A rule as alternatives, each a list of terms that must hold together.
//!
//! The number of alternatives is bounded; a rule beyond the bound has no such form.

use super::{Expression, Rule, Term};

/// More alternatives than this are not looked at one by one.
const MAX_CLAUSES: usize = 256;

/// A term, or its opposite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Literal<'a> {
    pub(super) sign: Sign,
    pub(super) term: &'a Term,
}

/// Whether a term must hold or must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Plain,
    Negated,
}

/// What must hold together.
pub(super) type Clause<'a> = Vec<Literal<'a>>;

/// The alternatives of a rule, contradictory ones included; `None`: too many.
pub(super) fn of(rule: &Rule) -> Option<Vec<Clause<'_>>> {
    expand(&rule.expression, Sign::Plain)
}

/// Every term, with the sign that it has in the end.
pub(super) fn literals(rule: &Rule) -> Vec<Literal<'_>> {
    let mut found = Vec::new();
    collect(&rule.expression, Sign::Plain, &mut found);
    found
}

impl Sign {
    fn opposite(self) -> Self {
        match self {
            Self::Plain => Self::Negated,
            Self::Negated => Self::Plain,
        }
    }
}

fn expand(expression: &Expression, sign: Sign) -> Option<Vec<Clause<'_>>> {
    match (expression, sign) {
        (Expression::Term(term), _) => Some(vec![vec![Literal { sign, term }]]),
        (Expression::Not(inner), _) => expand(inner, sign.opposite()),
        (Expression::Any(members), Sign::Plain) | (Expression::All(members), Sign::Negated) => {
            let mut clauses = Vec::new();
            for member in members {
                clauses.extend(expand(member, sign)?);
                if clauses.len() > MAX_CLAUSES {
                    return None;
                }
            }
            Some(clauses)
        }
        (Expression::All(members), Sign::Plain) | (Expression::Any(members), Sign::Negated) => {
            let mut clauses: Vec<Clause<'_>> = vec![Vec::new()];
            for member in members {
                let more = expand(member, sign)?;
                if clauses.len() * more.len() > MAX_CLAUSES {
                    return None;
                }
                clauses =
                    clauses.iter().flat_map(|left| more.iter().map(|right| [&left[..], right].concat())).collect();
            }
            Some(clauses)
        }
    }
}

fn collect<'a>(expression: &'a Expression, sign: Sign, found: &mut Vec<Literal<'a>>) {
    match expression {
        Expression::Term(term) => found.push(Literal { sign, term }),
        Expression::Not(inner) => collect(inner, sign.opposite(), found),
        Expression::All(members) | Expression::Any(members) => {
            for member in members {
                collect(member, sign, found);
            }
        }
    }
}
