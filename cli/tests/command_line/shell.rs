//! What a release brings for shells, and what it says of itself.

use crate::binary::{Folder, khook};

#[test]
fn each_shell_gets_completions_for_every_command() {
    let folder = Folder::new("completions");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let done = khook(&folder, &[], &["completions", shell], "");
        assert_eq!(done.status, Some(0), "{}", done.error);
        for word in ["khook", "doctor", "undelivered", "admin-key-file"] {
            assert!(done.out.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(khook(&folder, &[], &["completions", "cmd"], "").status, Some(2));
}

#[test]
fn each_command_has_a_manual_page() {
    let folder = Folder::new("man");
    let done = khook(&folder, &[], &["man", "pages"], "");
    assert_eq!(done.status, Some(0), "{}", done.error);
    let read = |name: &str| std::fs::read_to_string(folder.path().join("pages").join(name)).unwrap();
    assert!(read("khook.1").contains("khook\\-doctor"), "{}", read("khook.1"));
    assert!(read("khook-send-unlink.1").contains("referrer"));
    folder.write("a-file", "");
    assert_eq!(khook(&folder, &[], &["man", "a-file/pages"], "").status, Some(1));
}

#[test]
fn the_version_says_whether_it_is_a_release() {
    let folder = Folder::new("version");
    let done = khook(&folder, &[], &["--version"], "");
    assert_eq!(done.out.trim(), format!("khook {}", khook::cli::version()));
}
