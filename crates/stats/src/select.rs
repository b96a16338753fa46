//! Chosen order statistics of unsorted values, by splitting instead of sorting: for a handful of
//! ranks among n values that takes n·log(ranks) steps rather than n·log(n).

/// Order statistics of one sample, cheap to ask for.
pub(crate) struct Selected {
    ranks: Vec<usize>,
    values: Vec<f64>,
}

impl Selected {
    /// Finds the values with these indices in ascending order (counted from 0, in any order,
    /// repeats allowed, each below the number of samples). The samples hold no NaN.
    pub(crate) fn find(samples: &[f64], wanted: impl IntoIterator<Item = usize>) -> Self {
        // They are few, and the library's sorting is three kilobytes of code.
        let mut ranks: Vec<usize> = Vec::new();
        for rank in wanted {
            if let Err(place) = ranks.binary_search(&rank) {
                ranks.insert(place, rank);
            }
        }
        let mut keys: Vec<i64> = samples.iter().map(|&sample| key(sample)).collect();
        split(&mut keys, 0, &ranks);
        let values = ranks.iter().map(|&rank| value(keys[rank])).collect();
        Self { ranks, values }
    }

    /// The value with the given index, which must be one of those that were asked for.
    pub(crate) fn at(&self, rank: usize) -> f64 {
        let place = self.ranks.partition_point(|&other| other < rank);
        self.values[place]
    }
}

/// Puts the key of each rank into its sorted place; `keys` begins at rank `first`.
fn split(keys: &mut [i64], first: usize, ranks: &[usize]) {
    let Some(&middle) = ranks.get(ranks.len() / 2) else {
        return;
    };
    let (below, _, above) = keys.select_nth_unstable(middle - first);
    split(below, first, &ranks[..ranks.len() / 2]);
    split(above, middle + 1, &ranks[ranks.len() / 2 + 1..]);
}

/// An integer that orders like the number. Comparing integers, the standard library's selection
/// needs no branches, which makes it several times faster.
fn key(sample: f64) -> i64 {
    flip_negative(sample.to_bits().cast_signed())
}

/// The number that [`key`] was made from.
fn value(key: i64) -> f64 {
    f64::from_bits(flip_negative(key).cast_unsigned())
}

/// Turns around the order of negative numbers, whose bits grow with their size.
fn flip_negative(bits: i64) -> i64 {
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_like_numbers_and_come_back() {
        let ascending = [
            f64::NEG_INFINITY,
            -1.5,
            -1e-300,
            -0.0,
            0.0,
            5e-324,
            2.0,
            f64::INFINITY,
        ];
        assert!(ascending.windows(2).all(|pair| key(pair[0]) < key(pair[1])));
        assert!(
            ascending
                .iter()
                .all(|&x| value(key(x)).to_bits() == x.to_bits())
        );
    }

    #[test]
    fn any_ranks_in_any_order_are_found() {
        let samples: Vec<f64> = (0..1000).map(|i| f64::from(i * 619 % 1000)).collect();
        let selected = Selected::find(&samples, vec![999, 0, 500, 501, 0]);
        for rank in [0, 500, 501, 999] {
            assert_eq!(selected.at(rank), rank as f64);
        }
        assert!(Selected::find(&[], vec![]).values.is_empty());
    }
}
