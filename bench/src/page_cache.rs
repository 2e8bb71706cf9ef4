//! How a program lies in memory before it is started. What a linker has just written lies there in single pages, in the order in
//! which they were written; what was read from a disk, as Lambda reads a function, in runs of many. A start of the very same program
//! took up to a tenth longer after the one than after the other.

use std::{fs::File, io, path::Path};

use anyhow::{Context, Result};
use rustix::fs::{Advice, fadvise};

/// Reads a program from its disk again, so that all contenders lie in memory in the same way.
///
/// # Errors
/// If the program can't be read.
pub(crate) fn read_again(program: &Path) -> Result<()> {
    let read = || -> io::Result<()> {
        let mut file = File::open(program)?;
        // What isn't on the disk yet would be kept.
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
    fn a_program_stays_as_it_is_and_one_that_isnt_there_is_named() {
        let program = std::env::temp_dir().join(format!("bench-page-cache-{}", std::process::id()));
        std::fs::write(&program, vec![7; 100_000]).unwrap();
        read_again(&program).unwrap();
        assert_eq!(std::fs::read(&program).unwrap(), vec![7; 100_000]);
        std::fs::remove_file(&program).unwrap();
        assert!(format!("{:#}", read_again(&program).unwrap_err()).contains("bench-page-cache"));
    }
}
