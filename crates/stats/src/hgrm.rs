//! The `.hgrm` percentile table that HDR's plotters read: one row per step towards 100 %, the
//! steps halving with every halving of the distance that is left.

use crate::histogram::Histogram;
use core::fmt;

/// Rows for each halving of the distance to 100 %; what HDR tools use by default.
const ROWS_PER_HALVING: f64 = 5.0;

impl Histogram {
    /// The percentile table as text, all values divided by `ticks_per_unit` (1000 to print
    /// milliseconds from ticks of a microsecond). Mean and largest value, in the last lines, are
    /// exact.
    ///
    /// ```
    /// let mut histogram = kneepoint_stats::Histogram::new();
    /// histogram.record_many(1_500, 3)?;
    /// let table = histogram.to_hgrm(1000.0);
    /// assert!(table.contains("       1.500 1.000000000000          3\n"));
    /// # Ok::<(), kneepoint_stats::HistogramError>(())
    /// ```
    pub fn to_hgrm(&self, ticks_per_unit: f64) -> String {
        Table {
            histogram: self,
            ticks_per_unit,
        }
        .to_string()
    }
}

struct Table<'a> {
    histogram: &'a Histogram,
    ticks_per_unit: f64,
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            histogram,
            ticks_per_unit,
        } = *self;
        let headings = ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"];
        writeln!(
            out,
            "{:>12} {:>14} {:>10} {:>14}\n",
            headings[0], headings[1], headings[2], headings[3]
        )?;
        let mut percentile = 0.0;
        let mut seen = 0;
        for bucket in histogram.buckets() {
            seen += bucket.count;
            let value = bucket.high as f64 / ticks_per_unit;
            let reached = 100.0 * seen as f64 / histogram.len() as f64;
            let is_last = seen == histogram.len();
            while reached >= percentile {
                let level = percentile / 100.0;
                writeln!(
                    out,
                    "{value:12.3} {level:.12} {seen:10} {:14.2}",
                    1.0 / (1.0 - level)
                )?;
                percentile = next(percentile);
                if is_last {
                    break;
                }
            }
            if is_last {
                writeln!(out, "{value:12.3} {:.12} {seen:10}", 1.0)?;
            }
        }
        let in_units = |ticks: Option<f64>| ticks.unwrap_or(0.0) / ticks_per_unit;
        let (mean, sd) = (
            in_units(histogram.mean()),
            in_units(population_sd(histogram)),
        );
        writeln!(out, "#[Mean    = {mean:12.3}, StdDeviation   = {sd:12.3}]")?;
        let max = histogram.max().map(|max| max as f64);
        writeln!(
            out,
            "#[Max     = {:12.3}, Total count    = {:12}]",
            in_units(max),
            histogram.len()
        )?;
        writeln!(
            out,
            "#[Buckets = {:12}, SubBuckets     = {:12}]",
            histogram.room().1,
            2048
        )
    }
}

/// HDR's standard deviation is that of a whole population, divided by n.
fn population_sd(histogram: &Histogram) -> Option<f64> {
    let n = histogram.len() as f64;
    histogram.sd().map(|sd| sd * ((n - 1.0) / n).sqrt())
}

/// The percentile of the row after this one. Where the steps become too small to tell, which
/// takes more than 10¹³ values, no further row follows.
fn next(percentile: f64) -> f64 {
    let halvings = libm::ilogb(100.0 / (100.0 - percentile)) + 1;
    let next = percentile + 100.0 / (ROWS_PER_HALVING * libm::ldexp(1.0, halvings));
    if next > percentile && next < 100.0 {
        next
    } else {
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn the_table_halves_its_steps_and_ends_at_one() {
        let mut histogram = Histogram::new();
        for value in 1..=8 {
            histogram.record(value * 1000).unwrap();
        }
        expect![[r"
                   Value     Percentile TotalCount 1/(1-Percentile)

                   1.000 0.000000000000          1           1.00
                   1.000 0.100000000000          1           1.11
                   2.000 0.200000000000          2           1.25
                   3.001 0.300000000000          3           1.43
                   4.001 0.400000000000          4           1.67
                   4.001 0.500000000000          4           2.00
                   5.003 0.550000000000          5           2.22
                   5.003 0.600000000000          5           2.50
                   6.003 0.650000000000          6           2.86
                   6.003 0.700000000000          6           3.33
                   6.003 0.750000000000          6           4.00
                   7.003 0.775000000000          7           4.44
                   7.003 0.800000000000          7           5.00
                   7.003 0.825000000000          7           5.71
                   7.003 0.850000000000          7           6.67
                   7.003 0.875000000000          7           8.00
                   8.003 0.887500000000          8           8.89
                   8.003 1.000000000000          8
            #[Mean    =        4.500, StdDeviation   =        2.292]
            #[Max     =        8.000, Total count    =            8]
            #[Buckets =            3, SubBuckets     =         2048]
        "]]
        .assert_eq(&histogram.to_hgrm(1000.0));
    }

    #[test]
    fn a_share_that_rounds_to_all_still_ends() {
        let mut histogram = Histogram::new();
        histogram.record_many(1, 1 << 62).unwrap();
        histogram.record(5000).unwrap();
        let table = histogram.to_hgrm(1.0);
        assert!(table.contains("5003.000 1.000000000000 4611686018427387905\n"));
        assert!(table.lines().count() < 300);
    }

    #[test]
    fn an_empty_table_has_no_rows() {
        expect![[r"
                   Value     Percentile TotalCount 1/(1-Percentile)

            #[Mean    =        0.000, StdDeviation   =        0.000]
            #[Max     =        0.000, Total count    =            0]
            #[Buckets =            1, SubBuckets     =         2048]
        "]]
        .assert_eq(&Histogram::new().to_hgrm(1.0));
    }
}
