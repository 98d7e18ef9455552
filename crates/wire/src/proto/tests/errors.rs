//! Each error by name: too many for chance to meet them all.

use stator_core::context::ContextError;
use stator_core::quorum::ImpossibleQuorum;
use stator_core::request::RequestError;
use stator_core::token::Partition;

use super::*;

fn errors() -> Vec<RequestError> {
    let mut errors = vec![
        RequestError::Context(ContextError::Malformed),
        RequestError::Context(ContextError::UnknownFormat),
        RequestError::Context(ContextError::UnknownKey),
        RequestError::Context(ContextError::Forged),
        RequestError::NotEnoughReplicas { needed: 3, reachable: 1 },
        RequestError::TooManySiblings { siblings: 101, max: 100 },
        RequestError::Overloaded,
        RequestError::Moving { partition: Partition::new(9) },
        RequestError::NotMember,
        RequestError::Expired,
        RequestError::Indeterminate { needed: 3, acked: 1 },
        RequestError::ReadTimeout { needed: 3, answered: 1 },
        RequestError::Damaged("a record's checksum is wrong".to_owned()),
    ];
    for name in ["r", "pr", "w", "pw", "dw", "node_confirms"] {
        errors.push(ImpossibleQuorum::MoreThanReplicas { name, asked: 4, n: 3 }.into());
        errors.push(ImpossibleQuorum::Zero { name }.into());
        for whole_name in ["r", "w"] {
            let impossible =
                ImpossibleQuorum::MoreThanWhole { name, asked: 3, whole_name, whole: 2 };
            errors.push(impossible.into());
        }
    }
    errors
}

#[test]
fn every_error_of_a_forwarded_put_comes_back() {
    for error in errors() {
        let sent = ShardMessage::PutAnswered { request: RequestId::new(1, 2), result: Err(error) };
        assert_eq!(decode_shard(encoded(&sent, encode_shard)), Ok(sent));
    }
}
