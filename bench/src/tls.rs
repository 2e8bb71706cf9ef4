//! A listener that accepts TLS connections.

use std::{io, net::SocketAddr};

use axum::serve::Listener;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

type Connection = (TlsStream<TcpStream>, SocketAddr);

/// Yields connections after their handshake. Each handshake is a task, so that a slow one delays no other.
pub(crate) struct TlsListener {
    address: SocketAddr,
    connections: UnboundedReceiver<Connection>,
    accepting: JoinHandle<()>,
}

impl TlsListener {
    pub(crate) async fn bind(acceptor: TlsAcceptor) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (established, connections) = mpsc::unbounded_channel();
        let accepting = tokio::spawn(accept(listener, acceptor, established));
        Ok(Self { address, connections, accepting })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for TlsListener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, established: UnboundedSender<Connection>) {
    while let Ok((stream, from)) = listener.accept().await {
        let (acceptor, established) = (acceptor.clone(), established.clone());
        tokio::spawn(async move {
            // Otherwise some answers wait for an acknowledgement. If it fails, the connection is only slower.
            let _ = stream.set_nodelay(true);
            if let Ok(stream) = acceptor.accept(stream).await {
                // The server may have ended.
                let _ = established.send((stream, from));
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.connections.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}
