//! Reproducible random numbers: the same seed gives the same throws.

/// `SplitMix64`.
#[derive(Clone, Debug)]
pub struct SeededRandom(u64);

impl SeededRandom {
    /// Dice with this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Other dice, whose throws these decide.
    #[must_use]
    pub const fn split(&mut self) -> Self {
        Self(self.next())
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `sides`, of which there must be one at least.
    pub const fn below(&mut self, sides: u64) -> u64 {
        self.next() % sides
    }

    /// True once in this many throws, on average.
    pub const fn one_in(&mut self, sides: u64) -> bool {
        self.below(sides) == 0
    }

    /// One of all, of which there must be one at least.
    #[expect(clippy::indexing_slicing, reason = "the place is below the length")]
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.place(all.len())]
    }

    /// All of them in any order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.place(last + 1));
        }
    }

    /// An index below this number, which must be at least one.
    pub fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }
}
