//! Each module of the pure crate and of the runtime imports only those before it. Between the crates the compiler
//! sees to it.

#[cfg(test)]
mod modules {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use end_to_end::binaries::workspace;
    use kakao_webhooks::wire::Route;

    /// The sources of the two crates.
    const CRATES: [&str; 2] = ["shared/src", "functions/runtime/src"];

    /// The modules in the order of the table in the crate's `lib.rs`.
    fn in_order(library: &str) -> Vec<String> {
        let row = |line: &str| Some(line.strip_prefix("//! | [`")?.split_once('`')?.0.to_owned());
        library.lines().filter_map(row).collect()
    }

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
    }

    /// The modules that a source names, by `crate::module` or inside of `use crate::{module, …}`.
    fn named_modules(source: &str) -> Vec<String> {
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let code: String = source.lines().filter(is_code).collect::<Vec<_>>().join("\n");
        let first_word = |text: &str| {
            let word = text.trim_start().split(|c: char| !(c.is_alphanumeric() || c == '_')).next()?;
            (!word.is_empty()).then(|| word.to_owned())
        };
        let mut named = vec![];
        for path in code.split("crate::").skip(1) {
            let Some(group) = path.strip_prefix('{') else {
                named.extend(first_word(path));
                continue;
            };
            let mut depth = 0;
            let mut start = 0;
            for (at, character) in group.char_indices() {
                match character {
                    '{' => depth += 1,
                    '}' if depth == 0 => {
                        named.extend(group.get(start..at).and_then(first_word));
                        break;
                    }
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        named.extend(group.get(start..at).and_then(first_word));
                        start = at + 1;
                    }
                    _ => {}
                }
            }
        }
        named
    }

    #[test]
    fn the_table_of_modules_names_every_module() {
        for sources in CRATES {
            let library = fs::read_to_string(workspace().join(sources).join("lib.rs")).unwrap();
            let mut modules: Vec<_> =
                library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
            let mut listed = in_order(&library);
            listed.sort();
            modules.sort_unstable();
            assert_eq!(listed, modules, "{sources}");
        }
    }

    #[test]
    fn no_module_imports_one_that_comes_after_it() {
        for folder in CRATES.map(|folder| workspace().join(folder)) {
            let modules = in_order(&fs::read_to_string(folder.join("lib.rs")).unwrap());
            for (place, module) in modules.iter().enumerate() {
                let file = folder.join(format!("{module}.rs"));
                let files = if file.exists() { vec![file] } else { sources(&folder.join(module)) };
                for path in files {
                    for named in named_modules(&fs::read_to_string(&path).unwrap()) {
                        let other = modules.iter().position(|module| *module == named);
                        assert!(other.is_none_or(|other| other <= place), "{} imports {named}", path.display());
                    }
                }
            }
        }
    }

    /// The template's API gives every method of a path, and of all paths below it, to the path's function.
    #[test]
    fn the_template_has_exactly_the_routes_of_the_table() {
        let template = fs::read_to_string(workspace().join("infra/template/api.yaml")).unwrap();
        let paths = template.lines().filter_map(|line| line.strip_prefix("          \"/")?.strip_suffix("\":"));
        let mut paths: Vec<String> = paths.map(|path| format!("/{path}")).collect();
        let below = |route: &Route| [route.path.to_owned(), format!("{}/{{proxy+}}", route.path)];
        let mut expected: Vec<String> = Route::ALL.iter().flat_map(below).collect();
        paths.sort();
        expected.sort();
        assert_eq!(paths, expected);
        for function in Route::ALL.map(|route| route.function) {
            assert!(workspace().join("functions").join(function).join("src/main.rs").is_file(), "{function}");
        }
    }

    #[test]
    fn imports_are_found_in_every_form() {
        let source = "use crate::wire::{Time, ids};\nuse crate::{\n auth::{Apps, Keys},\n state, queue::SqsQueue,\n};\n// crate::config\nfn x() { crate::store::go() }";
        assert_eq!(named_modules(source), ["wire", "auth", "state", "queue", "store"]);
    }
}
