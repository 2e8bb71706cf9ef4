//! The state of a program in memory before its start. A program that a linker has just written is there in single pages; one
//! that was read from disk, as Lambda reads a function, in runs of many. The first kind started up to a tenth later.

use std::{fs::File, io, path::Path};

use anyhow::{Context, Result};
use rustix::fs::{Advice, fadvise};

/// Reads a program from disk again, so that all contenders are in memory in the same form.
pub(crate) fn read_again(program: &Path) -> Result<()> {
    let read = || -> io::Result<()> {
        let mut file = File::open(program)?;
        // Pages that are not on the disk yet would be kept.
        file.sync_all()?;
        fadvise(&file, 0, None, Advice::DontNeed)?;
        io::copy(&mut file, &mut io::sink())?;
        Ok(())
    };
    read().with_context(|| format!("{} can't be read", program.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_again_leaves_a_program_as_it_is_and_names_an_absent_one() {
        let program = std::env::temp_dir().join(format!("bench-page-cache-{}", std::process::id()));
        std::fs::write(&program, vec![7; 100_000]).unwrap();
        read_again(&program).unwrap();
        assert_eq!(std::fs::read(&program).unwrap(), vec![7; 100_000]);
        std::fs::remove_file(&program).unwrap();
        assert!(format!("{:#}", read_again(&program).unwrap_err()).contains("bench-page-cache"));
    }
}
