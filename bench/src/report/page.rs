//! The page with the last full run. Only the text between the markers is generated.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::{markdown, picture};
use crate::figures::Results;

const BEGIN: &str = "<!-- begin: written by cargo bench-all -->";
const END: &str = "<!-- end: written by cargo bench-all -->";

/// Writes the results into the page and its picture.
pub(crate) fn write(results: &Results, docs: &Path) -> Result<()> {
    let path = docs.join("performance.md");
    let page = fs::read_to_string(&path).with_context(|| format!("{} can't be read", path.display()))?;
    let page = with_block(&page, &markdown(results)).with_context(|| {
        format!("{} has lost its markers: put these two lines back, in this order:\n{BEGIN}\n{END}", path.display())
    })?;
    fs::write(&path, page).with_context(|| format!("{} can't be written", path.display()))?;
    let path = docs.join("performance.svg");
    fs::write(&path, picture(results)).with_context(|| format!("{} can't be written", path.display()))
}

fn with_block(page: &str, block: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{block}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_changes() {
        let page = format!("# Title\n\nprose\n\n{BEGIN}\nold\n{END}\n\nmore\n");
        let written = with_block(&page, "new\n").unwrap();
        assert_eq!(written, page.replace("old", "new"));
        assert_eq!(with_block(&written, "new\n").unwrap(), written);
    }

    #[test]
    fn a_page_without_its_markers_is_left_alone() {
        assert_eq!(with_block(&format!("{END}\n{BEGIN}"), "new"), None);
        assert_eq!(with_block("# Title", "new"), None);
    }
}
