//! What the real skill and answerer make of a message that the service answers itself.

#[cfg(test)]
mod answered;
#[cfg(test)]
mod declined;
#[cfg(test)]
mod frozen;
#[cfg(test)]
mod load;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod privacy;
