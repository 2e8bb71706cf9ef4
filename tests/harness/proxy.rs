//! A TCP proxy before a server: it can do to a connection what no HTTP server would.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

use crate::{calls, listening::Listening};

/// What becomes of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ConnectionFault {
    /// The server gets it and answers.
    #[default]
    None,
    /// The port is closed, and open connections are dropped.
    Refuses,
    /// The connection is closed without a word.
    Closes,
    /// It is read and never answered.
    Hangs,
    /// The server gets it at once; its answer comes after this time.
    Slow(Duration),
    /// The server gets it; its answer ends like this in the middle of the body.
    Cuts(CutAnswer),
    /// The server doesn't get it; these bytes are the answer.
    Answers(String),
}

/// How an answer ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutAnswer {
    /// By a reset of the connection.
    Reset,
    /// By an orderly close.
    Close,
    /// Not at all: the rest never comes.
    Hang,
}

#[derive(Debug, Default)]
struct ProxyState {
    fault: ConnectionFault,
    /// How often what was connected was lost: a connection that was made before the last time is dead.
    losses: u64,
}

/// The proxy.
#[derive(Debug)]
pub struct Proxy {
    server: SocketAddr,
    inside: Arc<Mutex<ProxyState>>,
    listening: Listening,
}

fn lock(inside: &Mutex<ProxyState>) -> MutexGuard<'_, ProxyState> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// A proxy on a free port before the server that this URL is of.
    ///
    /// # Errors
    /// If the URL names no address, or loopback has no free port.
    pub async fn before(url: &str) -> Result<Self> {
        let authority = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
        let server = authority.parse().with_context(|| format!("{url} names no address"))?;
        let mut proxy = Self { server, inside: Arc::default(), listening: Listening::reserve()? };
        proxy.set(ConnectionFault::None).await?;
        Ok(proxy)
    }

    /// Its own URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.listening.address())
    }

    /// From now on this is what becomes of a request.
    ///
    /// # Errors
    /// If the port can't be listened on any more.
    pub async fn set(&mut self, fault: ConnectionFault) -> Result<()> {
        let refuses = fault == ConnectionFault::Refuses;
        lock(&self.inside).fault = fault;
        if refuses {
            return self.listening.end().await;
        }
        self.listening.begin(|listener| accept(listener, self.server, Arc::clone(&self.inside)))
    }

    /// Open connections are dead without notice to either side; new connections work. So it is with a
    /// function that was frozen while a router forgot its connections.
    pub fn lose_connections(&self) {
        lock(&self.inside).losses += 1;
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, inside: Arc<Mutex<ProxyState>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        if lock(&inside).fault != ConnectionFault::Closes {
            connections.spawn(serve(stream, server, Arc::clone(&inside)));
        }
    }
}

/// One connection, request after request. A client that is gone ends it, too.
async fn serve(mut stream: TcpStream, server: SocketAddr, inside: Arc<Mutex<ProxyState>>) -> io::Result<()> {
    let losses = lock(&inside).losses;
    while let Some(request) = read_message(&mut stream).await? {
        record(&request);
        let (fault, is_dead) = {
            let inside = lock(&inside);
            (inside.fault.clone(), inside.losses > losses)
        };
        if is_dead {
            return until_closed(stream).await;
        }
        match fault {
            ConnectionFault::None => stream.write_all(&forward(&request, server).await?).await?,
            ConnectionFault::Slow(time) => {
                let answer = forward(&request, server).await?;
                sleep(time).await;
                stream.write_all(&answer).await?;
            }
            ConnectionFault::Answers(text) => stream.write_all(text.as_bytes()).await?,
            ConnectionFault::Hangs => return until_closed(stream).await,
            ConnectionFault::Closes | ConnectionFault::Refuses => return Ok(()),
            ConnectionFault::Cuts(end) => {
                let answer = forward(&request, server).await?;
                stream.write_all(first_half(&answer)).await?;
                return match end {
                    CutAnswer::Reset => stream.set_zero_linger(),
                    CutAnswer::Hang => until_closed(stream).await,
                    CutAnswer::Close => Ok(()),
                };
            }
        }
    }
    Ok(())
}

/// Notes what a function asks of AWS, though the server may never get it.
fn record(request: &[u8]) {
    let (head, body) = request.split_at(length_of_head(request).unwrap_or_default());
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value.trim()).ok()?))
    };
    let headers: HeaderMap = String::from_utf8_lossy(head).lines().filter_map(header).collect();
    calls::record(&headers, body);
}

async fn until_closed(mut stream: TcpStream) -> io::Result<()> {
    while stream.read_u8().await.is_ok() {}
    Ok(())
}

async fn forward(request: &[u8], server: SocketAddr) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(request).await?;
    read_message(&mut stream).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// A request or an answer whose length its head says; none if the other side closes. No client here sends the next
/// before this one is answered.
async fn read_message(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut message = vec![];
    loop {
        if let Some(head) = length_of_head(&message)
            && message.len() >= head + length_of_body(message.get(..head).unwrap_or_default())
        {
            return Ok(Some(message));
        }
        if stream.read_buf(&mut message).await? == 0 {
            return Ok(None);
        }
    }
}

fn length_of_head(message: &[u8]) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    message.windows(END.len()).position(|window| window == END).map(|position| position + END.len())
}

fn length_of_body(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    length.and_then(|length| length.trim().parse().ok()).unwrap_or_default()
}

/// All of the head, and half of the body.
fn first_half(answer: &[u8]) -> &[u8] {
    let head = length_of_head(answer).unwrap_or_default();
    answer.get(..head + (answer.len() - head) / 2).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calls::Calls, lambda::Environment};

    #[tokio::test]
    async fn a_call_that_the_server_never_gets_is_noted() {
        let mut proxy = Proxy::before("http://127.0.0.1:9").await.unwrap();
        proxy.set(ConnectionFault::Answers("HTTP/1.1 503 -\r\nContent-Length: 0\r\n\r\n".to_owned())).await.unwrap();
        let queue = format!("{}/000000000000/events", proxy.url());
        let calls = Calls::default();
        let environment = Environment::from([("EVENT_QUEUE_URL".to_owned(), queue.clone())]);
        let signed = format!("AWS4-HMAC-SHA256 Credential={}/20250301", calls.access_key("unlink", &environment));
        let request = reqwest::Client::builder().no_proxy().build().unwrap().post(proxy.url());
        let request = request.header("authorization", signed).header("x-amz-target", "AmazonSQS.SendMessage");
        let answer = request.body(format!(r#"{{"QueueUrl":"{queue}"}}"#)).send().await.unwrap();
        assert_eq!(answer.status(), 503);
        assert_eq!(calls.lines(), ["unlink sqs:SendMessage EVENT_QUEUE_URL".to_owned()].into());
    }
}
