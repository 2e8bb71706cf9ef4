//! The example consumers of changes, in their own languages: their own tests, and their servers behind the real
//! deliverer. The example answerers of a chatbot, with a simulated model. An example whose language is not installed is skipped with a line that names it. With
//! `CONSUMERS_REQUIRED`, as in `.ci/full`, it fails.

#[cfg(test)]
mod answerers;
#[cfg(test)]
mod delivered;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod models;
#[cfg(test)]
mod own_tests;
#[cfg(test)]
mod page;
#[cfg(test)]
mod served;
