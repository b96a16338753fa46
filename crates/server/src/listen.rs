//! Sockets that accept: bound with a large backlog, drained when told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;

use crate::clock;
use crate::connection::{self, Handler, Stream};
use crate::{log, wire};

/// A thousand clients may connect at once; a dropped SYN costs them a second. The kernel cuts
/// this down to `net.core.somaxconn`.
const BACKLOG: u32 = 65_535;
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// After a failure to accept (out of file descriptors, mostly), so long before the next try.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// … and so long before it is said again.
const COMPLAINT_PAUSE: Duration = Duration::from_mins(1);

/// So many connections beyond the cap are told so at once; what comes while they are is closed.
const REFUSALS_MAX: usize = 64;
/// What a connection beyond the cap reads, whatever it has sent.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
    retry-after: 1\r\nconnection: close\r\ncontent-length: 99\r\n\r\n\
    {\"error\":{\"message\":\"too many connections are open (--connections)\",\"type\":\"connections_exceeded\"}}";

/// Binds `address`; port 0 picks a free one. The error is one line for the user.
pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let listen = |socket: TcpSocket| {
        // On Windows this would let two servers have the same port.
        socket.set_reuseaddr(cfg!(unix))?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    socket.and_then(listen).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!(
                "{address} is in use: stop what listens there, or choose another port (0 picks one)"
            )
        }
        _ => format!("cannot listen on {address}: {error}"),
    })
}

/// Told to all connections; `done` is held by each of them and closes when the last has ended.
#[derive(Clone)]
pub(crate) struct Stop {
    pub(crate) signal: watch::Receiver<bool>,
    pub(crate) done: mpsc::Sender<()>,
}

/// Places for connections, which all listeners of one server share.
#[derive(Clone)]
pub(crate) struct Places {
    served: Arc<Semaphore>,
    refused: Arc<Semaphore>,
}

impl Places {
    pub(crate) fn new(connections: usize) -> Self {
        Self {
            served: Arc::new(Semaphore::new(connections)),
            refused: Arc::new(Semaphore::new(REFUSALS_MAX)),
        }
    }
}

/// Accepts connections until told to stop.
pub(crate) async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    handler: impl Handler,
    places: Places,
    stop: Stop,
) {
    let mut signal = stop.signal.clone();
    let mut complained = None;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = signal.wait_for(|stop| *stop) => return,
        };
        let (tcp, _) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                complain(&error, &mut complained);
                clock::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places.served).try_acquire_owned() else {
            if let Ok(place) = Arc::clone(&places.refused).try_acquire_owned() {
                let encrypted = tls.is_some();
                tokio::spawn(async move {
                    refuse(tcp, encrypted).await;
                    drop(place);
                });
            }
            continue;
        };
        let (tls, handler, stop) = (tls.clone(), handler.clone(), stop.clone());
        tokio::spawn(async move {
            if let Some(stream) = open(tcp, tls).await {
                connection::serve(stream, handler, stop.signal).await;
            }
            drop((place, stop.done));
        });
    }
}

/// Says why connections have to wait. They come to it as soon as there are files for them.
fn complain(error: &std::io::Error, last: &mut Option<Duration>) {
    let now = clock::now();
    let is_said = last.is_some_and(|last| now.saturating_sub(last) < COMPLAINT_PAUSE);
    // A client that left before it was accepted is nobody's trouble.
    if is_said || error.kind() == std::io::ErrorKind::ConnectionAborted {
        return;
    }
    *last = Some(now);
    log::warn(&format!(
        "new connections have to wait: {error}; `ulimit -n` should allow more than --connections"
    ));
}

/// Says on a plain connection that there is no place for it; one that is encrypted is closed.
async fn refuse(mut tcp: TcpStream, encrypted: bool) {
    // Whoever has gone away needs no answer.
    if !encrypted && tcp.write_all(FULL).await.is_ok() && tcp.shutdown().await.is_ok() {
        wire::linger(&mut tcp).await;
    }
}

/// Finishes the handshake, if there is one; None when the other side did not.
async fn open(tcp: TcpStream, tls: Option<TlsAcceptor>) -> Option<Stream> {
    // Tokens are small and must leave at once. Failing only makes the connection slower.
    let _ = tcp.set_nodelay(true);
    let Some(tls) = tls else {
        return Some(Stream::Plain(tcp));
    };
    let handshake = tokio::time::timeout(HANDSHAKE_MAX, tls.accept(tcp)).await;
    Some(Stream::Tls(Box::new(handshake.ok()?.ok()?)))
}

/// A TLS acceptor for `config`.
pub(crate) fn acceptor(config: &Arc<rustls::ServerConfig>) -> TlsAcceptor {
    TlsAcceptor::from(Arc::clone(config))
}
