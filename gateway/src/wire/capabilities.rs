//! What a client can be asked by a server (2025-11-25, client/sampling, client/elicitation, client/roots).
//!
//! Invariant: reduced to known keys, so that it fits into a byte of a session token.

use crate::wire::{Kind, Raw, Revision, read_object};

/// The client capabilities that matter to the gateway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities(u8);

impl Capabilities {
    /// Nothing can be asked.
    pub const NONE: Self = Self(0);
    /// `sampling/createMessage`.
    pub const SAMPLING: Self = Self(1);
    /// `elicitation/create` with a form.
    pub const ELICITATION: Self = Self(1 << 1);
    /// `roots/list`.
    pub const ROOTS: Self = Self(1 << 2);
    /// `elicitation/create` that sends the person to a URL.
    pub const ELICITATION_URL: Self = Self(1 << 3);
    /// Sampling with `tools`.
    pub const SAMPLING_TOOLS: Self = Self(1 << 4);
    /// Sampling with `includeContext`.
    pub const SAMPLING_CONTEXT: Self = Self(1 << 5);
    /// `notifications/roots/list_changed` are sent.
    pub const ROOTS_CHANGED: Self = Self(1 << 6);
    const KNOWN: u8 = (1 << 7) - 1;

    /// What a `capabilities` object declares. An `elicitation` that names no mode means forms.
    pub fn read(capabilities: Option<Raw<'_>>) -> Self {
        let object = |key: &str| {
            let value = capabilities.and_then(|object| object.get(key));
            value.filter(|value| value.kind() != Kind::Null)
        };
        let within = |key: &str, inner: &str| object(key).is_some_and(|value| value.get(inner).is_some());
        let url = within("elicitation", "url");
        let form = object("elicitation").is_some() && (!url || within("elicitation", "form"));
        let declared = [
            (object("sampling").is_some(), Self::SAMPLING),
            (form, Self::ELICITATION),
            (object("roots").is_some(), Self::ROOTS),
            (url, Self::ELICITATION_URL),
            (within("sampling", "tools"), Self::SAMPLING_TOOLS),
            (within("sampling", "context"), Self::SAMPLING_CONTEXT),
            (within("roots", "listChanged"), Self::ROOTS_CHANGED),
        ];
        declared.into_iter().filter(|(is_declared, _)| *is_declared).fold(Self::NONE, |all, (_, one)| all.and(one))
    }

    /// What a client must declare to be asked this; `None` for a method that no client answers, and for parameters that can
    /// be read in two ways. `includeContext` needs nothing: a client that does not know it leaves it out.
    pub fn needed(method: &str, params: Option<Raw<'_>>) -> Option<Self> {
        let params = params.unwrap_or(Raw::EMPTY_OBJECT);
        let [mode, tools, _meta] = read_object(params, &["mode", "tools", "_meta"]).ok()?;
        match method {
            "sampling/createMessage" if tools.is_some_and(|tools| tools.kind() != Kind::Null) => {
                Some(Self::SAMPLING.and(Self::SAMPLING_TOOLS))
            }
            "sampling/createMessage" => Some(Self::SAMPLING),
            "elicitation/create" if mode.and_then(Raw::string).as_deref() == Some("url") => Some(Self::ELICITATION_URL),
            "elicitation/create" => Some(Self::ELICITATION),
            "roots/list" => Some(Self::ROOTS),
            _ => None,
        }
    }

    /// Those of them that a client of this revision can carry out, whatever it has declared.
    #[must_use]
    pub fn within(self, revision: Revision) -> Self {
        let since = [
            (Self::ELICITATION, Revision::V2025_06_18),
            (Self::ELICITATION_URL, Revision::V2025_11_25),
            (Self::SAMPLING_TOOLS, Revision::V2025_11_25),
            (Self::SAMPLING_CONTEXT, Revision::V2025_11_25),
        ];
        let later = since.into_iter().filter(|(_, first)| revision < *first);
        Self(later.fold(self.0, |bits, (one, _)| bits & !one.0))
    }

