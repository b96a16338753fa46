//! One proxied call: the request goes up as it comes in, the answer comes down as it arrives.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::scrub::{Key, Scrub};
use super::spend::{Meter, Spend};
use super::upstream::Upstream;
use super::{BODY_BYTES_MAX, Place, Proxy, elapsed, refuse, request_headers};
use crate::body::Body;
use crate::clock::{self, Alarm};
use crate::log::{Line, Log};

/// What an upstream may say to a client, besides the families in `is_told`. The length is not
/// among them: it follows from the body, and an upstream may have said it twice.
const RESPONSE_HEADERS: &[&str] = &[
    "cache-control",
    "content-encoding",
    "content-type",
    "openai-processing-ms",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "x-request-id",
    "x-should-retry",
];
/// An error answer is read whole, up to this, so that an echoed key can be taken out.
const ERROR_BYTES_MAX: usize = 256 << 10;
/// An answer larger than this is broken off.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// Whether a client may see this field: for a gateway (LiteLLM) also under the name that it gives to what its
/// own upstream said.
fn is_told(name: &str) -> bool {
    let name = name.strip_prefix("llm_provider-").unwrap_or(name);
    let families = ["x-ratelimit-", "anthropic-ratelimit-"];
    RESPONSE_HEADERS.contains(&name) || families.iter().any(|family| name.starts_with(family))
}

/// Whether a body is packed, by whichever of the two headers that may say so, or by many.
fn is_coded(headers: &HeaderMap) -> bool {
    let plain = [
        (header::CONTENT_ENCODING, "identity"),
        (header::TRANSFER_ENCODING, "chunked"),
    ];
    plain.into_iter().any(|(name, plain)| {
        let lines = headers.get_all(name).into_iter();
        let mut codings = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        codings.any(|coding| !coding.trim_ascii().eq_ignore_ascii_case(plain.as_bytes()))
    })
}

/// A call and its line in the log, which is written when this is dropped.
pub(super) struct Call<'a> {
    proxy: &'a Proxy,
    record: Record,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        upstream: &Arc<Upstream>,
        method: Method,
        path: &'static str,
        request: &Request<Incoming>,
        proxy: &'a Proxy,
    ) -> Self {
        // The SDKs count retries from 0 in this header; others send none.
        let retries = request.headers().get("x-stainless-retry-count");
        let retries = retries.and_then(|count| count.to_str().ok()?.parse::<u32>().ok());
        let line = Line {
            upstream: upstream.name.clone(),
            method,
            path,
            status: 0,
            attempt: retries.unwrap_or(0).saturating_add(1),
            first_byte: None,
            total: Duration::ZERO,
            bytes: 0,
            tokens: 0,
            outcome: "client left".into(),
        };
        let record = Record {
            upstream: Arc::clone(upstream),
            line,
            start: clock::now(),
            meter: Meter::default(),
            spend: Arc::clone(&proxy.spend),
            log: proxy.log,
            silence_max: proxy.silence_max,
            place: None,
        };
        Self { proxy, record }
    }

    pub(super) async fn relay(self, request: Request<Incoming>, place: Place) -> Response<Body> {
        let Self { proxy, mut record } = self;
        record.place = Some(place);
        let upstream = Arc::clone(&record.upstream);
        let (head, body) = request.into_parts();
        let Some(uri) = upstream.uri(record.line.path) else {
            return record.refuse(
                StatusCode::BAD_GATEWAY,
                "the upstream's address is not usable",
            );
        };
        let upload = Arc::new(Upload::default());
        let mut up = Request::new(RequestBody {
            body,
            left: BODY_BYTES_MAX,
            upload: Arc::clone(&upload),
        });
        *up.method_mut() = record.line.method.clone();
        *up.uri_mut() = uri;
        *up.headers_mut() = request_headers(&head.headers, &upstream);
        let answer = tokio::time::timeout(proxy.silence_max, proxy.client.request(up));
        let Ok(answer) = answer.await else {
            // Giving up drops the call, which ends it upstream too.
            return if upload.is_awaited.load(Ordering::Relaxed) {
                record.refuse(
                    StatusCode::REQUEST_TIMEOUT,
                    "the rest of the request's body does not come (--upstream-silence)",
                )
            } else {
                record.refuse(
                    StatusCode::GATEWAY_TIMEOUT,
                    "the upstream does not answer (--upstream-silence)",
                )
            };
        };
        match answer {
            Ok(response) => record.pass_down(response).await,
            Err(_) if upload.is_too_large.load(Ordering::Relaxed) => {
                record.refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
            }
            Err(error) if error.is_connect() => record.unreachable(&error),
            Err(_) => record.refuse(StatusCode::BAD_GATEWAY, "the upstream broke the call off"),
        }
    }
}

/// What is noted of a call; writes its line when dropped.
struct Record {
    upstream: Arc<Upstream>,
    line: Line,
    start: Duration,
    meter: Meter,
    spend: Arc<Spend>,
    log: Log,
    silence_max: Duration,
    place: Option<Place>,
}

impl Record {
    fn refuse(mut self, status: StatusCode, message: &'static str) -> Response<Body> {
        self.line.status = status.as_u16();
        self.line.outcome = message.into();
        refuse(status, message)
    }

    /// The error's own text may hold addresses: it is for the log, and not for the client.
    fn unreachable(mut self, error: &dyn Error) -> Response<Body> {
        let message = "the upstream cannot be reached";
        let mut cause = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        self.line.status = StatusCode::BAD_GATEWAY.as_u16();
        self.line.outcome = format!("{message}: {cause}").into();
        refuse(StatusCode::BAD_GATEWAY, message)
    }

