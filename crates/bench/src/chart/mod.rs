//! The pictures of a report: values in, SVG text out.
//!
//! Each function draws one picture, with a table of the same figures behind it, or answers nothing
//! where there is nothing to draw. Colours are CSS custom properties ([`STYLE`]), so that one drawing
//! suits light and dark. The output depends on the input alone; no coordinate is ever not finite, and
//! no text from a report or a server becomes an element.

mod axis;
mod curve;
mod latency;
mod overlay;
mod pareto;
mod picture;
mod requests;
mod scale;
mod seconds;
mod svg;

pub use curve::{climb, throughput};
pub use latency::{histogram, percentiles};
pub use overlay::overlay;
pub use pareto::pareto;
pub use picture::{Options, Picture, Table};
pub use requests::requests;
pub use seconds::{Stretch, moments, over_time};
pub(crate) use svg::escape;

/// The style of all pictures: a sheet for the page that they stand on. It defines the colours, for
/// light and dark by `color-scheme`, as custom properties that begin with `--kp-`.
pub const STYLE: &str = include_str!("pictures.css");
