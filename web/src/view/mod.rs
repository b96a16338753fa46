//! What is seen. Each view takes the desk and answers elements; none keeps anything.

mod advice;
mod compare;
mod copy;
mod earlier;
pub mod element;
mod export;
mod field;
mod figures;
mod form;
mod header;
mod live;
mod more;
pub mod picture;
mod result;
mod share;
mod stage;
mod tables;
mod target;
mod wire;

pub(crate) use earlier::earlier;
pub(crate) use element::classed;
pub(crate) use form::form;
pub(crate) use header::header;
pub(crate) use stage::stage;
