//! The local console's pages in a real browser: Chromium, driven by Playwright, at a console beside a whole local cloud.
//! Without Chromium they are skipped with a line that says so. With `BROWSER_REQUIRED`, as in `.ci/run`, that fails. With
//! `SCREENSHOTS` the pictures of docs/images are written.

#[cfg(test)]
mod browser {
    use std::{env, fs, path::PathBuf, process::Stdio, sync::Arc, time::Duration};

    use end_to_end::binaries::workspace;
    use khook::{
        aws::rules::RuleTable,
        commands::{
            dev::{Others, Stage},
            skill::watch::WatchedRules,
        },
        console::{
            Console,
            history::{Bounds, History},
        },
        local::{Build, Packages, Project, logs::LogReader, provision},
        ui::progress::Progress,
    };
    use tokio::{process::Command, task::JoinHandle, time::sleep};

    const PACKAGES: Packages =
        Packages { folder: "browser", requirements: "tests/browser/requirements.txt", of: "the browser's tests" };

    /// Under one of these names systems have it; `CHROMIUM` names another.
    const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

    fn chromium() -> Option<PathBuf> {
        if let Some(named) = env::var_os("CHROMIUM") {
            return Some(named.into());
        }
        let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
        NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
    }

    /// How often the logs are read: four times slower than by `khook dev`, so that a test that doesn't wait for what
    /// they say fails always and not now and then.
    const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

    /// The console, beside its service. It follows the logs as `khook dev` does.
    struct Beside {
        console: Arc<Console>,
        follower: JoinHandle<()>,
        _stage: Arc<Stage>,
        folder: PathBuf,
    }

    impl Beside {
        async fn start() -> Self {
            let stage = Stage::set_up(Progress::Lines, Build::for_tests(), Others::default()).await.unwrap();
            let table = RuleTable::new(&stage.cloud.sdk_config(), stage.cloud.table_name().to_owned());
            let rules = WatchedRules::open(workspace().join("tests/browser/rules.json")).unwrap();
            rules.put(&table).await.unwrap();
            let folder = env::temp_dir().join(format!("console-{}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            let history = History::open(&folder, Bounds::default());
            let console = Arc::new(Console::beside(&stage, 0, folder.clone(), history).await.unwrap());
            let (stage, following) = (Arc::new(stage), Arc::clone(&console));
            let follower = tokio::spawn(follow(Arc::clone(&stage), following));
            Self { console, follower, _stage: stage, folder }
        }
    }

    impl Drop for Beside {
        fn drop(&mut self) {
            self.follower.abort();
            drop(fs::remove_dir_all(&self.folder));
        }
    }

    async fn follow(stage: Arc<Stage>, console: Arc<Console>) {
        let mut logs = LogReader::of_all(&stage.cloud).unwrap();
        loop {
            console.follow(&logs.read().await.unwrap());
            sleep(BETWEEN_LOOKS).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_pages_do_what_they_say() {
        let Some(chromium) = chromium() else {
            assert!(env::var_os("BROWSER_REQUIRED").is_none(), "there is no Chromium");
            println!(
                "SKIPPED: the console's pages are not tested. Install Chromium (Debian: apt-get install chromium)"
            );
            return;
        };
        let python = provision(&Project::find().unwrap(), PACKAGES, Progress::Lines).await.unwrap();
        let beside = Beside::start().await;
        let folder = workspace().join("tests/browser");
        let mut tests = Command::new(python);
        tests.arg("-B").arg("browser.py").current_dir(folder).env("CONSOLE_URL", beside.console.url());
        tests.env("CHROMIUM", chromium).stdin(Stdio::null()).kill_on_drop(true);
        let done = tests.output().await.unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        println!("{said}");
        assert!(done.status.success() && said.contains("\nOK"), "{said}");
    }
}
