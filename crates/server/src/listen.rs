//! Sockets that accept: bound with a large backlog, drained when told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

use crate::clock;
use crate::connection::{self, Handler, Stream};

/// A thousand clients may connect at once; a dropped SYN costs them a second. The kernel cuts
/// this down to `net.core.somaxconn`.
const BACKLOG: u32 = 65_535;
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// After a failure to accept (out of file descriptors, mostly), so long before the next try.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Binds `address`; port 0 picks a free one. The error is one line for the user.
pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let listen = |socket: TcpSocket| {
        socket.set_reuseaddr(true)?;
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

/// Accepts connections until told to stop.
pub(crate) async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    handler: impl Handler,
    stop: Stop,
) {
    let mut signal = stop.signal.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = signal.wait_for(|stop| *stop) => return,
        };
        let Ok((tcp, _)) = accepted else {
            clock::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (tls, handler, stop) = (tls.clone(), handler.clone(), stop.clone());
        tokio::spawn(async move {
            if let Some(stream) = open(tcp, tls).await {
                connection::serve(stream, handler, stop.signal).await;
            }
            drop(stop.done);
        });
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
