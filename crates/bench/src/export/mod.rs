//! Results in the formats that others read. Nothing here writes a file: values become texts and
//! bytes.

mod csv;
mod html;
mod rungs;
mod tables;
mod vllm;

use crate::json::{self, Fields, Read, Wrong};
use crate::record::Sample;
use crate::report::{Metric, Report, SCHEMA};

pub use csv::{CSV_HEADER, csv_row};
pub use html::{HTML_DATA_ID, html};
pub use rungs::{rungs_csv, rungs_jsonl};
pub use tables::{client_legend, found_table, rungs_table, unanswered_table};
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
    #[error(
        "the report follows schema {found}; this version reads {SCHEMA}, a newer one is needed"
    )]
    Schema {
        /// The number.
        found: u64,
    },
}

impl Report {
    /// The report as one line of JSON, by schema v1.
    pub fn to_json(&self) -> String {
        json::to_string(self)
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
        let shape = |wrong: Wrong| ReadError::Shape(wrong.to_string());
        let value = json::parse(text).map_err(shape)?;
        let schema = Fields::of(&value).and_then(|of| of.get("schema"));
        let found = schema.map_err(shape)?;
        if found != u64::from(SCHEMA) {
            return Err(ReadError::Schema { found });
        }
        Self::read(&value).map_err(shape)
    }
}

/// A request as one line of JSON, without the line's end.
pub fn json_line(sample: &Sample) -> String {
    json::to_string(sample)
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
