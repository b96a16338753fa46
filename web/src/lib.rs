//! The benchmark page.
//!
//! Not written yet.
