//! The example consumers' own tests, in their own languages. An example whose language is not installed is skipped with
//! a line that names it. With `CONSUMERS_REQUIRED`, as in `.ci/full`, it fails.

#[cfg(test)]
mod consumers {
    use std::{
        fs,
        io::{self, Write},
        path::{Path, PathBuf},
        process::{Command, Output, Stdio},
    };

    use end_to_end::binaries::workspace;
    use khook::{
        local::{Packages, Project, provision},
        ui::progress::Progress,
    };

    const FASTAPI: Packages = Packages {
        folder: "fastapi",
        requirements: "infra/examples/fastapi/requirements.txt",
        of: "the example for FastAPI",
    };

    /// Fewer tests than this in an example's output: they were not found.
    const FEWEST_TESTS: usize = 10;

    /// How the script of the example for Spring ends without its libraries.
    const NO_LIBRARIES: i32 = 75;

    #[test]
    fn end_sessions_does_what_its_tests_say() {
        if installed("end-sessions", &["python3"]) {
            let mut python = Command::new("python3");
            python.args(["-B", "-m", "unittest", "-v", "test_end_sessions"]).current_dir(example("end-sessions"));
            passed(&run(&mut python), " ... ok");
        }
    }

    #[tokio::test]
    async fn fastapi_does_what_its_tests_say() {
        if installed("fastapi", &["python3"]) {
            let python = provision(&Project::find().unwrap(), FASTAPI, Progress::Silent).await.unwrap();
            let mut python = Command::new(python);
            python.args(["-B", "-m", "unittest", "-v", "test_follow_up"]).current_dir(example("fastapi"));
            passed(&run(&mut python), " ... ok");
        }
    }

    #[test]
    fn express_does_what_its_tests_say() {
        if installed("express", &["node", "npm"]) {
            let folder = installed_packages_of_express();
            passed(&run(Command::new("npm").arg("test").current_dir(folder)), "\nok ");
        }
    }

    #[test]
    fn spring_does_what_its_tests_say() {
        if installed("spring", &["java", "javac", "apt-get"]) {
            let mut script = Command::new(example("spring").join("test.sh"));
            let output = run(script.arg(workspace().join(".local/spring")));
            if output.status.code() == Some(NO_LIBRARIES) {
                skip("spring", "its libraries can't be downloaded");
            } else {
                passed(&output, "() \u{2714}");
            }
        }
    }

    fn example(name: &str) -> PathBuf {
        workspace().join("infra/examples").join(name)
    }

    /// Whether all of these programs are there to test the example.
    fn installed(example: &str, programs: &[&str]) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let there = |program: &&str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
        let Some(missing) = programs.iter().find(|program| !there(program)) else { return true };
        skip(example, &format!("{missing} is not installed"));
        false
    }

    fn skip(example: &str, reason: &str) {
        assert!(std::env::var_os("CONSUMERS_REQUIRED").is_none(), "{example}: {reason}");
        // Not `eprintln!`: the test runner would not show it.
        writeln!(io::stderr(), "SKIPPED: the tests of infra/examples/{example}: {reason}").unwrap();
    }

    fn run(command: &mut Command) -> Output {
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// Checks that an example's tests passed. `each` stands in the output once for each of them.
    fn passed(output: &Output, each: &str) {
        let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
        assert!(output.status.success(), "{text}");
        assert!(text.matches(each).count() >= FEWEST_TESTS, "{text}");
    }

    /// A copy of the example with its packages: no `node_modules` among the project's own files.
    fn installed_packages_of_express() -> PathBuf {
        let (source, copy) = (example("express"), workspace().join(".local/express"));
        let lock = fs::read(source.join("package-lock.json")).unwrap();
        let stamp = copy.join("installed");
        if fs::read(&stamp).ok().as_ref() != Some(&lock) {
            drop(fs::remove_dir_all(&copy));
            copy_files(&source, &copy);
            let mut npm = Command::new("npm");
            let output = run(npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&copy));
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            fs::write(&stamp, lock).unwrap();
        }
        drop(fs::remove_dir_all(copy.join("dist")));
        for part in ["src", "test"] {
            fs::remove_dir_all(copy.join(part)).unwrap();
        }
        copy_files(&source, &copy);
        fs::copy(example("published.json"), copy.with_file_name("published.json")).unwrap();
        copy
    }

    /// Copies a folder without what was installed or built in it.
    fn copy_files(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let (path, target) = (entry.path(), to.join(entry.file_name()));
            match entry.file_name().to_str() {
                Some("node_modules" | "dist") => {}
                _ if path.is_dir() => copy_files(&path, &target),
                _ => drop(fs::copy(&path, &target).unwrap()),
            }
        }
    }
}
