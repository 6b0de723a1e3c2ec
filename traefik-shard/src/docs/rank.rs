//! Which page and section a question means.
//!
//! The order is that of BM25 with weight on titles and paths. Where one thing is described for
//! HTTP, TCP and Kubernetes alike, HTTP comes first unless the question says otherwise.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use strsim::jaro_winkler;

use crate::docs::catalogue::{Catalogue, Entry, Hit, Page};
use crate::docs::words;

/// BM25's saturation of repeated words, and how far the length of a text counts.
const K1: f32 = 1.2;
const B: f32 = 0.75;
/// What a word in a title, in the path and in the title of the section's page adds to its text.
const IN_TITLE: f32 = 3.0;
const IN_PATH: f32 = 2.0;
/// What a title adds that says just what was asked.
const SAME: f32 = 12.0;
/// Pages before their own sections.
const PAGE: f32 = 1.15;
/// The share of the question's weight that an answer must cover.
const COVERED: f32 = 0.4;
/// How like a known word must be to an unknown one to be meant.
const ALIKE: f64 = 0.9;

/// One answer, best first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ranked<'a> {
    pub(crate) page: &'a str,
    pub(crate) title: &'a str,
    pub(crate) section: Option<&'a str>,
    score: f32,
}

/// What is known of a question.
struct Question {
    key: String,
    /// The words to look for and what each is worth.
    terms: Vec<(String, f32)>,
    /// All words, to see what it asks for expressly.
    said: HashSet<String>,
    /// The worth of all words, the unknown ones too.
    worth: f32,
}

/// The pages that answer the question, each with its best section; empty if none does.
pub(crate) fn rank<'a>(catalogue: &'a Catalogue, question: &str) -> Vec<Ranked<'a>> {
    let question = Question::new(catalogue, question);
    let mut scores: HashMap<u32, (f32, f32)> = HashMap::new();
    for (term, worth) in &question.terms {
        for hit in catalogue.hits.get(term).into_iter().flatten() {
            let entry = &catalogue.entries[hit.entry as usize];
            let score = scores.entry(hit.entry).or_default();
            score.0 += worth * weight(hit, entry, catalogue.mean_length);
            score.1 += worth;
        }
    }
    for (number, entry) in (0..).zip(&catalogue.entries) {
        if says_just_that(entry, &catalogue.pages[entry.page], &question.key) {
            scores.entry(number).or_default();
        }
    }
    let mut best: HashMap<usize, (u32, f32)> = HashMap::new();
    for (number, (score, covered)) in scores {
        let entry = &catalogue.entries[number as usize];
        let page = &catalogue.pages[entry.page];
        let same = says_just_that(entry, page, &question.key);
        if !same && covered < COVERED * question.worth {
            continue;
        }
        let exact = if same { SAME } else { 0.0 };
        let whole = if entry.anchor.is_none() { PAGE } else { 1.0 };
        let score = (score + exact) * whole * standing(page, &question.said);
        let found = best.entry(entry.page).or_insert((number, score));
        if (score, found.0) > (found.1, number) {
            *found = (number, score);
        }
    }
    let mut ranked: Vec<Ranked> = best.into_values().map(|(number, score)| shown(catalogue, number, score)).collect();
    ranked.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal).then_with(|| a.page.cmp(b.page)));
    ranked
}

/// The pages whose names are most like the question, for one that nothing answers.
pub(crate) fn nearest<'a>(catalogue: &'a Catalogue, question: &str, count: usize) -> Vec<&'a Page> {
    let asked = words::key(question);
    let last = words::key(question.trim_end_matches('/').rsplit('/').next().unwrap_or_default());
    let likeness = |page: &Page| {
        let names = [words::key(&page.title), page.slug.clone(), words::key(&page.path)];
        let like = |name: &String| jaro_winkler(name, &asked).max(jaro_winkler(name, &last));
        names.iter().map(like).fold(0.0, f64::max)
    };
    let mut pages: Vec<(f64, &Page)> = catalogue.pages.iter().map(|page| (likeness(page), page)).collect();
    pages.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.path.cmp(&b.1.path)));
    pages.into_iter().take(count).map(|(_, page)| page).collect()
}

