//! Chance that can be repeated.
//!
//! Invariant: the same seed throws the same numbers.

use std::hash::{BuildHasher as _, RandomState};

/// A sequence of numbers (xorshift64*).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of that seed.
    pub fn new(seed: u64) -> Self {
        // Nought would stay nought.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A seed of this run alone, short enough to be typed.
    pub fn any_seed() -> u64 {
        RandomState::new().hash_one(0) % 1_000_000
    }

    /// Another sequence.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.next() | 1)
    }

    /// One of `0..count`; nought if there is none.
    pub fn below(&mut self, count: usize) -> usize {
        let count = count.max(1) as u64;
        usize::try_from((self.next() >> 11) % count).unwrap_or_default()
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_numbers_come_and_a_seed_repeats_them() {
        let throw = |seed| {
            let mut dice = Dice::new(seed);
            (0..1000).map(|_| dice.below(6)).collect::<Vec<_>>()
        };
        assert_eq!(throw(7), throw(7));
        assert_ne!(throw(7), throw(8));
        let thrown = throw(0);
        for number in 0..6 {
            let count = thrown.iter().filter(|one| **one == number).count();
            assert!((100..240).contains(&count), "{number}: {count}");
        }
    }
}
