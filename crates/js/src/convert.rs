//! From the core's values to JavaScript's. Times cross as one list of numbers and one of words,
//! which JavaScript takes apart only when somebody looks at them.

use std::time::Duration;

use js_sys::{Array, JSON, Object, Reflect};
use kneepoint_core::decode::{Answer, ApiError, Delta, FinishReason, ToolCall};
use kneepoint_core::{Error, ErrorKind, Handle, Instant, LaneStats, Record, Stats, Timeout};
use wasm_bindgen::JsValue;

/// An object that is built field by field. Fields without a value are left out.
pub(crate) struct Fields(Object);

impl Fields {
    pub(crate) fn new() -> Self {
        Self(Object::new())
    }

    pub(crate) fn set(self, name: &str, value: impl Into<JsValue>) -> Self {
        let value = value.into();
        if !value.is_undefined() {
            // Setting a field of a plain object cannot fail.
            let _ = Reflect::set(&self.0, &name.into(), &value);
        }
        self
    }

    pub(crate) fn done(self) -> Object {
        self.0
    }
}

fn text(value: Option<&str>) -> JsValue {
    value.map_or(JsValue::UNDEFINED, JsValue::from_str)
}

fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

/// A record's numbers, NaN where there is none: milliseconds since the call, tokens, counts. `record.ts`
/// names them by their places.
pub(crate) fn times(record: &Record) -> Vec<f64> {
    let since = |at: Option<Instant>| at.map_or(f64::NAN, |at| millis(at - record.created));
    let count = |count: Option<u64>| count.map_or(f64::NAN, |count| count as f64);
    let usage = record.usage.unwrap_or_default();
    let mut times = Vec::with_capacity(8 + 12 * record.attempts.len());
    times.extend([
        millis(record.queued),
        since(record.end),
        f64::from(record.cache as u8),
        count(usage.input),
        count(usage.output),
        count(usage.cached),
        count(usage.cache_written),
        count(usage.reasoning),
    ]);
    for attempt in &record.attempts {
        times.extend([
            since(Some(attempt.start)),
            since(attempt.headers),
            since(attempt.first_token),
            since(attempt.first_visible),
            since(attempt.last_token),
            since(attempt.end),
            attempt.status.map_or(f64::NAN, f64::from),
            attempt.retry_after.map_or(f64::NAN, millis),
            f64::from(attempt.in_flight),
            attempt.bytes as f64,
            f64::from(attempt.chunks),
            f64::from(u8::from(attempt.hedge)),
        ]);
    }
    times
}

/// The kinds of the attempts' failures, a line each; nothing where all went well.
pub(crate) fn errors(record: &Record) -> Option<String> {
    let mut attempts = record.attempts.iter();
    attempts.any(|attempt| attempt.error.is_some()).then(|| {
        let errors = record.attempts.iter();
        let errors = errors.map(|attempt| attempt.error.unwrap_or_default());
        errors.collect::<Vec<_>>().join("\n")
    })
}

/// The transport's own object for a reply.
pub(crate) fn handle(handle: Option<&Handle>) -> JsValue {
    let value = handle.and_then(Handle::get::<JsValue>);
    value.cloned().unwrap_or(JsValue::UNDEFINED)
}

/// An error, as the package's classes want it.
pub(crate) fn error(error: &Error) -> Object {
    let mut inner = &error.kind;
    while let ErrorKind::Interrupted(cause) = inner {
        inner = cause;
    }
    let fields = Fields::new()
        .set("kind", error.kind.as_str())
        .set("message", error.to_string())
        .set("phase", error.phase.as_str())
        .set("attempts", error.attempts)
        .set("retryable", error.retryable)
        .set("retryBudgetExhausted", error.budget_exhausted)
        .set(
            "retryAfter",
            error
                .retry_after
                .map_or(JsValue::UNDEFINED, |wait| millis(wait).into()),
        )
        .set("requestID", text(error.request_id.as_deref()))
        .set("partial", text(error.partial.as_deref()))
        .set("reply", handle(error.handle.as_ref()));
    let fields = if std::ptr::eq(inner, &raw const error.kind) {
        fields
    } else {
        fields.set("cause", inner.as_str())
    };
    match inner {
        ErrorKind::Status { status, error } => said(fields.set("status", *status), error),
        ErrorKind::InBand(error) => said(fields, error),
        ErrorKind::Timeout(timeout) => fields.set(
            "timeout",
            match timeout {
                Timeout::Call(_) => "timeout",
                Timeout::Attempt(_) => "attemptTimeout",
                Timeout::FirstToken(_) => "firstTokenTimeout",
                Timeout::Idle(_) => "idleTimeout",
            },
        ),
        ErrorKind::Config(config) => fields.set("option", config.option),
        _ => fields,
    }
    .done()
}

