//! khook's real binary, as a shell runs it.

#[cfg(test)]
mod aws;
#[cfg(test)]
mod binary;
#[cfg(test)]
mod exit_status;