    async fn pass_down(mut self, response: Response<Incoming>) -> Response<Body> {
        let (head, body) = response.into_parts();
        if head.status.is_redirection() {
            // Not followed here, and not by the browser either: it would take the prompt along.
            return self.refuse(
                StatusCode::BAD_GATEWAY,
                "the upstream redirects, which is not followed",
            );
        }
        if head.status.is_informational() {
            return self.refuse(
                StatusCode::BAD_GATEWAY,
                "the upstream switches protocols, which is not followed",
            );
        }
        self.line.status = head.status.as_u16();
        let mut headers = HeaderMap::with_capacity(head.headers.len());
        for (name, value) in &head.headers {
            let key = self.upstream.key.as_ref();
            let told = |key: &Key| key.is_in(value.as_bytes()) || key.is_in_name(name.as_str());
            if is_told(name.as_str()) && !key.is_some_and(told) {
                headers.append(name.clone(), value.clone());
            }
        }
        let body = if head.status.is_success() {
            if body.is_end_stream() {
                // Nothing more is asked of it then.
                self.line.outcome = "done".into();
            }
            Body::stream(AnswerBody {
                body,
                scrub: Scrub::new(self.upstream.key.as_ref()),
                alarm: Alarm::default(),
                heard: clock::now(),
                record: self,
            })
        } else {
            headers.remove(header::CONTENT_ENCODING);
            if is_coded(&head.headers) {
                // It was not asked for, and an echoed key could not be found in it.
                headers.remove(header::CONTENT_TYPE);
                self.line.outcome = "error".into();
                Body::empty()
            } else {
                self.error_body(body).await
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = head.status;
        *response.headers_mut() = headers;
        response
    }

    async fn error_body(mut self, mut body: Incoming) -> Body {
        let (mut text, mut whole) = (Vec::new(), false);
        while text.len() < ERROR_BYTES_MAX {
            match tokio::time::timeout(self.silence_max, body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    text.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
                }
                ended => {
                    whole = matches!(ended, Ok(None));
                    break;
                }
            }
        }
        text.truncate(ERROR_BYTES_MAX);
        self.line.bytes = text.len() as u64;
        self.line.outcome = "error".into();
        Body::from(match &self.upstream.key {
            None => text,
            Some(key) if whole => key.scrub(&text),
            Some(key) => key.scrub_cut(&text),
        })
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.line.total = elapsed(self.start);
        if self.meter.bytes > 0 {
            self.line.bytes = self.meter.bytes;
            self.line.tokens = self.meter.tokens();
            self.spend.add_tokens(self.line.tokens);
        }
        self.log.write(&self.line);
        self.place.take();
    }
}

/// How a client's body fares, for whoever ends the call.
#[derive(Default)]
struct Upload {
    is_too_large: AtomicBool,
    /// Whether there is nothing to pass on until the client sends more.
    is_awaited: AtomicBool,
}

/// The client's body on its way up.
pub(super) struct RequestBody {
    body: Incoming,
    left: u64,
    upload: Arc<Upload>,
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(context);
        let is_awaited = frame.is_pending();
        this.upload.is_awaited.store(is_awaited, Ordering::Relaxed);
        let Some(frame) = ready!(frame) else {
            return Poll::Ready(None);
        };
        // Trailers are not passed on.
        let Ok(data) = frame.map_err(io::Error::other)?.into_data() else {
            return Poll::Ready(None);
        };
        let length = data.len() as u64;
        if length > this.left {
            this.upload.is_too_large.store(true, Ordering::Relaxed);
            return Poll::Ready(Some(Err(io::Error::other("the body is too large"))));
        }
        this.left -= length;
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The upstream's body on its way down. Dropping it drops the upstream's connection or stream.
struct AnswerBody {
    body: Incoming,
    scrub: Scrub,
    alarm: Alarm,
    /// When the upstream was last heard of.
    heard: Duration,
    record: Record,
}

impl AnswerBody {
    /// Breaks the answer off. A status is too late: it has been sent.
    fn break_off(&mut self, outcome: &'static str) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.record.line.outcome = outcome.into();
        Poll::Ready(Some(Err(io::Error::other(outcome))))
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        loop {
            let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) else {
                let due = this.heard + this.record.silence_max;
                ready!(this.alarm.poll_due(context, due));
                return this.break_off("upstream silent");
            };
            this.heard = clock::now();
            // Trailers are not passed on.
            let data = match frame {
                Some(Err(_)) => return this.break_off("upstream broke off"),
                Some(Ok(frame)) => frame.into_data().ok(),
                None => None,
            };
            let Some(data) = data else {
                this.record.line.outcome = "done".into();
                return Poll::Ready(this.scrub.rest().map(|rest| Ok(Frame::data(rest))));
            };
            let record = &mut this.record;
            record
                .line
                .first_byte
                .get_or_insert_with(|| elapsed(record.start));
            record.meter.feed(&data);
            if record.meter.bytes > ANSWER_BYTES_MAX {
                return this.break_off("too large");
            }
            let data = this.scrub.pass(data);
            if this.is_end_stream() {
                this.record.line.outcome = "done".into();
            }
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && self.scrub.held() == 0
    }

    /// Of the same length as the upstream's body, as far as that is known.
    fn size_hint(&self) -> SizeHint {
        let (left, held) = (self.body.size_hint(), self.scrub.held() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(left.lower() + held);
        if let Some(upper) = left.upper() {
            hint.set_upper(upper + held);
        }
        hint
    }
}
