//! Each room of the library imports only those before it.

#[cfg(test)]
mod rooms {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use end_to_end::binaries::workspace;

    /// The rooms in the order of the table in `shared/src/lib.rs`.
    fn in_order() -> Vec<String> {
        let library = fs::read_to_string(workspace().join("shared/src/lib.rs")).unwrap();
        let row = |line: &str| Some(line.strip_prefix("//! | [`")?.split_once('`')?.0.to_owned());
        library.lines().filter_map(row).collect()
    }

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
    }

    /// The rooms that a source names, by `crate::room` or inside of `use crate::{room, …}`.
    fn named_rooms(source: &str) -> Vec<String> {
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
    fn the_table_of_rooms_names_every_module() {
        let library = fs::read_to_string(workspace().join("shared/src/lib.rs")).unwrap();
        let mut modules: Vec<_> =
            library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
        let mut rooms = in_order();
        rooms.sort();
        modules.sort_unstable();
        assert_eq!(rooms, modules);
    }

    #[test]
    fn no_room_imports_one_that_comes_after_it() {
        let rooms = in_order();
        for (place, room) in rooms.iter().enumerate() {
            for path in sources(&workspace().join("shared/src").join(room)) {
                for named in named_rooms(&fs::read_to_string(&path).unwrap()) {
                    let other = rooms.iter().position(|room| *room == named);
                    assert!(other.is_none_or(|other| other <= place), "{} imports {named}", path.display());
                }
            }
        }
    }

    #[test]
    fn imports_are_found_in_every_form() {
        let source = "use crate::wire::{Time, ids};\nuse crate::{\n auth::{Apps, Keys},\n state, queue::SqsQueue,\n};\n// crate::config\nfn x() { crate::store::go() }";
        assert_eq!(named_rooms(source), ["wire", "auth", "state", "queue", "store"]);
    }
}
