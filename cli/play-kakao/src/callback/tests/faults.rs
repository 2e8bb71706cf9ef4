use super::*;

#[test]
fn each_failure_of_the_table_can_be_had_on_demand_and_uses_up_nothing() {
    for expected in CallbackFail::ALL {
        let mut callbacks = callbacks(CallbackKind::Chat);
        callbacks.script(2, CallbackFault::Fail(*expected));
        for _ in 0..2 {
            assert_eq!(said(&mut callbacks, &reply("x"), at(1)), fail(*expected));
        }
        assert_eq!(said(&mut callbacks, &reply("x"), at(1)), success());
        assert_eq!(heard(&callbacks), ["x"]);
    }
}

#[test]
fn a_failure_that_the_table_does_not_have_can_be_scripted() {
    let mut callbacks = callbacks(CallbackKind::Chat);
    callbacks.script(1, CallbackFault::Other("ERROR", "an error of tomorrow"));
    let expected = ("ERROR".to_owned(), "an error of tomorrow".to_owned());
    assert_eq!(said(&mut callbacks, &reply("x"), at(1)), expected);
}

#[test]
fn a_request_hangs_is_reset_or_meets_a_proxy_and_nothing_is_heard() {
    let page = CallbackAnswer { status: 502, body: "<html><body>Service Unavailable</body></html>".to_owned() };
    for (fault, expected) in [
        (CallbackFault::Hang, CallbackReaction::Hang),
        (CallbackFault::Refuse, CallbackReaction::Reset),
        (CallbackFault::Html(502), CallbackReaction::Answer(page)),
    ] {
        let mut callbacks = callbacks(CallbackKind::Chat);
        callbacks.script(1, fault);
        let request = post(&callback_path(BOT, TOKEN), &reply("x"));
        assert_eq!(callbacks.react(&request, at(1)), expected);
        assert!(heard(&callbacks).is_empty());
        assert_eq!(said(&mut callbacks, &reply("x"), at(2)), success());
    }
}

#[test]
fn an_answer_that_is_lost_on_its_way_leaves_the_reply_said() {
    let mut callbacks = callbacks(CallbackKind::Chat);
    callbacks.script(1, CallbackFault::LoseAnswer);
    let request = post(&callback_path(BOT, TOKEN), &reply("한 번"));
    assert_eq!(callbacks.react(&request, at(1)), CallbackReaction::Reset);
    assert_eq!(said(&mut callbacks, &reply("두 번"), at(2)), fail(CallbackFail::Token));
    assert_eq!(heard(&callbacks), ["한 번"]);
}

#[test]
fn a_slow_answer_is_the_right_one() {
    let mut callbacks = callbacks(CallbackKind::Chat);
    callbacks.script(1, CallbackFault::Slow(Duration::from_secs(3)));
    let reaction = callbacks.react(&post(&callback_path(BOT, TOKEN), &reply("x")), at(1));
    let CallbackReaction::AnswerAfter(time, answer) = reaction else { panic!("{reaction:?}") };
    assert_eq!((time, verdict(&answer)), (Duration::from_secs(3), success()));
}

#[test]
fn faults_follow_each_other_and_one_for_good_ends_when_it_is_cleared() {
    let mut callbacks = callbacks(CallbackKind::Chat);
    callbacks.script(1, CallbackFault::Fail(CallbackFail::Internal501));
    callbacks.script(usize::MAX, CallbackFault::Fail(CallbackFail::Internal999));
    assert_eq!(said(&mut callbacks, &reply("x"), at(1)), fail(CallbackFail::Internal501));
    for _ in 0..3 {
        assert_eq!(said(&mut callbacks, &reply("x"), at(1)), fail(CallbackFail::Internal999));
    }
    callbacks.clear_faults();
    assert_eq!(said(&mut callbacks, &reply("x"), at(1)), success());
}

#[test]
fn a_fault_of_one_url_hits_no_other() {
    let mut callbacks = callbacks(CallbackKind::Chat);
    callbacks.issue("token-2", BOT, CallbackKind::Chat, at(0));
    callbacks.take_first_answer("token-2", WAIT, at(0));
    callbacks.script_for(TOKEN, CallbackFault::Fail(CallbackFail::Internal504));
    let other = answered(&mut callbacks, &post(&callback_path(BOT, "token-2"), &reply("x")), at(1));
    assert_eq!(verdict(&other), success());
    assert_eq!(said(&mut callbacks, &reply("x"), at(1)), fail(CallbackFail::Internal504));
    assert_eq!(said(&mut callbacks, &reply("x"), at(1)), success());
}
