//! Picks the roots of AWS's own certificates out of Mozilla's list, so that a function carries these few and
//! reads none at its start.

use std::{env, error::Error, fmt::Write, fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// Source: <https://www.amazontrust.com/repository/>.
const AMAZON: [&str; 5] = [
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let mut pem = String::new();
    for name in AMAZON {
        let is_named = |der: &&[u8]| der.windows(name.len()).any(|part| part == name.as_bytes());
        let mut found = TLS_SERVER_ROOT_CERTS.iter().map(AsRef::as_ref).filter(is_named);
        let (Some(der), None) = (found.next(), found.next()) else {
            return Err(format!("webpki-root-certs doesn't hold \"{name}\" exactly once: see ADR 6").into());
        };
        writeln!(pem, "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", BASE64_STANDARD.encode(der))?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("amazon-roots.pem"), pem)?;
    Ok(())
}
