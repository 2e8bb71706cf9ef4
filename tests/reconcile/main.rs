//! What the real reconciler finds, and what becomes of it in the table, with a simulated Kakao and the real processor.

#[cfg(test)]
mod keys;
#[cfg(test)]
mod load;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod service;
#[cfg(test)]
mod telemetry;
