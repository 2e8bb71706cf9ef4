//! Servers as another developer might write them: correct except for what a test changes.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Response},
};
use end_to_end::faults::{Gate, Server};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

pub(super) const KEY: &str = "a-value-of-the-stand-in";
pub(super) const ADMIN_KEY: &str = "00112233445566778899aabbccddeeff";

/// What was asked.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Asked {
    pub(super) fn new(method: &str, path: &str, body: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), headers: HeaderMap::new(), body: body.to_owned() }
    }

    pub(super) fn is(&self, method: &str) -> bool {
        self.method == method
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn route(&self) -> &str {
        self.path.trim_end_matches('/')
    }
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Said {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", &body.to_string())
    }

    pub(super) fn text(status: u16, content_type: &str, body: &str) -> Self {
        Self { status, headers: vec![("content-type", content_type.to_owned())], body: body.to_owned() }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: vec![], body: String::new() }
    }

    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// A reply of one bubble.
pub(super) fn bubble(text: &str) -> Value {
    json!({"version": "2.0", "template": {"outputs": [{"simpleText": {"text": text}}]}})
}

/// Everything as it should be.
pub(super) fn right(asked: &Asked) -> Said {
    let methods: &[&str] = match asked.route() {
        "/health" => &["GET", "HEAD"],
        "/skill" | "/webhooks/unlink" | "/webhooks/talk-share" => &["GET", "HEAD", "POST"],
        "/webhooks/account-status" | "/webhooks/talk-channel" => &["POST"],
        _ => return Said::json(404, &json!({"error": "not_found"})),
    };
    if !methods.contains(&asked.method.as_str()) {
        return Said::json(405, &json!({})).header("allow", &methods.join(", "));
    }
    match (asked.route(), asked.method.as_str()) {
        ("/health", _) => Said::json(200, &json!({"status": "ok"})),
        ("/skill", "POST") if asked.header("x-skill-key") != Some(KEY) => Said::json(401, &json!({})),
        (_, "POST") if asked.body.len() > 65_536 && asked.header("authorization") == Some(&admin_key()) => {
            Said::empty(413)
        }
        ("/skill", "POST") if asked.body.len() > 65_536 => Said::empty(413),
        ("/skill", "POST") => Said::json(200, &bubble("안녕하세요")),
        ("/skill", _) => Said::json(200, &json!({"version": "2.0", "data": {}})),
        ("/webhooks/account-status", _) => {
            let code = if asked.body.ends_with("a2hvb2stY2hlY2s") { "invalid_key" } else { "invalid_request" };
            Said::json(400, &json!({"err": code, "description": "no"}))
        }
        _ if asked.header("authorization") == Some(&admin_key()) => Said::empty(200),
        _ => Said::json(401, &json!({"error": "unauthorized"})),
    }
}

fn admin_key() -> String {
    format!("KakaoAK {ADMIN_KEY}")
}

type Answering = Arc<dyn Fn(&Asked) -> Said + Send + Sync>;

/// A server that answers in this way.
pub(super) async fn serve(answering: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> Server {
    let answering: Answering = Arc::new(answering);
    Server::start(Router::new().fallback(answer).with_state(answering), Gate::default()).await.unwrap()
}

async fn answer(State(answering): State<Answering>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1_000_000).await.unwrap();
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let said = answering(&asked);
    let mut response = Response::builder().status(said.status);
    for (name, value) in said.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(said.body)).unwrap()
}

/// Which certificate a server shows.
#[derive(Clone, Copy, Debug)]
pub(super) enum ShownCertificate {
    SelfSigned,
    Expired,
    Early,
    OfAPrivateAuthority,
    WithItsPrivateAuthority,
}

/// A server whose certificate no client should trust: it shows it, and that is all.
pub(super) struct DistrustedServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl DistrustedServer {
    pub(super) async fn start(shown: ShownCertificate) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (chain, key) = certificate(shown);
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                // It ends when the certificate is refused.
                let _ = acceptor.accept(connection).await;
            }
        });
        Self { address, task }
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}/skill", self.address)
    }
}

impl Drop for DistrustedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn certificate(shown: ShownCertificate) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let key = KeyPair::generate().unwrap();
    let mut server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let mut authority = CertificateParams::new(vec![]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "a private authority");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    match shown {
        ShownCertificate::Expired => server.not_after = date_time_ymd(2020, 1, 1),
        ShownCertificate::Early => server.not_before = date_time_ymd(2100, 1, 1),
        _ => {}
    }
    let chain = match shown {
        ShownCertificate::SelfSigned => vec![server.self_signed(&key).unwrap().der().clone()],
        ShownCertificate::WithItsPrivateAuthority => {
            vec![server.signed_by(&key, &authority).unwrap().der().clone(), authority.der().clone()]
        }
        _ => vec![server.signed_by(&key, &authority).unwrap().der().clone()],
    };
    (chain, PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())))
}
