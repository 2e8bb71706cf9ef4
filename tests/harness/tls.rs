//! TLS in front of a server of the harness, under a separate CA.

use std::{
    fs, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_rustls::TlsAcceptor;

use crate::authority;

const PATIENCE: Duration = Duration::from_secs(30);

/// A CA that no client trusts by itself, and its root in a file.
pub struct AuthorityFile {
    issuer: authority::Authority,
    file: String,
}

impl AuthorityFile {
    /// One with its root in a file of this name.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn new(name: &str) -> Result<Self> {
        let issuer = authority::Authority::generate()?;
        let file = std::env::temp_dir().join(format!("{name}-{}.pem", std::process::id())).display().to_string();
        fs::write(&file, issuer.pem())?;
        Ok(Self { issuer, file })
    }

    /// The file, for `AWS_CA_BUNDLE`.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }
}

impl Drop for AuthorityFile {
    fn drop(&mut self) {
        // The file may be gone already.
        let _ = fs::remove_file(&self.file);
    }
}

/// The front.
pub struct Tls {
    address: SocketAddr,
    handshakes: Arc<AtomicUsize>,
    /// Connections that were made before it last changed are closed.
    generation: watch::Sender<usize>,
    task: JoinHandle<()>,
}

impl Tls {
    /// A front before the server that this URL is of.
    ///
    /// # Errors
    /// If the URL names no address, or loopback has no free port.
    pub async fn before(url: &str, authority: &AuthorityFile) -> Result<Self> {
        let host = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
        let server: SocketAddr = host.parse().with_context(|| format!("{url} names no address"))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (handshakes, generation) = (Arc::<AtomicUsize>::default(), watch::Sender::new(0));
        let (acceptor, counted, closed) =
            (authority.issuer.acceptor()?, Arc::clone(&handshakes), generation.subscribe());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, server, acceptor.clone(), Arc::clone(&counted), closed.clone()));
            }
        });
        Ok(Self { address, handshakes, generation, task })
    }

    /// Its URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// How many handshakes have succeeded.
    #[must_use]
    pub fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::SeqCst)
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        // One receiver for each connection, and the listener's.
        self.generation.receiver_count().saturating_sub(1)
    }

    /// Waits for this many.
    ///
    /// # Errors
    /// If there are fewer.
    pub async fn has_shaken(&self, hands: usize) -> Result<()> {
        let begun = Instant::now();
        while self.handshakes() < hands {
            ensure!(begun.elapsed() < PATIENCE, "{} handshakes, not {hands}", self.handshakes());
            sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    /// Closes open connections in order; new ones are served.
    pub fn close_connections(&self) {
        self.generation.send_modify(|generation| *generation += 1);
    }

    /// Waits until all of them are closed.
    ///
    /// # Errors
    /// If they are not.
    pub async fn has_closed(&self) -> Result<()> {
        let begun = Instant::now();
        while self.connections() > 0 {
            ensure!(begun.elapsed() < PATIENCE, "{} connections are open", self.connections());
            sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    stream: TcpStream,
    server: SocketAddr,
    acceptor: TlsAcceptor,
    handshakes: Arc<AtomicUsize>,
    mut closed: watch::Receiver<usize>,
) -> io::Result<()> {
    closed.mark_unchanged();
    let mut client = acceptor.accept(stream).await?;
    handshakes.fetch_add(1, Ordering::SeqCst);
    let mut server = TcpStream::connect(server).await?;
    tokio::select! {
        copied = copy_bidirectional(&mut client, &mut server) => copied.map(drop),
        _ = closed.changed() => Ok(()),
    }
}
