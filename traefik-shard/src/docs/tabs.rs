//! Which tabs of a page are worth reading.
//!
//! The site shows one example in up to six languages; the one for files in YAML is enough, unless
//! the question names another.

use crate::docs::words;

/// The language that a tab is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    Yaml,
    Toml,
    Cli,
    Labels,
    Tags,
    Kubernetes,
    /// No language: such tabs differ in what they say.
    Topic,
}

/// What the question asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    variants: Vec<Variant>,
}

impl Wanted {
    /// Reads the languages that a question names.
    pub(crate) fn of(question: &str) -> Self {
        let variants = words::words(question).iter().filter_map(|word| asked(word)).collect();
        Self { variants }
    }

    /// Whether the question names languages and nothing else.
    pub(crate) fn is_all_of(question: &str) -> bool {
        words::terms(question).iter().all(|word| asked(word).is_some())
    }

    /// Which tabs of a set to keep, by their labels; always at least one of them.
    pub(crate) fn keep(&self, labels: &[String]) -> Vec<bool> {
        let variants: Vec<Variant> = labels.iter().map(|label| variant(label)).collect();
        let among = |wanted: &[Variant]| variants.iter().any(|variant| wanted.contains(variant));
        let wanted: &[Variant] = if among(&self.variants) {
            &self.variants
        } else if among(&[Variant::Yaml]) {
            &[Variant::Yaml]
        } else if among(&[Variant::Topic]) {
            &[]
        } else {
            &variants[..variants.len().min(1)]
        };
        variants.iter().map(|variant| *variant == Variant::Topic || wanted.contains(variant)).collect()
    }
}

/// The language that one word of a question names.
fn asked(word: &str) -> Option<Variant> {
    match word {
        "yaml" | "yml" => Some(Variant::Yaml),
        "toml" => Some(Variant::Toml),
        "cli" | "flag" | "argument" => Some(Variant::Cli),
        "label" | "docker" | "swarm" | "compose" => Some(Variant::Labels),
        "tag" | "consul" | "nomad" | "ecs" => Some(Variant::Tags),
        "kubernete" | "k8s" | "crd" | "helm" | "ingressroute" => Some(Variant::Kubernetes),
        _ => None,
    }
}

/// The language of a tab. Helm values are YAML too, but for Kubernetes.
fn variant(label: &str) -> Variant {
    let label = label.to_lowercase();
    let has = |names: &[&str]| names.iter().any(|name| label.contains(name));
    if has(&["helm", "kubernetes", "k8s", "crd", "ingress"]) {
        Variant::Kubernetes
    } else if has(&["yaml", "yml"]) {
        Variant::Yaml
    } else if has(&["toml"]) {
        Variant::Toml
    } else if has(&["cli", "command"]) {
        Variant::Cli
    } else if has(&["label", "docker", "swarm"]) {
        Variant::Labels
    } else if has(&["tag", "consul", "nomad", "ecs"]) {
        Variant::Tags
    } else {
        Variant::Topic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(question: &str, labels: &[&str]) -> Vec<String> {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let keep = Wanted::of(question).keep(&labels);
        labels.into_iter().zip(keep).filter_map(|(label, keep)| keep.then_some(label)).collect()
    }

    #[test]
    fn yaml_is_enough_unless_the_question_names_another() {
        let set = ["Structured (YAML)", "Structured (TOML)", "Labels", "Tags", "Kubernetes"];
        assert_eq!(kept("basicauth", &set), ["Structured (YAML)"]);
        assert_eq!(kept("basicauth TOML", &set), ["Structured (TOML)"]);
        assert_eq!(kept("basicauth docker labels", &set), ["Labels"]);
        assert_eq!(kept("basicauth kubernetes", &set), ["Kubernetes"]);
        assert_eq!(kept("", &["File (YAML)", "CLI", "Helm Chart Values (values.yaml)"]), ["File (YAML)"]);
    }

    #[test]
    fn tabs_that_say_different_things_all_stay() {
        assert_eq!(kept("toml", &["Host Rule", "Path Prefix Rule"]), ["Host Rule", "Path Prefix Rule"]);
        assert_eq!(kept("", &["Docker", "Swarm", "Consul Catalog"]), ["Docker", "Swarm"]);
        assert_eq!(kept("", &[]), Vec::<String>::new());
    }
}