    /// As a `ClientCapabilities` object of the modern era, JSON text. That era has no `roots.listChanged`.
    pub fn to_modern_json(self) -> String {
        let object = |name: &str, inner: &[(&str, Self)]| {
            let inner: Vec<_> = inner.iter().filter(|(_, one)| self.has(*one)).map(|(key, _)| *key).collect();
            let members: Vec<_> = inner.iter().map(|key| format!("\"{key}\":{{}}")).collect();
            format!("\"{name}\":{{{}}}", members.join(","))
        };
        let sampling = [("context", Self::SAMPLING_CONTEXT), ("tools", Self::SAMPLING_TOOLS)];
        let elicitation = [("form", Self::ELICITATION), ("url", Self::ELICITATION_URL)];
        let declared = [
            (self.has(Self::SAMPLING), object("sampling", &sampling)),
            (self.has(Self::ELICITATION) || self.has(Self::ELICITATION_URL), object("elicitation", &elicitation)),
            (self.has(Self::ROOTS), object("roots", &[])),
        ];
        let declared: Vec<_> = declared.into_iter().filter_map(|(is_there, text)| is_there.then_some(text)).collect();
        format!("{{{}}}", declared.join(","))
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is declared here.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// As a number for a session token.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// From a session token.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::KNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_asked_only_what_it_declared() {
        let cases = [
            ("{}", "roots/list", "{}", false),
            (r#"{"roots":{}}"#, "roots/list", "{}", true),
            (r#"{"elicitation":{}}"#, "elicitation/create", r#"{"message":"?"}"#, true),
            (r#"{"elicitation":{}}"#, "elicitation/create", r#"{"mode":"form"}"#, true),
            (r#"{"elicitation":{}}"#, "elicitation/create", r#"{"mode":"url"}"#, false),
            (r#"{"elicitation":{"url":{}}}"#, "elicitation/create", r#"{"mode":"url"}"#, true),
            (r#"{"elicitation":{"url":{}}}"#, "elicitation/create", "{}", false),
            (r#"{"elicitation":{"url":{},"form":{}}}"#, "elicitation/create", "{}", true),
            (r#"{"sampling":{}}"#, "sampling/createMessage", r#"{"includeContext":"thisServer"}"#, true),
            (r#"{"sampling":{}}"#, "sampling/createMessage", r#"{"tools":[]}"#, false),
            (r#"{"sampling":{"tools":{}}}"#, "sampling/createMessage", r#"{"tools":[]}"#, true),
            (r#"{"sampling":null}"#, "sampling/createMessage", "{}", false),
        ];
        for (declared, method, params, expected) in cases {
            let capabilities = Capabilities::read(Some(Raw::parse(declared.as_bytes()).unwrap()));
            let needed = Capabilities::needed(method, Some(Raw::parse(params.as_bytes()).unwrap())).unwrap();
            assert_eq!(capabilities.has(needed), expected, "{declared} {method} {params}");
            assert_eq!(Capabilities::from_bits(capabilities.bits()), capabilities);
        }
        let two_ways = Raw::parse(br#"{"mode":"form","Mode":"url"}"#).unwrap();
        assert_eq!(Capabilities::needed("elicitation/create", Some(two_ways)), None);
        assert_eq!(Capabilities::needed("tasks/get", None), None);
    }

    #[test]
    fn a_modern_shard_hears_of_what_the_clients_revision_can_carry() {
        use Revision::{V2024_11_05, V2025_03_26, V2025_06_18, V2025_11_25};
        let all =
            r#"{"sampling":{"context":{},"tools":{}},"elicitation":{"form":{},"url":{}},"roots":{"listChanged":true}}"#;
        let cases = [
            (
                all,
                V2025_11_25,
                r#"{"sampling":{"context":{},"tools":{}},"elicitation":{"form":{},"url":{}},"roots":{}}"#,
            ),
            (all, V2025_06_18, r#"{"sampling":{},"elicitation":{"form":{}},"roots":{}}"#),
            (all, V2025_03_26, r#"{"sampling":{},"roots":{}}"#),
            (all, V2024_11_05, r#"{"sampling":{},"roots":{}}"#),
            (r#"{"elicitation":{}}"#, V2025_11_25, r#"{"elicitation":{"form":{}}}"#),
            (r#"{"elicitation":{"url":{}}}"#, V2025_11_25, r#"{"elicitation":{"url":{}}}"#),
            (r#"{"sampling":null,"vendor":{}}"#, V2025_11_25, "{}"),
        ];
        for (declared, revision, expected) in cases {
            let declared = Capabilities::read(Some(Raw::parse(declared.as_bytes()).unwrap()));
            let told = declared.within(revision).to_modern_json();
            assert_eq!(told, expected, "{revision:?}");
            let read = Capabilities::read(Some(Raw::parse(told.as_bytes()).unwrap()));
            assert_eq!(
                read.and(Capabilities::ROOTS_CHANGED),
                declared.within(revision).and(Capabilities::ROOTS_CHANGED)
            );
        }
    }
}
