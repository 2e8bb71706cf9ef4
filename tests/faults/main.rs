//! Every known fault of what the functions depend on, and its result: the real binaries, and in front of queue, table
//! and key endpoint a proxy that refuses, resets, hangs or sends invalid answers.
//!
//! The rows state what is expected ([`row`], [`behind`]), the suite measures it, and `docs/reliability.md` records it.
//! A row that lost nothing but was late, or whose event ended elsewhere, is run once more, alone, at the end: on an
//! overloaded machine even a working queue may take too long. A row that lost an event is never run again.
//!
//! ```sh
//! cargo test -p end-to-end --test faults
//! WRITE_DOCS=1 cargo test -p end-to-end --test faults                # writes the tables of docs/reliability.md
//! FAULTS_ONLY='queue: hangs' cargo test -p end-to-end --test faults -- --nocapture    # some rows; no document
//! ```

#[cfg(test)]
mod behind;
#[cfg(test)]
mod edge_fault;
#[cfg(test)]
mod function;
#[cfg(test)]
mod job;
#[cfg(test)]
mod lane;
#[cfg(test)]
mod report;
#[cfg(test)]
mod row;

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
        behind::shifts,
        job::{Job, Played},
        lane::Lane,
        report::check_or_write,
        row::rows,
    };

    /// How many services run at once: they wait most of the time.
    const LANES: usize = 8;

    /// Runs jobs until none is left. After one that failed the service may be in any state, so the next gets a new one.
    async fn work(jobs: Arc<Mutex<VecDeque<(usize, Job)>>>) -> Vec<(usize, Job, Result<Played>)> {
        let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let (mut lane, mut played) = (Lane::start().await.unwrap(), vec![]);
        while let Some((number, job)) = next() {
            let outcome = job.play(&mut lane).await;
            if outcome.is_err() {
                lane = Lane::start().await.unwrap();
            }
            played.push((number, job, outcome));
        }
        played
    }

    async fn play_all(jobs: Vec<Job>, lanes: usize) -> Vec<(Job, Result<Played>)> {
        let jobs: VecDeque<_> = jobs.into_iter().enumerate().collect();
        let jobs = Arc::new(Mutex::new(jobs));
        let mut workers = JoinSet::new();
        for _ in 0..lanes {
            workers.spawn(work(Arc::clone(&jobs)));
        }
        let mut played: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
        played.sort_by_key(|(number, ..)| *number);
        played.into_iter().map(|(_, job, outcome)| (job, outcome)).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 8)]
    async fn whatever_fails_no_event_is_lost_and_every_answer_is_in_time() {
        let only = std::env::var("FAULTS_ONLY").unwrap_or_default();
        let jobs = rows().into_iter().map(Job::Acknowledge).chain(shifts().into_iter().map(Job::Work));
        let jobs: Vec<_> = jobs.filter(|job| job.name().contains(&only)).collect();
        // Building does not count.
        binary("unlink").unwrap();
        let (start, count) = (Instant::now(), jobs.len());
        let (mut lines, mut again, mut failed) = (vec![], vec![], vec![]);
        for (job, outcome) in play_all(jobs, LANES).await {
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
        if only.is_empty() {
            check_or_write(&lines);
        }
    }
}
