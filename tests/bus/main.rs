//! What the real publisher publishes of the writes in the table's stream.

#[cfg(test)]
mod erasures;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod khook;
#[cfg(test)]
mod latency;
#[cfg(test)]
mod page;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod published;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod service;
#[cfg(test)]
mod telemetry;
