//! What a failure says about trying again: one table, and nothing of time or money.

use crate::decode::{ApiError, ApiErrorKind};
use crate::error::{ErrorKind, Timeout};
use crate::platform::TransportError;

/// What a failure says about trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Refused because of us: too many requests. Nothing was carried out.
    Throttle,
    /// Refused because of the server: it is overloaded. Nothing was carried out.
    Overload,
    /// Trouble that tends to pass; the server may have begun the work.
    Transient,
    /// Nothing was sent: repeating is safe.
    Unsent,
    /// Lost after sending: the server may have done, and billed, the work.
    UnknownOutcome,
    /// Nobody can tell; worth one more try.
    Dubious,
    /// Repeating changes nothing.
    Fatal,
}

impl Class {
    /// The class's name in records and in JavaScript.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::Overload => "overload",
            Self::Transient => "transient",
            Self::Unsent => "unsent",
            Self::UnknownOutcome => "unknown_outcome",
            Self::Dubious => "dubious",
            Self::Fatal => "fatal",
        }
    }

    /// Whether the server refused to begin: the two classes that shape the limit.
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::Throttle | Self::Overload)
    }

    pub(super) const fn is_safe_to_repeat(self) -> bool {
        matches!(self, Self::Throttle | Self::Overload | Self::Unsent)
    }
}

/// What the failures of all calls together say of a server that is expected back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// Nothing: there are none, or it is not expected back.
    Unknown,
    /// So many attempts have failed, and none succeeded that was sent since.
    Failing(u32),
    /// All fail.
    Down,
}

/// Sorts a failure into its class. `should_retry` is the server's own word on it, if it gave one.
pub fn classify(kind: &ErrorKind, should_retry: Option<bool>) -> Class {
    let class = match kind {
        ErrorKind::Status { status, error } => classify_status(*status, error),
        ErrorKind::InBand(error) => classify_api(error),
        ErrorKind::Truncated => Class::Transient,
        ErrorKind::Transport(TransportError::Connect(_)) => Class::Unsent,
        ErrorKind::Transport(TransportError::Lost(_) | TransportError::Cut(_))
        | ErrorKind::Timeout(Timeout::Attempt(_) | Timeout::FirstToken(_) | Timeout::Idle(_)) => {
            Class::UnknownOutcome
        }
        ErrorKind::Answer(_)
        | ErrorKind::Stream(_)
        | ErrorKind::Transport(TransportError::Opaque(_)) => Class::Dubious,
        ErrorKind::Transport(TransportError::Redirected | TransportError::Invalid(_))
        | ErrorKind::Timeout(Timeout::Call(_))
        | ErrorKind::Config(_)
        | ErrorKind::Aborted
        | ErrorKind::QueueFull { .. }
        | ErrorKind::Paused
        | ErrorKind::TooLong { .. }
        | ErrorKind::Interrupted(_) => Class::Fatal,
    };
    match (should_retry, class) {
        (Some(false), _) => Class::Fatal,
        (Some(true), Class::Fatal) if kind.status().is_some() => Class::Transient,
        _ => class,
    }
}

/// Whether a reply with this status, whatever its body will say, is likely to be a refusal.
pub(crate) fn is_refusal(status: u16) -> bool {
    classify_status(status, &ApiError::default()).is_refusal()
}

fn classify_status(status: u16, error: &ApiError) -> Class {
    match status {
        429 => match error.kind() {
            // An account without money does not get any by waiting, and no limit grows.
            ApiErrorKind::Quota | ApiErrorKind::TooLarge => Class::Fatal,
            _ => Class::Throttle,
        },
        // Groq's way to say that its flexible tier is full.
        498 | 503 | 529 => Class::Overload,
        408 | 409 | 500.. => Class::Transient,
        _ => Class::Fatal,
    }
}

