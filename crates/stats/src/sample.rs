//! What can be wrong with samples that come from outside, checked once where they enter.

use crate::histogram::HistogramError;
use thiserror::Error;

/// Why samples (or a quantile asked of them) were refused.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum SampleError {
    /// A sample is NaN.
    #[error("sample {index} is not a number")]
    NotANumber {
        /// Where, counted from 0.
        index: usize,
    },
    /// A sample is −∞. (+∞ is allowed: it stands for something that never finished.)
    #[error("sample {index} is minus infinity")]
    NegativeInfinity {
        /// Where, counted from 0.
        index: usize,
    },
    /// A sample is smaller than the one before it, where sorted samples were promised.
    #[error("sample {index} is smaller than the one before it")]
    Unsorted {
        /// Where, counted from 0.
        index: usize,
    },
    /// A quantile outside 0–1 was asked for.
    #[error("the quantile {q} does not lie between 0 and 1")]
    Quantile {
        /// The one that was asked for.
        q: f64,
    },
}

/// Why a value was not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecordError {
    /// It is NaN.
    #[error("the value is not a number")]
    NotANumber,
    /// It is less than 0.
    #[error("the value is negative")]
    Negative,
    /// It is infinite, or 2⁶³ ticks or more, or so many were recorded already.
    #[error("the value is too large")]
    TooLarge,
}

impl From<HistogramError> for RecordError {
    fn from(_: HistogramError) -> Self {
        Self::TooLarge
    }
}

/// Makes sure that samples may be given to functions that take them sorted.
///
/// ```
/// use kneepoint_stats::{SampleError, check_sorted};
///
/// assert_eq!(check_sorted(&[1.0, 1.0, f64::INFINITY]), Ok(()));
/// assert_eq!(check_sorted(&[2.0, 1.0]), Err(SampleError::Unsorted { index: 1 }));
/// assert_eq!(check_sorted(&[f64::NAN]), Err(SampleError::NotANumber { index: 0 }));
/// ```
pub fn check_sorted(samples: &[f64]) -> Result<(), SampleError> {
    check(samples)?;
    match samples.windows(2).position(|pair| pair[1] < pair[0]) {
        Some(before) => Err(SampleError::Unsorted { index: before + 1 }),
        None => Ok(()),
    }
}

/// Finds the first sample that cannot be measured by: NaN or −∞.
pub(crate) fn check(samples: &[f64]) -> Result<(), SampleError> {
    match samples
        .iter()
        .position(|x| x.is_nan() || *x == f64::NEG_INFINITY)
    {
        Some(index) if samples[index].is_nan() => Err(SampleError::NotANumber { index }),
        Some(index) => Err(SampleError::NegativeInfinity { index }),
        None => Ok(()),
    }
}
