//! The reconciler against Kakao's simulated API and a table in memory, in simulated time.

mod laws;
mod traps;
mod work;
mod world;
