//! A port on loopback on which listening can be switched on and off.

use std::{io, net::SocketAddr};

use anyhow::Result;
use tokio::{
    net::{TcpListener, TcpSocket},
    task::JoinHandle,
};

/// A port that is reserved as long as this lives.
#[derive(Debug)]
pub(crate) struct Listening {
    address: SocketAddr,
    accepting: Option<JoinHandle<()>>,
    /// Reserves the port while it is not listened on.
    reserved: Option<TcpSocket>,
}

impl Listening {
    /// A free port that is not listened on.
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

    /// From now on connections go to `accept`. If the port is listened on already, nothing changes.
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

    /// Stops listening and drops `accept` with what it was doing.
    ///
    /// # Errors
    /// If the port can't be kept.
    pub(crate) async fn end(&mut self) -> Result<()> {
        if let Some(accepting) = self.accepting.take() {
            // Reserved before it is free: otherwise a connection from anywhere could get the port.
            self.reserved = Some(socket(self.address)?);
            accepting.abort();
            // It ends by being aborted, which closes the port.
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
