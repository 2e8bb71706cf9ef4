//! Every webhook through the real binaries to the table: the answers, and what is stored.

#[cfg(test)]
mod abuse;
#[cfg(test)]
mod alternative_fields;
#[cfg(test)]
mod batches;
#[cfg(test)]
mod cold;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod convergence;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod janitor;
#[cfg(test)]
mod jose;
#[cfg(test)]
mod kakao;
#[cfg(test)]
mod key_endpoint;
#[cfg(test)]
mod khook_check;
#[cfg(test)]
mod khook_dlq;
#[cfg(test)]
mod khook_inbox;
#[cfg(test)]
mod khook_keys;
#[cfg(test)]
mod khook_operator;
#[cfg(test)]
mod khook_reconcile;
#[cfg(test)]
mod khook_stack;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod quarantine;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod skill;
#[cfg(test)]
mod skill_rules;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod start;
#[cfg(test)]
mod tokens;
