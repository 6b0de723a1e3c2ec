//! The validator against the real Traefik, over documents of our own that were changed at random.
//!
//! `MUTANTS_SEED` and `MUTANTS` set the seed and the number; the seed is printed.

#![expect(clippy::print_stdout, reason = "the figures are the result")]

mod documents;
mod judge;
mod mutants;
mod write;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Launch, Shard};
use mutants::Mutant;
use write::Style;

const TRAEFIKS: usize = 3;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// What `validate_config` says of each text.
async fn ours(texts: impl Iterator<Item = (&String, Style)>) -> Vec<Value> {
    let shard = Shard::start(&Launch::default()).await;
    let mut reports = Vec::new();
    for (text, style) in texts {
        let arguments = json!({"content": text, "format": style.format(), "live": false});
        reports.push(shard.call("validate_config", arguments).await.done());
    }
    shard.end().await;
    reports
}

#[tokio::test]
async fn every_document_of_ours_loads_in_traefik_and_is_said_to_in_each_way_of_writing() {
    let styles = [Style::Block, Style::Flow, Style::Toml];
    let texts: Vec<_> = documents::sections()
        .iter()
        .flat_map(|section| styles.map(|style| (write::write(section, style), style)))
        .collect();
    let candidates = texts.iter().map(|(text, style)| (text.clone(), style.extension())).collect();
    let (verdicts, reports) =
        tokio::join!(judge::judge(candidates, 1), ours(texts.iter().map(|(text, style)| (text, *style))));
    for (((text, _), verdict), report) in texts.iter().zip(verdicts).zip(reports) {
        assert_eq!(verdict, None, "Traefik refuses:\n{text}");
        assert_eq!(report["would_load"], "yes", "{report:#}\n{text}");
    }
}

#[tokio::test]
async fn no_mutant_that_traefik_refuses_is_said_to_load() {
    let (seed, number) = (setting("MUTANTS_SEED", fastrand::u64(..1 << 32)), setting("MUTANTS", 1000));
    println!("MUTANTS_SEED={seed} MUTANTS={number}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let mutants: Vec<Mutant> = (0..number)
        .map(|_| {
            let document = documents::document(&mut rng);
            mutants::mutate(&mut rng, &document)
        })
        .collect();
    let candidates = mutants.iter().map(|mutant| (mutant.text.clone(), mutant.style.extension())).collect();
    let (verdicts, reports) = tokio::join!(
        judge::judge(candidates, TRAEFIKS),
        ours(mutants.iter().map(|mutant| (&mutant.text, mutant.style)))
    );
    let (mut accepted, mut agreed, mut false_accepts) = (0, 0, Vec::new());
    for ((mutant, verdict), report) in mutants.iter().zip(&verdicts).zip(&reports) {
        let loads = report["would_load"] == "yes";
        match verdict {
            None => {
                accepted += 1;
                agreed += u64::from(loads);
                if !loads {
                    println!("refused by us alone: {:?} {}: {}", mutant.style, mutant.change, report["summary"]);
                }
            }
            Some(said) if loads => {
                false_accepts.push(format!("{:?} {}\n{said}\n{}", mutant.style, mutant.change, mutant.text));
            }
            Some(_) => {}
        }
    }
    let touched: BTreeSet<_> = mutants.iter().filter_map(|mutant| documents::definition_at(&mutant.path)).collect();
    println!(
        "{number} mutants, {accepted} accepted by Traefik, {agreed} of those by us, {} definitions",
        touched.len()
    );
    assert!(
        false_accepts.is_empty(),
        "seed {seed}: {} false accepts:\n{}",
        false_accepts.len(),
        false_accepts.join("\n\n")
    );
    assert!(accepted * 10 >= number * 3, "too few are accepted by Traefik to say anything: {accepted}");
    assert!(agreed * 10 >= accepted * 6, "too strict: {agreed} of {accepted}");
    assert!(touched.len() >= 30, "too few definitions: {touched:?}");
}