/// Errors inside an answer carry a type instead of a status.
fn classify_api(error: &ApiError) -> Class {
    match error.kind() {
        ApiErrorKind::Overloaded => Class::Overload,
        ApiErrorKind::RateLimited => Class::Throttle,
        ApiErrorKind::TooLarge | ApiErrorKind::Quota | ApiErrorKind::Rejected => Class::Fatal,
        _ => Class::Transient,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::decode::{AnswerError, StreamError};

    const SECOND: Duration = Duration::from_secs(1);

    fn status(status: u16, code: Option<&str>) -> ErrorKind {
        let error = ApiError {
            code: code.map(str::to_owned),
            ..ApiError::default()
        };
        ErrorKind::Status {
            status,
            error: Box::new(error),
        }
    }

    fn in_band(word: &str) -> ErrorKind {
        let error = ApiError {
            error_type: Some(word.to_owned()),
            ..ApiError::default()
        };
        ErrorKind::InBand(Box::new(error))
    }

    #[test]
    fn every_failure_has_its_class() {
        use Class::{Dubious, Fatal, Overload, Throttle, Transient, UnknownOutcome, Unsent};
        let text = || "x".to_owned();
        #[rustfmt::skip]
        let cases = [
            // failure, the server's word, class
            (status(429, None),                            None,        Throttle),
            (status(429, Some("rate_limit_exceeded")),     None,        Throttle),
            (status(429, Some("insufficient_quota")),      None,        Fatal),   // money, not time
            (status(429, Some("enforced_spend_limit_reached")), None,   Fatal),
            (status(429, None),                            Some(false), Fatal),
            (status(503, None),                            None,        Overload),
            (status(529, None),                            None,        Overload),
            (status(498, Some("capacity_exceeded")),       None,        Overload), // Groq's own
            (status(429, Some("budget_exceeded")),         None,        Fatal),
            (status(503, None),                            Some(true),  Overload), // still shapes the limit
            (status(408, None),                            None,        Transient),
            (status(409, None),                            None,        Transient),
            (status(500, None),                            None,        Transient),
            (status(502, None),                            None,        Transient),
            (status(504, None),                            None,        Transient),
            (status(599, None),                            None,        Transient),
            (status(500, None),                            Some(false), Fatal),
            (status(400, None),                            None,        Fatal),
            (status(400, None),                            Some(true),  Transient),
            (status(401, None),                            None,        Fatal),
            (status(404, None),                            None,        Fatal),
            (status(407, None),                            None,        Fatal),
            (status(410, None),                            None,        Fatal),
            (status(428, None),                            None,        Fatal),
            (status(430, None),                            None,        Fatal),
            (status(499, None),                            None,        Fatal),
            (status(304, None),                            None,        Fatal),
            (in_band("overloaded_error"),                  None,        Overload),
            (in_band("rate_limit_error"),                  None,        Throttle),
            (in_band("insufficient_quota"),                None,        Fatal),
            (in_band("invalid_request_error"),             None,        Fatal),
            (in_band("server_error"),                      None,        Transient),
            (in_band("never heard of"),                    None,        Transient),
            (in_band("invalid_request_error"),             Some(true),  Fatal),   // was said of the 200
            (ErrorKind::Answer(AnswerError::Empty),        None,        Dubious),
            (ErrorKind::Answer(AnswerError::Html(text())), None,        Dubious),
            (ErrorKind::Stream(StreamError::Malformed(text())), None,   Dubious),
            (ErrorKind::Truncated,                         None,        Transient),
            (TransportError::Connect(text()).into(),       None,        Unsent),
            (TransportError::Lost(text()).into(),          None,        UnknownOutcome),
            (TransportError::Cut(text()).into(),           None,        UnknownOutcome),
            (TransportError::Opaque(text()).into(),        None,        Dubious),
            (TransportError::Redirected.into(),            None,        Fatal),
            (TransportError::Invalid(text()).into(),       None,        Fatal),
            (ErrorKind::Timeout(Timeout::Attempt(SECOND)), None,        UnknownOutcome),
            (ErrorKind::Timeout(Timeout::FirstToken(SECOND)), None,     UnknownOutcome),
            (ErrorKind::Timeout(Timeout::Idle(SECOND)),    None,        UnknownOutcome),
            (ErrorKind::Timeout(Timeout::Call(SECOND)),    None,        Fatal),
            (ErrorKind::Aborted,                           None,        Fatal),
            (ErrorKind::QueueFull { queue_max: 1 },        None,        Fatal),
            (ErrorKind::TooLong { bytes_max: 1 },          None,        Fatal),
            (ErrorKind::Interrupted(Box::new(ErrorKind::Truncated)), None, Fatal),
        ];
        for (kind, should_retry, class) in cases {
            assert_eq!(
                classify(&kind, should_retry),
                class,
                "{kind:?}, {should_retry:?}"
            );
        }
    }

    #[test]
    fn each_class_has_a_name_of_its_own() {
        use Class::{Dubious, Fatal, Overload, Throttle, Transient, UnknownOutcome, Unsent};
        let classes = [
            Throttle,
            Overload,
            Transient,
            Unsent,
            UnknownOutcome,
            Dubious,
            Fatal,
        ];
        let names = classes.map(Class::as_str).join(" ");
        assert_eq!(
            names,
            "throttle overload transient unsent unknown_outcome dubious fatal"
        );
    }
}
