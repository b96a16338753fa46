//! Results in the formats that others read. Nothing here writes a file: values become texts and
//! bytes.

mod csv;
mod html;
mod rungs;
mod vllm;

use crate::record::Sample;
use crate::report::{Metric, Report, SCHEMA};

pub use csv::{CSV_HEADER, csv_row};
pub use html::{HTML_DATA_ID, html};
pub use rungs::{rungs_csv, rungs_jsonl};
pub use vllm::vllm;

/// Histogram ticks per millisecond.
const TICKS_PER_MS: f64 = 1000.0;

/// The cookie of a compressed HDR V2 histogram.
const COMPRESSED: u32 = 0x1c84_9314;

/// Why a text is no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is no JSON, or not of a report's shape.
    #[error("this is no report: {0}")]
    Shape(String),
    /// It follows a schema of another number.
    #[error("the report follows schema {found}; this version reads {SCHEMA}")]
    Schema {
        /// The number.
        found: u64,
    },
}

impl Report {
    /// The report as one line of JSON, by schema v1.
    #[allow(clippy::missing_panics_doc, reason = "cannot be reached")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts, numbers and lists can be written as JSON")
    }

    /// Reads a report.
    ///
    /// ```
    /// use kneepoint_bench::export::ReadError;
    /// use kneepoint_bench::report::Report;
    ///
    /// let error = Report::from_json(r#"{"schema": 2}"#).unwrap_err();
    /// assert_eq!(error, ReadError::Schema { found: 2 });
    /// ```
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        #[derive(serde::Deserialize)]
        struct Head {
            schema: u64,
        }
        let shape = |error: serde_json::Error| ReadError::Shape(error.to_string());
        let head: Head = serde_json::from_str(text).map_err(shape)?;
        if head.schema != u64::from(SCHEMA) {
            return Err(ReadError::Schema { found: head.schema });
        }
        serde_json::from_str(text).map_err(shape)
    }
}

/// A request as one line of JSON, without the line's end.
#[allow(clippy::missing_panics_doc, reason = "cannot be reached")]
pub fn json_line(sample: &Sample) -> String {
    serde_json::to_string(sample).expect("texts and numbers can be written as JSON")
}

/// A metric as the `.hgrm` percentile table of HDR tools, in milliseconds.
pub fn hgrm(metric: &Metric) -> String {
    metric.histogram().to_hgrm(TICKS_PER_MS)
}

/// A metric as an HDR V2 payload in microseconds, not yet compressed. Deflate it with zlib's header
/// (`CompressionStream("deflate")` does), then see [`hdr_compressed`].
pub fn hdr(metric: &Metric) -> Vec<u8> {
    metric.histogram().to_v2()
}

/// What HDR tools exchange, given the deflated payload.
pub fn hdr_compressed(deflated: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + deflated.len());
    bytes.extend(COMPRESSED.to_be_bytes());
    bytes.extend((deflated.len() as u32).to_be_bytes());
    bytes.extend(deflated);
    bytes
}
