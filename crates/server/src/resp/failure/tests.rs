use stator_core::context::ContextError;
use stator_core::quorum::ImpossibleQuorum;
use stator_core::token::Partition;

use super::*;

#[test]
fn the_first_word_of_an_error_says_what_to_do() {
    for (error, word) in [
        (RequestError::Context(ContextError::Forged), "CONTEXT"),
        (RequestError::Quorum(ImpossibleQuorum::Zero { name: "w" }), "ERR"),
        (RequestError::TooManySiblings { siblings: 101, max: 100 }, "ERR"),
        (RequestError::NotEnoughReplicas { needed: 2, reachable: 1 }, "REFUSED"),
        (RequestError::Overloaded, "REFUSED"),
        (RequestError::Moving { partition: Partition::new(1) }, "REFUSED"),
        (RequestError::DiskReserve, "REFUSED"),
        (RequestError::NotMember, "REFUSED"),
        (RequestError::Expired, "REFUSED"),
        (RequestError::ReadTimeout { needed: 2, answered: 1 }, "REFUSED"),
        (RequestError::Damaged("checksum".to_owned()), "REFUSED"),
        (RequestError::Indeterminate { needed: 2, acked: 1 }, "INDETERMINATE"),
    ] {
        let detail = error.to_string();
        let failure = Failure::from(error);
        assert_eq!(failure.detail(), detail);
        assert_eq!(failure.is_indeterminate(), word == "INDETERMINATE");
        let Reply::Error(text) = failure.into_reply() else { panic!("it is an error") };
        assert_eq!(text, format!("{word} {detail}"));
    }
}
