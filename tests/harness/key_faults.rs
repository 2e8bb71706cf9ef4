//! A key endpoint that speaks TCP itself, so that it can do what no HTTP server would.

use std::{
    fmt::Write,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::listening::Listening;

/// How the endpoint answers a request for the key set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It answers 200 with this document.
    Serves(String),
    /// It answers with this status line and headers, and no body.
    Answers(&'static str),
    /// It answers 302 and names this address.
    Redirects(String),
    /// It takes the request and never answers.
    Hangs,
    /// It answers 200 and sends a byte of an endless document now and then.
    Trickles,
    /// It takes the request and closes the connection.
    Closes,
    /// The port is closed.
    Refuses,
}

#[derive(Debug)]
struct KeyEndpointState {
    behaviour: Behaviour,
    asked: Vec<Instant>,
}

/// The endpoint.
#[derive(Debug)]
pub struct RawKeyEndpoint {
    inside: Arc<Mutex<KeyEndpointState>>,
    listening: Listening,
}

fn lock(inside: &Mutex<KeyEndpointState>) -> MutexGuard<'_, KeyEndpointState> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RawKeyEndpoint {
    /// An endpoint on a free port that behaves like this.
    ///
    /// # Errors
    /// If loopback has no free port.
    pub async fn start(behaviour: Behaviour) -> Result<Self> {
        let inside = Arc::new(Mutex::new(KeyEndpointState { behaviour: Behaviour::Refuses, asked: vec![] }));
        let mut endpoint = Self { inside, listening: Listening::reserve()? };
        endpoint.becomes(behaviour).await?;
        Ok(endpoint)
    }

    /// The key set's URL (`KAKAO_JWKS_URL`).
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/jwks.json", self.listening.address())
    }

    /// From now on it behaves like this.
    ///
    /// # Errors
    /// If the port can't be listened on any more.
    pub async fn becomes(&mut self, behaviour: Behaviour) -> Result<()> {
        let refuses = behaviour == Behaviour::Refuses;
        lock(&self.inside).behaviour = behaviour;
        if refuses {
            return self.listening.end().await;
        }
        self.listening.begin(|listener| accept(listener, Arc::clone(&self.inside)))
    }

    /// When it was asked, so far. What it refused isn't known to it.
    #[must_use]
    pub fn asked(&self) -> Vec<Instant> {
        lock(&self.inside).asked.clone()
    }
}

async fn accept(listener: TcpListener, inside: Arc<Mutex<KeyEndpointState>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, Arc::clone(&inside)));
    }
}

/// Answers one request and closes the connection. A client that is gone ends it, too.
async fn answer(mut stream: TcpStream, inside: Arc<Mutex<KeyEndpointState>>) -> io::Result<()> {
    let mut request = vec![];
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    let behaviour = {
        let mut inside = lock(&inside);
        inside.asked.push(Instant::now());
        inside.behaviour.clone()
    };
    let mut head = String::from("HTTP/1.1 ");
    match behaviour {
        Behaviour::Serves(document) => {
            let _ = write!(head, "200 OK\r\nContent-Type: application/json\r\nContent-Length: {}", document.len());
            stream.write_all(format!("{head}\r\nConnection: close\r\n\r\n{document}").as_bytes()).await?;
        }
        Behaviour::Answers(status) => {
            stream.write_all(format!("{head}{status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await?;
        }
        Behaviour::Redirects(location) => {
            let _ = write!(head, "302 Found\r\nLocation: {location}\r\nContent-Length: 0");
            stream.write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes()).await?;
        }
        Behaviour::Hangs => std::future::pending().await,
        Behaviour::Trickles => {
            stream.write_all(format!("{head}200 OK\r\nContent-Length: 9999\r\n\r\n").as_bytes()).await?;
            loop {
                stream.write_u8(b' ').await?;
                sleep(Duration::from_millis(100)).await;
            }
        }
        Behaviour::Closes | Behaviour::Refuses => {}
    }
    stream.shutdown().await
}
