//! What the real deliverer sends to a service's endpoint, and what becomes of what the endpoint does not take.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod khook_test;
#[cfg(test)]
mod khook_undelivered;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod posted;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod service;
#[cfg(test)]
mod telemetry;
