//! Faults in *how* an answer is sent: broken framing, FIN or reset in the middle of it.
//!
//! hyper never sends a broken answer, so the handler leaves a [`Broken`] in the connection's
//! [`Hijack`] and fails; hyper then gives the socket back without having written, and [`play`]
//! writes the bytes itself. Over HTTP/2, where a connection is shared and framing cannot be
//! broken by one stream, [`over_http2`] resets the stream instead.

use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::body::Body;
use crate::clock::{self, Alarm};

/// An answer that will be broken off.
#[derive(Debug)]
pub(crate) struct Broken {
    /// Sent in front of the head, e.g. `103 Early Hints`.
    pub(crate) interim: Option<StatusCode>,
    /// None: not a byte is answered.
    pub(crate) head: Option<(StatusCode, HeaderMap)>,
    pub(crate) framing: Framing,
    pub(crate) body: Body,
    /// Bytes of the body before the end; the whole body if it is shorter.
    pub(crate) keep: u64,
    pub(crate) end: End,
    /// Called when the break has been carried out, not when the client left before it.
    pub(crate) carried_out: Receipt,
}

/// How the body is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Chunked,
    Length(u64),
}

/// How the answer ends after `keep` bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// RST, by closing with linger 0.
    Reset,
    /// FIN, whatever the framing has promised.
    Fin,
    /// A chunk size that is no number, then FIN.
    BadChunk,
    /// As it should; used for interim answers.
    Whole,
}

/// Runs a closure when the break has been carried out.
pub(crate) struct Receipt(pub(crate) Option<Box<dyn FnOnce() + Send>>);

impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Receipt")
    }
}

impl Receipt {
    fn give(&mut self) {
        if let Some(receipt) = self.0.take() {
            receipt();
        }
    }
}

/// Where a handler leaves what hyper cannot send.
#[derive(Debug, Default)]
pub(crate) struct Hijack(Mutex<Option<Broken>>);

/// The handler has left an answer in the [`Hijack`].
#[derive(Debug, thiserror::Error)]
#[error("the answer is written past hyper")]
pub(crate) struct Hijacked;

impl Hijack {
    pub(crate) fn leave(&self, broken: Broken) -> Hijacked {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(broken);
        Hijacked
    }

    pub(crate) fn take(&self) -> Option<Broken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A socket that can be closed with a reset.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the next close a reset: what is queued is thrown away, RST is sent.
    fn reset_on_close(&self) -> io::Result<()>;
    /// Sends FIN on the TCP connection itself, past TLS's own farewell.
    fn shutdown_tcp(&self) -> io::Result<()>;
}

/// So long the bytes before a reset get to reach the reader, which a reset may overtake.
const BEFORE_RESET: Duration = Duration::from_millis(20);
/// After a FIN, so long the other side gets to close before the socket is dropped: dropping it
/// with unread input would turn the FIN into a reset.
const AFTER_FIN: Duration = Duration::from_secs(5);
const NOT_A_SIZE: &[u8] = b"not-a-size\r\n";

/// Writes the broken answer and closes. Returns early when the client leaves.
pub(crate) async fn play(mut socket: impl Socket, mut broken: Broken) {
    let (mut reader, mut writer) = tokio::io::split(&mut socket);
    let left = tokio::select! {
        written = write(&mut writer, &mut broken) => written.is_err(),
        () = until_closed(&mut reader) => true,
    };
    if left {
        return;
    }
    broken.carried_out.give();
    if broken.end == End::Reset {
        // A failure leaves an ordinary close, which is the next best thing.
        let _ = socket.reset_on_close();
        return;
    }
    let _ = socket.shutdown_tcp();
    linger(&mut socket).await;
}

/// Waits after a FIN, for a while, until the other side closes too. A client that is still sending
/// would otherwise get a reset, and might never read its answer.
pub(crate) async fn linger(socket: &mut (impl AsyncRead + Unpin)) {
    // Whoever has not closed by then is not waited for.
    let _ = tokio::time::timeout(AFTER_FIN, until_closed(socket)).await;
}

