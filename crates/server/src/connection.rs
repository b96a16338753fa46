//! One accepted connection: hyper speaks HTTP on it, until an answer has to be broken.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

use crate::body::Body;
use crate::patience::Patience;
use crate::peer::Peer;
use crate::wire::{self, Hijacked, Socket};

/// More headers than any client of ours sends; beyond them hyper answers 431.
const HEADERS_MAX: usize = 96;
/// A head larger than this is refused, and no more than this is buffered per connection.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// How long a head may take, and an idle connection is kept.
const IDLE_MAX: Duration = Duration::from_mins(10);
/// Streams at once on one HTTP/2 connection; Chromium itself stops at 256.
const STREAMS_MAX: u32 = 4096;
/// So often a quiet HTTP/2 connection is asked whether the other side is still there …
const PING_EVERY: Duration = Duration::from_secs(30);
/// … and so long it may take to say so. A client that vanished without a FIN is noticed only so.
const PONG_MAX: Duration = Duration::from_secs(20);
/// A page that stops a run resets all its streams at once, and is no attacker.
const RESETS_MAX: usize = 4096;

/// What answers requests.
pub(crate) trait Handler: Clone + Send + Sync + Unpin + 'static {
    fn handle(
        &self,
        peer: Arc<Peer>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Body>, Hijacked>> + Send;
}

/// Plain TCP, or TLS over it.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }

    fn is_http2(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => tls.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }
}

impl Socket for Stream {
    fn reset_on_close(&self) -> io::Result<()> {
        self.tcp().set_zero_linger()
    }

    fn shutdown_tcp(&self) -> io::Result<()> {
        shutdown_write(self.tcp())
    }
}

/// Sends FIN. Through a duplicate of the descriptor, since tokio only does it for TLS as a whole.
fn shutdown_write(tcp: &TcpStream) -> io::Result<()> {
    #[cfg(unix)]
    let duplicate = std::os::fd::AsFd::as_fd(tcp).try_clone_to_owned()?;
    #[cfg(windows)]
    let duplicate = std::os::windows::io::AsSocket::as_socket(tcp).try_clone_to_owned()?;
    std::net::TcpStream::from(duplicate).shutdown(std::net::Shutdown::Write)
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(context, parts),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(context, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(tcp) => tcp.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(context),
            Self::Tls(tls) => Pin::new(tls).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(context),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(context),
        }
    }
}

/// Serves one connection to its end. After `stop` it finishes what is under way.
pub(crate) async fn serve(stream: Stream, handler: impl Handler, stop: watch::Receiver<bool>) {
    if stream.is_http2() {
        serve_http2(stream, handler, stop).await;
    } else {
        serve_http1(stream, handler, stop).await;
    }
}

async fn serve_http1(stream: Stream, handler: impl Handler, mut stop: watch::Receiver<bool>) {
    let peer = Peer::new();
    let service = {
        let peer = Arc::clone(&peer);
        service_fn(move |request| {
            let (handler, peer) = (handler.clone(), Arc::clone(&peer));
            // Boxed, because a connection that is taken apart must not be pinned.
            Box::pin(async move { handler.handle(peer, request).await })
        })
    };
    let mut connection = http1::Builder::new()
        .timer(Patience::default())
        .header_read_timeout(IDLE_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        // Answers are small: copying head and body together costs less than a vectored write.
        .writev(false)
        .serve_connection(TokioIo::new(stream), service);
    let signal = stop.clone();
    let mut stopping = std::pin::pin!(stopped(&mut stop));
    let (mut running, mut listens) = (true, false);
    // Not `shutdown`: when an answer is to be broken, the socket must come back untouched.
    let ended = std::future::poll_fn(|context| {
        // Once it listens it is asked again only where there is something to hear.
        let is_told = !listens || !matches!(signal.has_changed(), Ok(false));
        listens = true;
        if running && is_told && stopping.as_mut().poll(context).is_ready() {
            running = false;
            Pin::new(&mut connection).graceful_shutdown();
        }
        connection.poll_without_shutdown(context)
    })
    .await;
    let stream = connection.into_parts().io.into_inner();
    match (ended, peer.hijack.take()) {
        (Err(_), Some(broken)) => wire::play(stream, broken).await,
        (Ok(()), _) => {
            let mut stream = stream;
            // The client may be gone already; there is nobody to tell.
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
            if running {
                tokio::select! {
                    () = wire::linger(&mut stream) => {}
                    () = stopping => {}
                }
            }
        }
        (Err(_), None) => {}
    }
}

async fn serve_http2(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    handler: impl Handler,
    mut stop: watch::Receiver<bool>,
) {
    let connection = Peer::new();
    let service = service_fn(move |request| {
        let handler = handler.clone();
        let peer = connection.stream();
        async move {
            let answer = handler.handle(Arc::clone(&peer), request).await;
            match (answer, peer.hijack.take()) {
                (Err(_), Some(broken)) => wire::over_http2(broken),
                (answer, _) => answer,
            }
        }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_MAX)
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop too.
    let _ = stop.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Nothing is asked in this test.
    #[derive(Clone)]
    struct Nobody;

    impl Handler for Nobody {
        async fn handle(
            &self,
            _: Arc<Peer>,
            _: Request<Incoming>,
        ) -> Result<Response<Body>, Hijacked> {
            Ok(Response::new(Body::empty()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_http2_client_that_vanished_is_let_go() {
        let (mut client, server) = tokio::io::duplex(4096);
        let (_stop, signal) = watch::channel(false);
        let task = tokio::spawn(serve_http2(server, Nobody, signal));
        // The preface, an empty SETTINGS frame, and then not a word, not even to a ping.
        let hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        client.write_all(hello).await.expect("writes");
        let mut received = Vec::new();
        let closed = tokio::time::timeout(IDLE_MAX, client.read_to_end(&mut received));
        closed.await.expect("is let go").expect("reads");
        task.await.expect("ends by itself");
        let ping = [0, 0, 8, 6, 0];
        assert!(received.windows(5).any(|frame| frame == ping), "was asked");
    }
}
