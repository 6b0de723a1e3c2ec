//! No text makes the parser panic, and a printed rule is the rule.

use proptest::prelude::*;

use super::super::*;

fn argument(matcher: Matcher) -> BoxedStrategy<Vec<String>> {
    let text = "[a-z`\"\\\\\\n\\r {}(),é🙂]{1,8}".prop_map(|text| text);
    match matcher {
        Matcher::Host | Matcher::HostSni => "[a-zA-Z0-9.-]{1,12}".prop_map(|host| vec![host]).boxed(),
        Matcher::HostRegexp | Matcher::HostSniRegexp | Matcher::PathRegexp => {
            "\\^?[a-z.]{1,8}(\\\\\\.[a-z]{1,3})?\\$?".prop_map(|regex| vec![regex]).boxed()
        }
        Matcher::Path | Matcher::PathPrefix => text.prop_map(|text| vec![format!("/{text}")]).boxed(),
        Matcher::ClientIp => any::<std::net::Ipv4Addr>().prop_map(|address| vec![format!("{address}/24")]).boxed(),
        Matcher::Header | Matcher::Query => [text.clone(), text].prop_map(Vec::from).boxed(),
        Matcher::HeaderRegexp | Matcher::QueryRegexp => {
            (text, "[a-z]+").prop_map(|(name, regex)| vec![name, regex]).boxed()
        }
        Matcher::Method | Matcher::Alpn => text.prop_map(|text| vec![text]).boxed(),
    }
}

fn expression() -> impl Strategy<Value = Expression> {
    let matchers: Vec<Matcher> = Matcher::ALL.into_iter().filter(|matcher| matcher.is_of(Protocol::Http)).collect();
    let term = prop::sample::select(matchers).prop_flat_map(|matcher| {
        argument(matcher).prop_map(move |arguments| Expression::Term(Term::new(matcher, arguments)))
    });
    term.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Expression::Not(Box::new(inner))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expression::All),
            prop::collection::vec(inner, 2..4).prop_map(Expression::Any),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_rule_parses_back_to_itself(expression in expression()) {
        let rule = Rule { protocol: Protocol::Http, expression };
        let printed = rule.to_string();
        prop_assert_eq!(parse(&printed, Protocol::Http).map_err(|error| format!("{printed}: {error}")), Ok(rule));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,60}") {
        let _ = parse(&text, Protocol::Http);
        let _ = parse(&text, Protocol::Tcp);
        let _ = pattern::translate(&text);
        let _ = pattern::beginning(&text);
        let _ = pattern::ending(&text);
    }

    #[test]
    fn no_soup_of_words_makes_the_parser_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "Host", "(", ")", "`a`", "\"b\\n\"", ",", "&&", "||", "!", "\n", "//", "/*", "*/", "...", "PathRegexp", "`[a-`", " ", "é", "\\",
        ]), 0..24),
    ) {
        let text = words.concat();
        match parse(&text, Protocol::Http) {
            Ok(rule) => {
                let _ = (rule.hosts(), rule.paths(), rule.warnings(), rule.is_catch_all(), overlap(&rule, &rule));
            }
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.column), "{text:?}: {error}"),
        }
    }

    #[test]
    fn an_expression_that_go_takes_never_fails_to_be_written_anew(
        words in prop::collection::vec(prop::sample::select(vec![
            "a", "(", ")", "[", "]", "^", "-", "*", "+", "?", "{2}", "{,3}", "{", "|", "\\d", "\\Q", "\\E", "(?i)", "(?:", "[:alpha:]", "&&", "~", "\\b", ".",
        ]), 0..16),
    ) {
        let text = words.concat();
        if let Ok(Some(ours)) = pattern::translate(&text) {
            prop_assert!(regex::Regex::new(&ours).is_ok(), "{text} became {ours}: {:?}", regex::Regex::new(&ours));
        }
    }

    #[test]
    fn a_rule_is_the_same_as_itself_and_inside_of_a_wider_one(expression in expression(), other in expression()) {
        let rule = |expression| Rule { protocol: Protocol::Http, expression };
        let (one, both) = (rule(expression.clone()), rule(Expression::All(vec![expression, other])));
        let itself = overlap(&one, &one);
        prop_assert!(matches!(itself, Overlap::Same | Overlap::Partial | Overlap::None), "{one}: {itself:?}");
        prop_assert!(!matches!(overlap(&one, &both), Overlap::Within), "{one} / {both}");
    }
}
