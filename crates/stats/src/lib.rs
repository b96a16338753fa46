//! The numbers: quantiles, histograms, intervals, comparisons.
