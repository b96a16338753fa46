//! How much of an answer is understood on the way.

use crate::decode::{self, Answer, AnswerError, Dialect};

/// How much of an answer is understood on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Text, tool calls and usage, in this dialect.
    Answer(Dialect),
    /// That it is a JSON object and reports no error.
    Json,
    /// Nothing: it is handed on as it is.
    AsIs,
}

impl Reading {
    /// Reads a whole body.
    pub(crate) fn read(self, body: &str) -> Result<Answer, AnswerError> {
        match self {
            Self::Answer(dialect) => decode::answer(dialect, body),
            Self::Json => decode::check(body).map(|()| Answer::default()),
            Self::AsIs => Ok(Answer::default()),
        }
    }
}
