//! The examples' folders, and what their languages need to run them.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use end_to_end::binaries::workspace;
use khook::{
    local::{Packages, Project, provision},
    ui::progress::Progress,
};

/// How the script of the example for Spring ends without its libraries.
pub(crate) const NO_LIBRARIES: i32 = 75;

const FASTAPI: Packages = Packages {
    folder: "fastapi",
    requirements: "infra/examples/fastapi/requirements.txt",
    of: "the example for FastAPI",
};

/// A folder of `infra/examples`.
#[derive(Clone, Copy)]
pub(crate) struct Example(pub(crate) &'static str);

impl Example {
    pub(crate) fn folder(self) -> PathBuf {
        workspace().join("infra/examples").join(self.0)
    }

    /// Whether all of these programs are there to run the example.
    pub(crate) fn is_installed(self, programs: &[&str]) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let there = |program: &&str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
        let Some(missing) = programs.iter().find(|program| !there(program)) else { return true };
        self.skip(&format!("{missing} is not installed"));
        false
    }

    pub(crate) fn skip(self, reason: &str) {
        let name = self.0;
        assert!(std::env::var_os("CONSUMERS_REQUIRED").is_none(), "{name}: {reason}");
        // Not `eprintln!`: the test runner would not show it.
        writeln!(io::stderr(), "SKIPPED: the tests of infra/examples/{name}: {reason}").unwrap();
    }
}

/// The Python that has the packages of the example for FastAPI.
pub(crate) async fn fastapi_python() -> PathBuf {
    provision(&Project::find().unwrap(), FASTAPI, Progress::Silent).await.unwrap()
}

/// The script of the example for Spring, with this action. It ends with [`NO_LIBRARIES`] if they can't be downloaded.
pub(crate) fn spring_script(action: &str) -> Command {
    let mut script = Command::new(Example("spring").folder().join("test.sh"));
    script.arg(workspace().join(".local/spring")).arg(action);
    script
}

/// The example for Express with its packages, in a copy: no `node_modules` among the project's own files.
pub(crate) fn express_with_packages() -> &'static Path {
    static COPY: OnceLock<PathBuf> = OnceLock::new();
    COPY.get_or_init(copy_express)
}

fn copy_express() -> PathBuf {
    let (source, copy) = (Example("express").folder(), workspace().join(".local/express"));
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
    fs::copy(source.with_file_name("published.json"), copy.with_file_name("published.json")).unwrap();
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

pub(crate) fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}
