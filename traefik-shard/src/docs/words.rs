//! Text as the words that a search compares.
//!
//! A page and a question go through the same functions, so that `rate limit`, `RateLimit` and
//! `rate-limits` meet.

/// Words that say nothing about the topic.
const STOP_WORDS: [&str; 44] = [
    "a",
    "about",
    "all",
    "an",
    "and",
    "are",
    "as",
    "at",
    "be",
    "by",
    "can",
    "configure",
    "do",
    "docs",
    "documentation",
    "does",
    "find",
    "for",
    "from",
    "how",
    "i",
    "in",
    "is",
    "it",
    "me",
    "my",
    "of",
    "on",
    "or",
    "page",
    "set",
    "setup",
    "show",
    "tell",
    "the",
    "to",
    "traefik",
    "use",
    "using",
    "want",
    "what",
    "when",
    "where",
    "with",
];

/// All words of a text, in order: `basicAuth` gives `basicauth`, `basic` and `auth`.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for chunk in chunks(text) {
        let parts = humps(chunk);
        if parts.len() > 1 {
            words.extend(parts.iter().map(|part| stem(part)));
        }
        words.push(stem(chunk));
    }
    words
}

/// The words of a question that matter, each once. A question of stop words alone keeps them.
pub(crate) fn terms(question: &str) -> Vec<String> {
    let all = words(question);
    let matters = |word: &&String| !STOP_WORDS.contains(&word.as_str());
    let mut terms: Vec<String> = all.iter().filter(matters).cloned().collect();
    if terms.is_empty() {
        terms = all;
    }
    let mut seen = std::collections::HashSet::new();
    terms.retain(|term| seen.insert(term.clone()));
    terms
}

/// A text as one lower-case word without stop words: what is equal here is the same topic.
pub(crate) fn key(text: &str) -> String {
    let stems: Vec<String> = chunks(text).map(stem).collect();
    let matters: String =
        stems.iter().filter(|word| !STOP_WORDS.contains(&word.as_str())).map(String::as_str).collect();
    if matters.is_empty() { stems.concat() } else { matters }
}

fn chunks(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|chunk| !chunk.is_empty())
}

/// The parts of `serversTransport` or `IPAllowList`.
fn humps(chunk: &str) -> Vec<&str> {
    let letters: Vec<(usize, char)> = chunk.char_indices().collect();
    let mut parts = Vec::new();
    let mut start = 0;
    for at in 1..letters.len() {
        let (place, letter) = letters[at];
        let after_small = !letters[at - 1].1.is_uppercase();
        let before_small = letters.get(at + 1).is_some_and(|(_, next)| next.is_lowercase());
        if letter.is_uppercase() && (after_small || before_small) {
            parts.push(&chunk[start..place]);
            start = place;
        }
    }
    parts.push(&chunk[start..]);
    parts
}

/// Lower case, and the singular where that is safe: `https` stays.
fn stem(word: &str) -> String {
    let mut word = word.to_lowercase();
    let plural = word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us");
    if plural && word != "https" {
        word.pop();
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn humps_give_their_parts_and_the_whole() {
        assert_eq!(words("basicAuth"), ["basic", "auth", "basicauth"]);
        assert_eq!(words("IPAllowList"), ["ip", "allow", "list", "ipallowlist"]);
        assert_eq!(
            words("providersThrottleDuration"),
            ["provider", "throttle", "duration", "providersthrottleduration"]
        );
        assert_eq!(words("HTTP3 https TLS"), ["http3", "https", "tls"]);
        assert_eq!(words("Überwachung-ÄÖ"), ["überwachung", "äö"]);
    }

    #[test]
    fn a_question_is_reduced_to_what_it_asks() {
        assert_eq!(terms("How do I set up sticky sessions in Traefik?"), ["up", "sticky", "session"]);
        assert_eq!(terms("what is traefik"), ["what", "is", "traefik"]);
        assert_eq!(terms("rate limit rate"), ["rate", "limit"]);
    }

    #[test]
    fn spellings_of_one_topic_have_one_key() {
        for spelling in ["RateLimit", "rate limit", "rate-limits", "the Rate Limit"] {
            assert_eq!(key(spelling), "ratelimit", "{spelling}");
        }
        assert_eq!(key("Let's Encrypt"), "letsencrypt");
        assert_eq!(key("Rules & Priority"), key("rules and priority"));
    }
}
