//! Every known fault of what the functions depend on, and its result: the real binaries, and in front of queue, table
//! and key endpoint a proxy that refuses, resets, hangs or sends invalid answers; the same for the deliverer, the reconciler and
//! what they need, and for a chatbot's answers.
//!
//! The cases say what is expected ([`request_case`], [`worker_case`], [`delivery_case`], [`reconcile_case`],
//! [`answer_case`]), the suite what is so, and
//! `docs/reliability.md` has it written down. A case that is safe but late, or landed elsewhere, is played once more
//! alone at the end: on a starved machine even a working queue may take too long. One that lost something is never
//! played again.
//!
//! ```sh
//! cargo test -p end-to-end --test faults
//! WRITE_DOCS=1 cargo test -p end-to-end --test faults                # writes the tables of docs/reliability.md
//! FAULTS_ONLY='queue: hangs' cargo test -p end-to-end --test faults -- --nocapture    # some rows
//! ```
//!
//! With `FAULTS_ONLY` the document is compared, or written, in the tables of which every row was played: with
//! `FAULTS_ONLY=deliverer`, the deliverer's; with `FAULTS_ONLY=reconciler`, the reconciler's; with `FAULTS_ONLY=answerer`, the answers'.

#[cfg(test)]
mod answer_case;
#[cfg(test)]
mod delivery_case;
#[cfg(test)]
mod delivery_stage;
#[cfg(test)]
mod edge_fault;
#[cfg(test)]
mod function;
#[cfg(test)]
mod job;
#[cfg(test)]
mod reconcile_case;
#[cfg(test)]
mod reconcile_stage;
#[cfg(test)]
mod report;
#[cfg(test)]
mod request_case;
#[cfg(test)]
mod service;
#[cfg(test)]
mod worker_case;

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        sync::{Arc, Mutex, PoisonError},
        time::Instant,
    };

    use anyhow::Result;
    use end_to_end::binaries::binary;
    use tokio::task::JoinSet;

    use crate::{
        answer_case::answer_cases,
        delivery_case::delivery_cases,
        job::{Job, Played},
        reconcile_case::reconcile_cases,
        report::check_or_write,
        request_case::{Group, request_cases},
        service::Service,
        worker_case::worker_cases,
    };

    /// How many services are tried at once: they wait for most of the time.
    const SERVICES: usize = 8;

    fn all_jobs() -> Vec<Job> {
        let requests = request_cases().into_iter().map(Job::Acknowledge);
        let workers = worker_cases().into_iter().map(Job::Work);
        let deliveries = delivery_cases().into_iter().map(Job::Deliver);
        let runs = reconcile_cases().into_iter().map(Job::Reconcile);
        let answers = answer_cases().into_iter().map(Job::Answer);
        requests.chain(workers).chain(deliveries).chain(runs).chain(answers).collect()
    }

    /// Runs jobs until none is left. After one that failed the service may be in any state, so the next gets a new one.
    async fn work(jobs: Arc<Mutex<VecDeque<(usize, Job)>>>) -> Vec<(usize, Job, Result<Played>)> {
        let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let (mut service, mut played) = (Service::start().await.unwrap(), vec![]);
        while let Some((number, job)) = next() {
            let outcome = job.play(&mut service).await;
            if outcome.is_err() {
                service = Service::start().await.unwrap();
            }
            played.push((number, job, outcome));
        }
        played
    }

    async fn play_all(jobs: Vec<Job>, services: usize) -> Vec<(Job, Result<Played>)> {
        let jobs: VecDeque<_> = jobs.into_iter().enumerate().collect();
        let jobs = Arc::new(Mutex::new(jobs));
        let mut workers = JoinSet::new();
        for _ in 0..services {
            workers.spawn(work(Arc::clone(&jobs)));
        }
        let mut played: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
        played.sort_by_key(|(number, ..)| *number);
        played.into_iter().map(|(_, job, outcome)| (job, outcome)).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 8)]
    async fn whatever_fails_no_event_is_lost_and_every_answer_is_in_time() {
        let only = std::env::var("FAULTS_ONLY").unwrap_or_default();
        let (jobs, left_out): (Vec<_>, Vec<_>) = all_jobs().into_iter().partition(|job| job.name().contains(&only));
        let groups: Vec<_> =
            Group::ALL.into_iter().filter(|group| left_out.iter().all(|job| job.group() != *group)).collect();
        // Building does not count.
        binary("unlink").unwrap();
        let (start, count) = (Instant::now(), jobs.len());
        let (mut lines, mut again, mut failed) = (vec![], vec![], vec![]);
        for (job, outcome) in play_all(jobs, SERVICES).await {
            match outcome {
                Ok(Played { line, complaint: None }) => lines.push(line),
                Ok(Played { line, complaint: Some(complaint) }) => {
                    println!("once more, alone: {}: {complaint}", job.name());
                    again.push((lines.len(), job));
                    lines.push(line);
                }
                Err(error) => failed.push(format!("{}: {error:#}", job.name())),
            }
        }
        let (places, jobs): (Vec<_>, Vec<_>) = again.into_iter().unzip();
        for (place, (job, outcome)) in places.into_iter().zip(play_all(jobs, 1).await) {
            match outcome {
                Ok(Played { line, complaint: None }) => lines[place] = line,
                Ok(Played { complaint: Some(complaint), .. }) => failed.push(format!("{}: {complaint}", job.name())),
                Err(error) => failed.push(format!("{}: {error:#}", job.name())),
            }
        }
        if !only.is_empty() {
            lines.iter().for_each(|line| println!("{line:?}"));
        }
        println!("{count} rows in {:.0} s", start.elapsed().as_secs_f32());
        assert!(failed.is_empty(), "{} of {count} rows failed: {failed:#?}", failed.len());
        check_or_write(&lines, &groups);
    }
}