/// What the server said about it.
fn said(fields: Fields, error: &ApiError) -> Fields {
    fields
        .set("said", error.message.as_str())
        .set("type", text(error.error_type.as_deref()))
        .set("code", text(error.code.as_deref()))
        .set("param", text(error.param.as_deref()))
        .set("body", text(error.object.as_deref()))
}

/// An answer, read.
pub(crate) fn answer(answer: &Answer) -> Object {
    let choice = answer.choices.first();
    let reasoning = choice.map(|choice| choice.reasoning.as_str());
    let refusal = choice.map(|choice| choice.refusal.as_str());
    let finish = choice.and_then(|choice| choice.finish.as_ref());
    let tool_calls =
        choice.map(|choice| choice.tool_calls.iter().map(tool_call).collect::<Array>());
    Fields::new()
        .set("text", answer.text())
        .set("id", text(answer.id.as_deref()))
        .set("model", text(answer.model.as_deref()))
        .set("reasoning", text(reasoning.filter(|text| !text.is_empty())))
        .set("refusal", text(refusal.filter(|text| !text.is_empty())))
        .set("finishReason", text(finish.map(finish_reason)))
        .set("toolCalls", tool_calls.unwrap_or_default())
        .done()
}

fn tool_call(call: &ToolCall) -> JsValue {
    Fields::new()
        .set("id", text(call.id.as_deref()))
        .set("name", text(call.name.as_deref()))
        .set("arguments", call.arguments.as_str())
        .set("extraContent", json(call.extra_content.as_deref()))
        .done()
        .into()
}

/// JSON that has been read already, as a value.
fn json(source: Option<&str>) -> JsValue {
    let parsed = source.and_then(|source| JSON::parse(source).ok());
    parsed.unwrap_or(JsValue::UNDEFINED)
}

fn finish_reason(reason: &FinishReason) -> &str {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Other(word) => word,
        _ => "other",
    }
}

/// What a piece of a stream says beside its text; undefined where that is nothing.
pub(crate) fn deltas(deltas: &[Delta]) -> JsValue {
    if deltas.is_empty() {
        return JsValue::UNDEFINED;
    }
    deltas.iter().map(delta).collect::<Array>().into()
}

fn delta(delta: &Delta) -> JsValue {
    let fields = Fields::new();
    match delta {
        Delta::Begin { id, model } => fields
            .set("kind", "begin")
            .set("id", text(id.as_deref()))
            .set("model", text(model.as_deref())),
        Delta::Text { choice, text } => fields
            .set("kind", "text")
            .set("choice", *choice)
            .set("text", text.as_str()),
        Delta::Reasoning { choice, text } => fields
            .set("kind", "reasoning")
            .set("choice", *choice)
            .set("text", text.as_str()),
        Delta::Refusal { choice, text } => fields
            .set("kind", "refusal")
            .set("choice", *choice)
            .set("text", text.as_str()),
        Delta::ToolCall {
            choice,
            index,
            id,
            name,
            arguments,
            extra_content,
        } => fields
            .set("kind", "tool_call")
            .set("choice", *choice)
            .set("index", *index)
            .set("id", text(id.as_deref()))
            .set("name", text(name.as_deref()))
            .set("arguments", arguments.as_str())
            .set("extraContent", json(extra_content.as_deref())),
        Delta::Finish { choice, reason } => fields
            .set("kind", "finish")
            .set("choice", *choice)
            .set("reason", finish_reason(reason)),
        // What was used is in the record; the rest is the bench's business.
        _ => fields.set("kind", "other"),
    }
    .done()
    .into()
}

/// A client's figures.
pub(crate) fn stats(stats: &Stats) -> Object {
    let totals = &stats.totals;
    let count = |count: u64| count as f64;
    Fields::new()
        .set("calls", count(totals.calls))
        .set("succeeded", count(totals.succeeded))
        .set("failed", count(totals.failed))
        .set("aborted", count(totals.aborted))
        .set("attempts", count(totals.attempts))
        .set("retries", count(totals.retries))
        .set("refusals", count(totals.refusals))
        .set("models", stats.lanes.iter().map(lane).collect::<Array>())
        .done()
}

fn lane(lane: &LaneStats) -> JsValue {
    let time = |time: Option<Duration>| time.map_or(JsValue::UNDEFINED, |time| millis(time).into());
    Fields::new()
        .set("model", lane.model.as_str())
        .set("limit", lane.limit)
        .set("rate", lane.rate)
        .set("inFlight", lane.in_flight)
        .set("queued", lane.queued as f64)
        .set("budgetLeft", lane.budget_left)
        .set("firstByteP50", time(lane.first_byte_p50))
        .set("firstByteP95", time(lane.first_byte_p95))
        .set("callP50", time(lane.call_p50))
        .set("callP95", time(lane.call_p95))
        .done()
        .into()
}
