//! Random numbers that are functions of a number, things of which few are frequent and most are rare, and made-up words.

/// Numbers that look random, the same for the same beginning: SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Mixer(u64);

impl Mixer {
    /// The numbers of one use, for one thing.
    pub fn new(usage: u64, thing: u64) -> Self {
        let mut mixer = Self(usage.wrapping_mul(0xD1B5_4A32_D192_ED03) ^ thing);
        // Neighbours have nearly the same beginning; one step takes them apart.
        mixer.0 = mixer.next();
        mixer
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is small beside 2^64.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A share from 0 to under 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Things of which the n-th is as frequent as 1 / n to the power of an exponent.
pub struct Zipf {
    /// Share of the things up to each one.
    until: Vec<f64>,
}

impl Zipf {
    pub fn new(things: usize, exponent: f64) -> Self {
        let weight = |thing: usize| ((thing + 1) as f64).powf(-exponent);
        let all: f64 = (0..things).map(weight).sum();
        let mut so_far = 0.0;
        let until = (0..things)
            .map(|thing| {
                so_far += weight(thing) / all;
                so_far
            })
            .collect();
        Self { until }
    }

    /// How many things there are.
    pub fn len(&self) -> usize {
        self.until.len()
    }

    /// The thing at a share from 0 to 1.
    pub fn sample(&self, share: f64) -> usize {
        let thing = self.until.partition_point(|until| *until < share);
        thing.min(self.until.len().saturating_sub(1))
    }
}

/// A word for a number below 456,976. None can be read as hexadecimal, which a fingerprint would leave out.
pub fn word(number: usize) -> String {
    const CONSONANTS: &[u8] = b"klmnprstvwzgj";
    const VOWELS: &[u8] = b"io";
    // 26 syllables, four of them: the first ones vary fastest, so that neighbours do not begin alike.
    let mut rest = number;
    let mut word = String::with_capacity(8);
    for _ in 0..4 {
        let syllable = rest % 26;
        rest /= 26;
        word.push(char::from(CONSONANTS[syllable / 2]));
        word.push(char::from(VOWELS[syllable % 2]));
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_first_things_are_the_frequent_ones_and_every_share_has_one() {
        let zipf = Zipf::new(1_000, 1.0);
        let mut numbers = Mixer::new(1, 1);
        let mut counts = vec![0; 1_000];
        for _ in 0..100_000 {
            counts[zipf.sample(numbers.share())] += 1;
        }
        // One over the 1,000th harmonic number, 7.485, is 13.4 %.
        assert!((12_900..13_900).contains(&counts[0]), "{}", counts[0]);
        assert!(counts[0] > 8 * counts[9] && counts[0] < 12 * counts[9]);
        assert_eq!((zipf.sample(0.0), zipf.sample(1.0), zipf.len()), (0, 999, 1_000));
    }

    #[test]
    fn words_differ() {
        let words: BTreeSet<String> = (0..100_000).map(word).collect();
        assert_eq!(words.len(), 100_000);
        assert!(words.iter().all(|word| word.len() == 8));
    }

    #[test]
    fn numbers_depend_on_use_and_thing() {
        let first = |usage, thing| Mixer::new(usage, thing).next();
        assert_eq!(first(1, 2), first(1, 2));
        assert_ne!(first(1, 2), first(2, 1));
        assert_ne!(first(1, 2), first(1, 3));
    }
}
