//! khook's real binary, ended by a signal: the terminal and the queues are as they were before.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    process::Stdio,
};

use end_to_end::{khook_binary, queue::Queue};
use rustix::{
    fs::OFlags,
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, Command},
};

const INTERRUPTED: Option<i32> = Some(130);

fn interrupt(child: &Child) {
    let id = child.id().and_then(|id| Pid::from_raw(id.try_into().unwrap())).unwrap();
    kill_process(id, Signal::INT).unwrap();
}

/// A terminal: the side that a person sits at (to be kept open), and the side that a program has.
fn terminal() -> (impl Sized, File) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap().into_string().unwrap();
    let flags = OFlags::NOCTTY.bits().try_into().unwrap();
    let program = OpenOptions::new().read(true).write(true).custom_flags(flags).open(name).unwrap();
    (person, program)
}

fn shows_what_is_typed(terminal: &File) -> bool {
    tcgetattr(terminal).unwrap().local_modes.contains(LocalModes::ECHO)
}

fn at(terminal: &File, mut command: Command) -> Child {
    command.stdin(Stdio::from(terminal.try_clone().unwrap())).spawn().unwrap()
}

/// Reads until a text has come.
async fn until(output: &mut (impl AsyncRead + Unpin), text: &str) {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(text) {
        let more = output.read_buf(&mut read).await.unwrap();
        assert_ne!(more, 0, "it ended without `{text}`: {}", String::from_utf8_lossy(&read));
    }
}

#[tokio::test]
async fn a_terminal_shows_what_is_typed_again_after_an_interrupt_at_the_hidden_prompt() {
    let (_person, terminal) = terminal();
    assert!(shows_what_is_typed(&terminal));
    let mut child = at(&terminal, khook_binary::command(&[], &["hash-key"]).unwrap());
    let mut stderr = child.stderr.take().unwrap();
    until(&mut stderr, "Key (it isn't shown): ").await;
    assert!(!shows_what_is_typed(&terminal));
    interrupt(&child);
    assert_eq!(child.wait().await.unwrap().code(), INTERRUPTED);
    assert!(shows_what_is_typed(&terminal));
}

#[tokio::test]
async fn a_question_can_be_answered_by_an_interrupt() {
    let queue = Queue::start().await.unwrap();
    let (_person, terminal) = terminal();
    let variables = [("EVENT_QUEUE_URL", queue.url()), ("AWS_ENDPOINT_URL_SQS", queue.endpoint())];
    let mut child = at(&terminal, khook_binary::command(&variables, &["user", "unlink", "1", "2"]).unwrap());
    let mut stderr = child.stderr.take().unwrap();
    until(&mut stderr, "[y/N] ").await;
    interrupt(&child);
    assert_eq!(child.wait().await.unwrap().code(), INTERRUPTED);
    assert_eq!(queue.bodies(), Vec::<String>::new());
}

#[tokio::test]
async fn an_interrupted_look_gives_back_what_it_holds_and_what_was_on_its_way() {
    for command in
        [&["dlq", "list"][..], &["dlq", "show", "other"], &["dlq", "drop", "--all"], &["dlq", "replay", "other"]]
    {
        let queue = Queue::start().await.unwrap();
        let dead = queue.dead_letters();
        let ids: Vec<_> = (0..11).map(|_| dead.put("poison")).collect();
        dead.hold_from(2);
        let variables = [
            ("AWS_ENDPOINT_URL_SQS", queue.endpoint()),
            ("DEAD_LETTER_QUEUE_URL", queue.dead_letter_url()),
            ("EVENT_QUEUE_URL", queue.url()),
        ];
        let mut child = khook_binary::command(&variables, command).unwrap().spawn().unwrap();
        // Four are held, and four more were handed out by an answer that has not arrived.
        while dead.visible().len() > 3 {
            assert_eq!(child.try_wait().unwrap(), None, "{command:?}");
            tokio::task::yield_now().await;
        }
        interrupt(&child);
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        while !said.next_line().await.unwrap().expect("it ended and returned nothing").contains("to the queue ...") {}
        dead.release();
        assert_eq!(child.wait().await.unwrap().code(), INTERRUPTED, "{command:?}");
        let mut visible = dead.visible();
        visible.sort();
        assert_eq!(visible, ids, "{command:?}");
    }
}

#[tokio::test]
async fn a_queue_that_answers_no_more_holds_up_nobody_who_interrupts() {
    let queue = Queue::start().await.unwrap();
    let dead = queue.dead_letters();
    for _ in 0..11 {
        dead.put("poison");
    }
    dead.hold_from(2);
    let variables = [("AWS_ENDPOINT_URL_SQS", queue.endpoint()), ("DEAD_LETTER_QUEUE_URL", queue.dead_letter_url())];
    let mut child = khook_binary::command(&variables, &["dlq", "list"]).unwrap().spawn().unwrap();
    while dead.visible().len() > 3 {
        tokio::task::yield_now().await;
    }
    interrupt(&child);
    assert_eq!(child.wait().await.unwrap().code(), INTERRUPTED);
    // The four that it had got are back, those of the answer that never came are not.
    assert_eq!(dead.visible().len(), 7);
}
