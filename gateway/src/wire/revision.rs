//! Protocol revisions and their two eras.

/// How a revision speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// With the `initialize` handshake and a session.
    Legacy,
    /// Stateless: each request carries revision, client and capabilities in `_meta`.
    Modern,
}

impl Era {
    /// The word for people: `legacy` or `modern`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }
}

/// A revision that the gateway speaks, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the revisions' dates")]
pub enum Revision {
    V2024_11_05,
    V2025_03_26,
    V2025_06_18,
    V2025_11_25,
    V2026_07_28,
}

impl Revision {
    /// Every revision, the oldest first.
    pub const ALL: [Self; 5] =
        [Self::V2024_11_05, Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25, Self::V2026_07_28];
    /// The newest revision that has `initialize`.
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;
    /// The revision of the modern era.
    pub const MODERN: Self = Self::V2026_07_28;

    /// The revision's date, as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The revision of that date, if the gateway speaks it.
    pub fn parse(date: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|revision| revision.as_str() == date)
    }

    /// The era that the revision belongs to.
    pub fn era(self) -> Era {
        if self == Self::MODERN { Era::Modern } else { Era::Legacy }
    }

    /// What `initialize` agrees on when a client asks for `date`: that revision if it is legacy and known, else the
    /// newest legacy one (2025-11-25, basic/lifecycle, "Version Negotiation").
    pub fn negotiate(date: &str) -> Self {
        Self::parse(date).filter(|revision| revision.era() == Era::Legacy).unwrap_or(Self::LATEST_LEGACY)
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::ProtocolVersion;

    use super::*;

    #[test]
    fn the_revisions_are_those_of_the_sdk() {
        let theirs: Vec<&str> = ProtocolVersion::KNOWN_VERSIONS.iter().map(ProtocolVersion::as_str).collect();
        assert_eq!(Revision::ALL.map(Revision::as_str)[..], theirs);
        assert_eq!(Revision::LATEST_LEGACY.as_str(), ProtocolVersion::LATEST_WITH_INITIALIZE.as_str());
    }

    #[test]
    fn initialize_never_agrees_on_a_revision_without_initialize() {
        let cases = [("2024-11-05", "2024-11-05"), ("2026-07-28", "2025-11-25"), ("1.0", "2025-11-25")];
        for (asked, agreed) in cases {
            assert_eq!(Revision::negotiate(asked).as_str(), agreed);
        }
    }
}
