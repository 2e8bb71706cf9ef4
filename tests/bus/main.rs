//! What the bus is told of what the table's stream tells the real publisher.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod khook;
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