impl Question {
    fn new(catalogue: &Catalogue, question: &str) -> Self {
        let mut terms = Vec::new();
        let mut worth = 0.0;
        for term in words::terms(question) {
            let rarity = rarity(catalogue, &term);
            worth += rarity;
            if catalogue.hits.contains_key(&term) {
                terms.push((term, rarity));
            } else if let Some(meant) = meant(catalogue, &term) {
                terms.push((meant, rarity));
            }
        }
        let said = words::words(question).into_iter().collect();
        Self { key: words::key(question), terms, said, worth }
    }
}

/// The inverse document frequency of a word, also of one that occurs nowhere.
fn rarity(catalogue: &Catalogue, term: &str) -> f32 {
    let all = catalogue.entries.len() as f32;
    let with = catalogue.hits.get(term).map_or(0, Vec::len) as f32;
    (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
}

/// The word of a title or a path that a misspelt one means.
fn meant(catalogue: &Catalogue, term: &str) -> Option<String> {
    if term.len() < 5 {
        return None;
    }
    let named = catalogue.hits.iter().filter(|(_, hits)| hits.iter().any(|hit| hit.in_title || hit.in_path));
    let alike = named.map(|(word, _)| (jaro_winkler(word, term), word)).filter(|(alike, _)| *alike >= ALIKE);
    let best = alike.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)));
    best.map(|(_, word)| word.clone())
}

fn weight(hit: &Hit, entry: &Entry, mean_length: f32) -> f32 {
    let count = f32::from(hit.in_text);
    let length = 1.0 - B + B * entry.length as f32 / mean_length;
    let text = count * (K1 + 1.0) / (count + K1 * length);
    let title = if hit.in_title { IN_TITLE } else { 0.0 };
    let path = if hit.in_path { IN_PATH } else { 0.0 };
    text + title + path
}

fn says_just_that(entry: &Entry, page: &Page, key: &str) -> bool {
    !key.is_empty() && (entry.key == key || (entry.anchor.is_none() && page.slug == key))
}

/// How readily a page is taken, by what part of the site it lies in and what the question says.
fn standing(page: &Page, said: &HashSet<String>) -> f32 {
    /// Where it lies, its share, and the words that lift it again.
    const PARTS: [(&str, f32, &[&str]); 14] = [
        ("migrate/", 0.5, &["migrate", "migration", "upgrade", "v1", "v2", "v3"]),
        ("contributing/", 0.5, &["contributing", "contribute", "issue", "maintainer", "build"]),
        ("deprecation/", 0.5, &["deprecation", "deprecated", "release"]),
        ("includes/", 0.3, &[]),
        ("reference/static-configuration/", 0.5, &["cli", "flag", "env", "environment", "static"]),
        ("reference/install-configuration/configuration-options/", 0.5, &["static", "reference", "option"]),
        ("/tcp/", 0.6, &["tcp", "hostsni"]),
        ("/udp/", 0.6, &["udp"]),
        (
            "kubernetes",
            0.5,
            &["kubernetes", "k8", "crd", "ingress", "ingressroute", "gateway", "helm", "knative", "middlewaretcp"],
        ),
        ("/kv/", 0.6, &["kv", "etcd", "redi", "redis", "consul", "zookeeper", "zk"]),
        ("/hashicorp/", 0.6, &["consul", "nomad", "hashicorp", "catalog"]),
        ("/other-providers/", 0.6, &["docker", "label", "consul", "ecs", "kv", "nomad", "swarm", "tag", "provider"]),
        ("/swarm/", 0.6, &["swarm"]),
        ("expose/", 0.8, &["expose"]),
    ];
    let share = PARTS
        .iter()
        .filter(|(part, _, lifts)| page.path.contains(part) && !lifts.iter().any(|word| said.contains(*word)));
    let share: f32 = share.map(|(_, share, _)| share).product();
    let slug_said = said.contains(&page.slug);
    if page.hub && !slug_said && !said.contains("hub") { share * 0.35 } else { share }
}

fn shown(catalogue: &Catalogue, number: u32, score: f32) -> Ranked<'_> {
    let entry = &catalogue.entries[number as usize];
    let page = &catalogue.pages[entry.page];
    Ranked { page: &page.path, title: &page.title, section: entry.anchor.as_deref(), score }
}

#[cfg(test)]
mod tests;
