//! Sets of a key's writes, by their place among them.

/// A set of small numbers.
#[derive(Clone, Debug, Default)]
pub struct Bits(Vec<u64>);

impl Bits {
    /// Adds a number.
    pub fn insert(&mut self, number: usize) {
        let word = number / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (number % 64);
    }

    /// Whether it holds a number.
    pub fn contains(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Adds every number of another set.
    pub fn join(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, theirs) in self.0.iter_mut().zip(&other.0) {
            *word |= theirs;
        }
    }

    /// The lowest number that it holds and `other` does not.
    pub fn first_missing_in(&self, other: &Self) -> Option<usize> {
        self.0.iter().enumerate().find_map(|(place, &word)| {
            let missing = word & !other.0.get(place).copied().unwrap_or(0);
            (missing != 0).then(|| place * 64 + missing.trailing_zeros() as usize)
        })
    }

    /// Its numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.0.len() * 64).filter(|&number| self.contains(number))
    }
}

impl PartialEq for Bits {
    fn eq(&self, other: &Self) -> bool {
        self.first_missing_in(other).is_none() && other.first_missing_in(self).is_none()
    }
}

impl FromIterator<usize> for Bits {
    fn from_iter<T: IntoIterator<Item = usize>>(numbers: T) -> Self {
        let mut bits = Self::default();
        numbers.into_iter().for_each(|number| bits.insert(number));
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_join_and_say_what_is_missing() {
        let mut few: Bits = [1, 64].into_iter().collect();
        let many: Bits = [1, 3, 64, 200].into_iter().collect();
        assert_eq!(few.first_missing_in(&many), None);
        assert_eq!(many.first_missing_in(&few), Some(3));
        few.join(&many);
        assert!(few == many && few.contains(200) && !few.contains(201));
        assert_eq!(few.iter().collect::<Vec<_>>(), [1, 3, 64, 200]);
    }
}
