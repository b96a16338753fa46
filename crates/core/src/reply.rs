//! A whole answer, of one call or of several equal ones.

use std::rc::Rc;

use crate::decode::Answer;
use crate::error::Error;
use crate::http::Head;
use crate::record::Record;

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The head of the HTTP reply; without headers where the answer comes from a cache.
    pub head: Head,
    /// The body as the server sent it, with every field of it.
    pub body: Rc<str>,
    /// What was read in it; empty for endpoints that are handed on as they are.
    pub answer: Answer,
    /// What was noted on the way.
    pub record: Record,
}

/// What a flight brings to all who joined it.
pub(crate) type Flown = Result<Rc<Reply>, Error>;
