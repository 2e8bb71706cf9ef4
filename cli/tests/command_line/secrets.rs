//! Git ignores every file to which the docs or khook's help write a secret.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use clap::CommandFactory;
use end_to_end::binaries::workspace;

/// Names of files with a key in them, as in `khook hash-key < admin-key.txt`.
fn key_files(text: &str) -> BTreeSet<String> {
    let is_of_a_name = |letter: char| letter.is_ascii_alphanumeric() || "._-/".contains(letter);
    let words = text.split(|letter| !is_of_a_name(letter)).map(|word| word.trim_matches(['.', '/']));
    let is_key_file = |word: &&str| {
        let (name, ending) = word.rsplit('/').next().and_then(|name| name.rsplit_once('.')).unwrap_or_default();
        let has_secret = ["key", "keys", "secret", "secrets"].iter().any(|end| name.ends_with(end));
        has_secret && ["txt", "json", "key", "pem"].contains(&ending)
    };
    words.filter(is_key_file).map(str::to_owned).collect()
}

fn help(mut command: clap::Command) -> String {
    command.build();
    let mut text = command.render_long_help().to_string();
    for inner in command.get_subcommands() {
        text.push_str(&help(inner.clone()));
    }
    text
}

fn pages() -> Vec<String> {
    let listed = Command::new("git").current_dir(workspace()).args(["ls-files", "*.md"]).output().unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    names.lines().map(|name| fs::read_to_string(workspace().join(name)).unwrap()).collect()
}

fn is_ignored(name: &str) -> bool {
    // A reader of a page may be in the project's folder or in one below it.
    let status = |path: &Path| {
        Command::new("git")
            .current_dir(workspace())
            .args(["check-ignore", "-q", "--no-index"])
            .arg(path)
            .status()
            .unwrap()
    };
    status(Path::new(name)).success() && (name.starts_with(".local/") || status(&Path::new("cli").join(name)).success())
}

#[test]
fn a_secret_that_the_docs_have_people_write_to_a_file_cannot_be_committed_by_mistake() {
    let mut named = key_files(&help(khook::cli::Cli::command()));
    assert!(named.contains("admin-key.txt"), "{named:?}");
    named.extend(pages().iter().flat_map(|page| key_files(page)));
    let exposed: Vec<_> = named.iter().filter(|name| !is_ignored(name)).collect();
    assert!(exposed.is_empty(), "git doesn't ignore {exposed:?}");
    assert!(!is_ignored("README.md"));
}
