//! The wasm-bindgen layer under the npm package. It will hold conversions and no logic.
//!
//! Not written yet.
