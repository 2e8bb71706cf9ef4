//! khook's real binary, as a shell runs it, with servers in the place of AWS and Kakao.

#[cfg(test)]
mod aws;
#[cfg(test)]
mod binary;
#[cfg(test)]
mod callback;
#[cfg(test)]
mod dev;
#[cfg(test)]
mod exit_status;
#[cfg(test)]
mod ips;
#[cfg(test)]
mod kakao;
#[cfg(test)]
mod lost;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod shell;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod visible;
