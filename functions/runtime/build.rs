//! Picks the roots of AWS's own certificates out of Mozilla's list, so that a function carries these few and has nothing
//! to read at its start.

use std::{env, error::Error, fmt::Write, fs, path::Path};

use webpki_roots::TLS_SERVER_ROOTS;

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
    let mut anchors = String::new();
    for name in AMAZON {
        // The common name stands last.
        let mut found = TLS_SERVER_ROOTS.iter().filter(|anchor| anchor.subject.ends_with(name.as_bytes()));
        let (Some(anchor), None) = (found.next(), found.next()) else {
            return Err(format!("webpki-roots doesn't hold \"{name}\" exactly once: see ADR 6").into());
        };
        if anchor.name_constraints.is_some() {
            return Err(format!("\"{name}\" is constrained to some names, which isn't carried over").into());
        }
        let (subject, key) = (anchor.subject.escape_ascii(), anchor.subject_public_key_info.escape_ascii());
        writeln!(
            anchors,
            "TrustAnchor {{ subject: Der::from_slice(b\"{subject}\"), \
             subject_public_key_info: Der::from_slice(b\"{key}\"), name_constraints: None }},"
        )?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("amazon_roots.rs"), format!("[{anchors}]"))?;
    Ok(())
}
