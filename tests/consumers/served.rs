//! An example that listens on loopback, with a database that the tests write and read by SQL.

use std::{
    fs,
    path::PathBuf,
    process::{Command as StdCommand, Stdio},
};

use end_to_end::delivery::NEW;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
};

use crate::examples::{Example, NO_LIBRARIES, express_with_packages, fastapi_python, run, spring_script};

/// The secret of the delivery that all of them hold.
pub(crate) const SECRET: &str = NEW;

/// Creates the tables of the example for FastAPI, then runs each line of its input as SQL and prints the rows.
const SQLITE: &str = "
import json, sqlite3, sys
from follow_up import SCHEMA
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.executescript(SCHEMA)
print('ready', flush=True)
for line in sys.stdin:
    print(json.dumps(database.execute(line).fetchall()), flush=True)
";

/// The database of an example, behind a process that runs each line of its input as SQL.
struct Sql {
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

/// A running example. Its processes end with it.
pub(crate) struct Consumer {
    url: String,
    sql: Sql,
    /// The server, where it is another process than the database's.
    _server: Option<(Child, Folder)>,
}

impl Consumer {
    /// With SQLite, as its page says that it is run. None if its language is not installed.
    pub(crate) async fn fastapi() -> Option<Self> {
        let example = Example("fastapi");
        if !example.is_installed(&["python3"]) {
            return None;
        }
        let (python, folder) = (fastapi_python().await, Folder::new());
        let database = folder.0.join("members.sqlite");
        let mut sqlite = StdCommand::new(&python);
        sqlite.args(["-B", "-c", SQLITE]).arg(&database).current_dir(example.folder());
        let (sql, _) = Sql::start(sqlite).await.unwrap();
        let mut server = Command::new(python);
        server.args(["-B", "-m", "uvicorn", "--factory", "follow_up:from_environment", "--port", "0"]);
        server.env("DATABASE_URL", format!("sqlite:///{}", database.display())).env("KAKAO_DELIVERY_SECRET", SECRET);
        server
            .current_dir(example.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut server = server.spawn().unwrap();
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
        let url = url_of(&mut lines).await;
        // Its pipe stays open, and is never full.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Some(Self { url, sql, _server: Some((server, folder)) })
    }

    /// With SQLite in memory. None if its language is not installed.
    pub(crate) async fn express() -> Option<Self> {
        if !Example("express").is_installed(&["node", "npm"]) {
            return None;
        }
        let folder = express_with_packages();
        // Not `dist`, which the example's own tests write at the same time.
        let mut compiler = StdCommand::new("node");
        let output = run(compiler.args(["node_modules/typescript/bin/tsc", "--outDir", "served"]).current_dir(folder));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let mut server = StdCommand::new("node");
        server.arg("served/test/serve.js").current_dir(folder);
        Some(Self::in_one_process(server).await.unwrap())
    }

    /// With H2, as MySQL. Debian has no Spring Boot, whose `Application.java` is not run. None if its language is not
    /// installed, or its libraries can't be downloaded.
    pub(crate) async fn spring() -> Option<Self> {
        let example = Example("spring");
        if !example.is_installed(&["java", "javac", "apt-get"]) {
            return None;
        }
        match Self::in_one_process(spring_script("serve")).await {
            Err(Some(NO_LIBRARIES)) => {
                example.skip("its libraries can't be downloaded");
                None
            }
            served => Some(served.unwrap()),
        }
    }

    /// An example that is in one process with its database. The exit status of a process that doesn't start.
    async fn in_one_process(mut server: StdCommand) -> Result<Self, Option<i32>> {
        server.env("KAKAO_DELIVERY_SECRET", SECRET);
        let (sql, url) = Sql::start(server).await?;
        Ok(Self { url, sql, _server: None })
    }

    /// Where it receives changes.
    pub(crate) fn url(&self) -> String {
        format!("{}/kakao", self.url)
    }

    /// Runs a statement and returns its rows.
    pub(crate) async fn rows(&mut self, statement: &str) -> Value {
        self.sql.input.write_all(format!("{statement}\n").as_bytes()).await.unwrap();
        let rows = self.sql.output.next_line().await.unwrap();
        serde_json::from_str(&rows.unwrap()).unwrap()
    }
}

impl Sql {
    /// Starts the process and returns its first line; its exit status if it prints none.
    async fn start(command: StdCommand) -> Result<(Self, String), Option<i32>> {
        let mut command = Command::from(command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut output = BufReader::new(output).lines();
        match output.next_line().await.unwrap() {
            Some(line) => Ok((Self { _process: process, input, output }, line)),
            None => Err(process.wait().await.unwrap().code()),
        }
    }
}

/// The URL at which uvicorn says that it listens.
pub(crate) async fn url_of(lines: &mut Lines<BufReader<ChildStderr>>) -> String {
    let mut read = vec![];
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, rest)) = line.split_once("running on ") {
            return rest.split(' ').next().unwrap().to_owned();
        }
        read.push(line);
    }
    panic!("{read:#?}")
}

/// A folder that ends with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("end-to-end-consumers-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Left behind where it can't be removed.
        let _ = fs::remove_dir_all(&self.0);
    }
}
