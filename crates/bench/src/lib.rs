//! The benchmark engine: plan, run, ladder, report.
//!
//! Not written yet. It will import `kneepoint-core` and `kneepoint-stats`, and nothing will import
//! it but the wasm layer and the page.
