//! What the simulated servers have in common: a port that is served until they are dropped, connections that can be
//! reset, and a lock that no panic closes.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::connect_info::Connected,
    response::Response,
    serve::{IncomingStream, Listener},
};
use futures_util::stream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A port of loopback that is taken and not yet served, so that a server can know its own URL.
pub(crate) struct Port {
    listener: TcpListener,
    /// Without a slash at the end.
    pub(crate) url: String,
}

impl Port {
    /// This port; 0 for any that is free.
    pub(crate) async fn bind(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok(Self { listener, url })
    }

    pub(crate) fn serve(self, router: Router) -> Serving {
        let service = router.into_make_service_with_connect_info::<Connection>();
        // It ends only by being aborted.
        Serving(tokio::spawn(async move { drop(axum::serve(ResettableListener(self.listener), service).await) }))
    }
}

/// A served port, until it is dropped.
#[derive(Debug)]
pub(crate) struct Serving(JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A response that fails before its first byte: the connection is reset, and the server then closes the connection without having sent anything.
pub(crate) fn broken_off(connection: &Connection) -> Response {
    connection.resets.store(true, Ordering::Release);
    let failure = io::Error::from(io::ErrorKind::ConnectionReset);
    Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(failure)])))
}

/// What is known of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) caller: SocketAddr,
    /// Whether it ends with a reset.
    resets: Arc<AtomicBool>,
}

impl Connected<IncomingStream<'_, ResettableListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, ResettableListener>) -> Self {
        Self { caller: *stream.remote_addr(), resets: Arc::clone(&stream.io().resets) }
    }
}

pub(crate) struct ResettableListener(TcpListener);

impl Listener for ResettableListener {
    type Io = ResettableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, caller) = Listener::accept(&mut self.0).await;
        // Otherwise some answers wait for an acknowledgement. If it fails, the connection is only slower.
        let _ = stream.set_nodelay(true);
        (ResettableStream { stream, resets: Arc::default() }, caller)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A stream that a handler can have reset when it is closed.
pub(crate) struct ResettableStream {
    stream: TcpStream,
    resets: Arc<AtomicBool>,
}

impl Drop for ResettableStream {
    fn drop(&mut self) {
        if self.resets.load(Ordering::Acquire) {
            // Without it the connection is closed in order, which is a fault, too.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for ResettableStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for ResettableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
