//! The example consumer's own tests.

use std::process::Command;

use end_to_end::binaries::workspace;

#[test]
fn the_example_consumer_does_what_its_tests_say() {
    let folder = workspace().join("infra/examples/end-sessions");
    let mut python = Command::new("python3");
    python.args(["-B", "-m", "unittest", "-v", "test_end_sessions"]).current_dir(folder);
    let output = python.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.matches(" ... ok").count() >= 8, "{said}");
}
