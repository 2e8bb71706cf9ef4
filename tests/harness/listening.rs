//! A port on loopback that is listened on, or where nobody listens, from one moment to the next.

use std::{io, net::SocketAddr};

use anyhow::Result;
use tokio::{
    net::{TcpListener, TcpSocket},
    task::JoinHandle,
};

/// A port that nobody else gets as long as this lives.
#[derive(Debug)]
pub(crate) struct Listening {
    address: SocketAddr,
    accepting: Option<JoinHandle<()>>,
    /// Keeps the port while nobody listens.
    reserved: Option<TcpSocket>,
}

impl Listening {
    /// A free port. Nobody listens.
    ///
    /// # Errors
    /// If loopback has none.
    pub(crate) fn reserve() -> Result<Self> {
        let socket = socket(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Self { address: socket.local_addr()?, accepting: None, reserved: Some(socket) })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on whoever connects gets to `accept`. If somebody listens already, nothing changes.
    ///
    /// # Errors
    /// If the port can't be listened on any more.
    pub(crate) fn begin<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        accept: impl FnOnce(TcpListener) -> F,
    ) -> Result<()> {
        if let Some(socket) = self.reserved.take() {
            self.accepting = Some(tokio::spawn(accept(socket.listen(128)?)));
        }
        Ok(())
    }

    /// From now on nobody listens, and what `accept` was about to do is dropped with it.
    ///
    /// # Errors
    /// If the port can't be kept.
    pub(crate) async fn end(&mut self) -> Result<()> {
        if let Some(accepting) = self.accepting.take() {
            // Reserved before it is free: otherwise a connection from anywhere could get the port.
            self.reserved = Some(socket(self.address)?);
            accepting.abort();
            // It ends by being aborted: then nobody listens.
            let _ = accepting.await;
        }
        Ok(())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}
