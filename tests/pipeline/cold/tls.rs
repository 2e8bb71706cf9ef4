//! TLS in front of a server of the harness, under a separate CA.

use std::{
    fs, io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use end_to_end::authority;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_rustls::TlsAcceptor;

const PATIENCE: Duration = Duration::from_secs(30);

/// A CA that no client trusts by itself, and its root in a file.
pub(super) struct AuthorityFile {
    issuer: authority::Authority,
    file: PathBuf,
}

impl AuthorityFile {
    /// One with its root in a file of this name.
    pub(super) fn new(name: &str) -> Self {
        let issuer = authority::Authority::generate().unwrap();
        let file = std::env::temp_dir().join(format!("{name}-{}.pem", std::process::id()));
        fs::write(&file, issuer.pem()).unwrap();
        Self { issuer, file }
    }

    pub(super) fn file(&self) -> &str {
        self.file.to_str().unwrap()
    }
}

impl Drop for AuthorityFile {
    fn drop(&mut self) {
        // The file may be gone already.
        let _ = fs::remove_file(&self.file);
    }
}

/// The front.
pub(super) struct Tls {
    address: SocketAddr,
    handshakes: Arc<AtomicUsize>,
    /// Connections that were made before it last changed are closed.
    generation: watch::Sender<usize>,
    task: JoinHandle<()>,
}

impl Tls {
    /// A front before the server that this URL is of.
    pub(super) async fn before(url: &str, authority: &AuthorityFile) -> Self {
        let server: SocketAddr = url.trim_start_matches("http://").split('/').next().unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (handshakes, generation) = (Arc::<AtomicUsize>::default(), watch::Sender::new(0));
        let (acceptor, counted, closed) =
            (authority.issuer.acceptor().unwrap(), Arc::clone(&handshakes), generation.subscribe());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, server, acceptor.clone(), Arc::clone(&counted), closed.clone()));
            }
        });
        Self { address, handshakes, generation, task }
    }

    /// Its URL, without a slash at the end.
    pub(super) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// How many handshakes have succeeded.
    pub(super) fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::SeqCst)
    }

    /// Waits for this many.
    pub(super) async fn has_shaken(&self, hands: usize) {
        let begun = Instant::now();
        while self.handshakes() < hands {
            assert!(begun.elapsed() < PATIENCE, "{} handshakes, not {hands}", self.handshakes());
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// Closes open connections in order; new ones are served.
    pub(super) fn close_connections(&self) {
        self.generation.send_modify(|generation| *generation += 1);
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