async fn write(socket: &mut (impl AsyncWrite + Unpin), broken: &mut Broken) -> io::Result<()> {
    let Some((status, headers)) = &broken.head else {
        return Ok(());
    };
    let mut head = Vec::new();
    if let Some(interim) = broken.interim {
        head.extend_from_slice(&head_bytes(interim, &HeaderMap::new()));
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(&head_bytes(*status, headers));
    head.extend_from_slice(b"connection: close\r\n");
    match broken.framing {
        Framing::Chunked => head.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n"),
        Framing::Length(length) => {
            head.extend_from_slice(format!("content-length: {length}\r\n\r\n").as_bytes());
        }
    }
    socket.write_all(&head).await?;
    socket.flush().await?;
    let mut left = broken.keep;
    while left > 0
        && let Some(frame) = broken.body.frame().await
    {
        let Ok(mut data) = frame?.into_data() else {
            continue;
        };
        data.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left -= data.len() as u64;
        socket
            .write_all(&frame_bytes(broken.framing, &data))
            .await?;
        socket.flush().await?;
    }
    match (broken.end, broken.framing) {
        (End::Reset, _) => clock::sleep(BEFORE_RESET).await,
        (End::BadChunk, _) => socket.write_all(NOT_A_SIZE).await?,
        (End::Whole, Framing::Chunked) => socket.write_all(b"0\r\n\r\n").await?,
        (End::Fin | End::Whole, _) => {}
    }
    socket.flush().await
}

fn head_bytes(status: StatusCode, headers: &HeaderMap) -> Vec<u8> {
    let reason = status.canonical_reason().unwrap_or("Unknown");
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
    for (name, value) in headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head
}

fn frame_bytes(framing: Framing, data: &[u8]) -> Vec<u8> {
    match framing {
        Framing::Length(_) => data.to_vec(),
        Framing::Chunked => [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat(),
    }
}

/// Reads and forgets until the other side closes.
async fn until_closed(socket: &mut (impl AsyncRead + Unpin)) {
    let mut rest = [0; 1024];
    while !matches!(socket.read(&mut rest).await, Ok(0) | Err(_)) {}
}

/// The nearest that one HTTP/2 stream can do: the same bytes, then the stream is reset.
pub(crate) fn over_http2(broken: Broken) -> Result<Response<Body>, Hijacked> {
    let Broken {
        head,
        body,
        keep,
        end,
        carried_out,
        ..
    } = broken;
    // Without a head the stream is reset at once.
    let Some((status, headers)) = head else {
        let mut carried_out = carried_out;
        carried_out.give();
        return Err(Hijacked);
    };
    let mut response = Response::new(Body::stream(CutBody {
        body,
        left: keep,
        end,
        due: None,
        alarm: Alarm::default(),
        carried_out,
    }));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

struct CutBody {
    body: Body,
    left: u64,
    end: End,
    /// When the stream is reset: what is still queued by then is thrown away.
    due: Option<Duration>,
    alarm: Alarm,
    carried_out: Receipt,
}

impl HttpBody for CutBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let frame = match this.left {
            0 => None,
            _ => ready!(Pin::new(&mut this.body).poll_frame(context)),
        };
        match frame {
            None if this.end == End::Whole => {
                this.carried_out.give();
                Poll::Ready(None)
            }
            None => {
                let due = *this.due.get_or_insert_with(|| clock::now() + BEFORE_RESET);
                ready!(this.alarm.poll_due(context, due));
                this.carried_out.give();
                Poll::Ready(Some(Err(io::Error::other("cut off on purpose"))))
            }
            Some(frame) => {
                let Ok(mut data) = frame?.into_data() else {
                    return Poll::Ready(None);
                };
                data.truncate(usize::try_from(this.left).unwrap_or(usize::MAX));
                this.left -= data.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
        }
    }
}
