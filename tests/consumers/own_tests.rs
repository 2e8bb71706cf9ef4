//! The tests that each example brings.

use std::process::{Command, Output};

use crate::examples::{Example, NO_LIBRARIES, express_with_packages, fastapi_python, run, spring_script};

/// Fewer tests than this in an example's output: they were not found.
const FEWEST_TESTS: usize = 10;

#[test]
fn end_sessions_does_what_its_tests_say() {
    passes_with_python_alone(Example("end-sessions"), "test_end_sessions");
}

#[test]
fn the_recipes_do_what_their_tests_say() {
    passes_with_python_alone(Example("recipes"), "test_recipes");
}

/// Runs the tests of an example that needs no packages.
fn passes_with_python_alone(example: Example, module: &str) {
    if example.is_installed(&["python3"]) {
        let mut python = Command::new("python3");
        python.args(["-B", "-m", "unittest", "-v", module]).current_dir(example.folder());
        passed(&run(&mut python), " ... ok");
    }
}

#[tokio::test]
async fn fastapi_does_what_its_tests_say() {
    let example = Example("fastapi");
    if example.is_installed(&["python3"]) {
        let mut python = Command::new(fastapi_python().await);
        python.args(["-B", "-m", "unittest", "-v", "test_follow_up"]).current_dir(example.folder());
        passed(&run(&mut python), " ... ok");
    }
}

#[test]
fn express_does_what_its_tests_say() {
    if Example("express").is_installed(&["node", "npm"]) {
        passed(&run(Command::new("npm").arg("test").current_dir(express_with_packages())), "\nok ");
    }
}

#[test]
fn spring_does_what_its_tests_say() {
    let example = Example("spring");
    if example.is_installed(&["java", "javac", "apt-get"]) {
        let output = run(&mut spring_script("test"));
        if output.status.code() == Some(NO_LIBRARIES) {
            example.skip("its libraries can't be downloaded");
        } else {
            passed(&output, "() \u{2714}");
        }
    }
}

/// Checks that an example's tests passed. `each` stands in the output once for each of them.
fn passed(output: &Output, each: &str) {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    assert!(output.status.success(), "{text}");
    assert!(text.matches(each).count() >= FEWEST_TESTS, "{text}");
}
