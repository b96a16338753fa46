//! Bars for a plot: values counted in ranges of equal width, or of equal ratio.

/// How the ranges of a plot divide its axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// All equally wide.
    Linear,
    /// All with the same ratio of upper to lower end, from the smallest positive value on;
    /// zeros are counted in the first.
    Log,
}

/// One bar: values from `low` to below `high`, in the last bar including it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// How many values.
    pub count: u64,
}

/// Counts values that are finite and not negative in `bins` ranges from the smallest to the
/// largest. No values or no ranges: none. All values equal: one.
pub(crate) fn fill(
    values: impl Iterator<Item = (f64, u64)> + Clone,
    scale: Scale,
    bins: usize,
) -> Vec<Bin> {
    let usable = values
        .clone()
        .map(|(value, _)| value)
        .filter(|&v| scale == Scale::Linear || v > 0.0);
    let (low, high) = usable.fold((f64::INFINITY, 0.0_f64), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    let total: u64 = values.clone().map(|(_, count)| count).sum();
    if total == 0 || bins == 0 {
        return Vec::new();
    }
    if low >= high {
        // All values are equal, or zero: there is nothing to divide.
        return vec![Bin {
            low: high,
            high,
            count: total,
        }];
    }
    let mut bars: Vec<Bin> = (0..bins)
        .map(|i| Bin {
            low: edge(low, high, scale, i, bins),
            high: edge(low, high, scale, i + 1, bins),
            count: 0,
        })
        .collect();
    for (value, count) in values {
        let bar = bars.partition_point(|bar| bar.high <= value).min(bins - 1);
        bars[bar].count += count;
    }
    bars
}

/// The lower end of range `i`; the two ends of the axis exactly.
fn edge(low: f64, high: f64, scale: Scale, i: usize, bins: usize) -> f64 {
    if i == 0 {
        return low;
    }
    if i == bins {
        return high;
    }
    let share = i as f64 / bins as f64;
    match scale {
        Scale::Linear => low + (high - low) * share,
        Scale::Log => low * libm::exp(libm::log(high / low) * share),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(values: &[f64], scale: Scale, bins: usize) -> Vec<u64> {
        let bars = fill(values.iter().map(|&value| (value, 1)), scale, bins);
        bars.iter().map(|bar| bar.count).collect()
    }

    #[test]
    fn every_value_is_counted_in_its_range() {
        assert_eq!(counts(&[0.0, 1.0, 2.0, 3.0, 4.0], Scale::Linear, 2), [2, 3]);
        assert_eq!(
            counts(&[1.0, 9.0, 10.0, 99.0, 1000.0], Scale::Log, 3),
            [2, 2, 1]
        );
        assert_eq!(counts(&[0.0, 0.0, 1.0, 100.0], Scale::Log, 2), [3, 1]);
    }

    #[test]
    fn nothing_to_divide_gives_one_bar_or_none() {
        assert!(counts(&[], Scale::Linear, 4).is_empty());
        assert!(counts(&[1.0], Scale::Linear, 0).is_empty());
        assert_eq!(counts(&[3.0, 3.0], Scale::Log, 4), [2]);
        assert_eq!(counts(&[0.0, 0.0], Scale::Log, 4), [2]);
        assert_eq!(counts(&[0.0, 5.0], Scale::Log, 4), [2]);
    }

    #[test]
    fn ranges_join_and_reach_from_end_to_end() {
        for scale in [Scale::Linear, Scale::Log] {
            let bars = fill([(0.5, 1), (7.0, 1)].into_iter(), scale, 7);
            assert_eq!((bars[0].low, bars[6].high), (0.5, 7.0));
            assert!(bars.windows(2).all(|pair| pair[0].high == pair[1].low));
        }
    }
}
