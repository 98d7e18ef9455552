use super::super::tests::{Disk, ONE, WAITER, mint, object, replica, write};
use crate::context::Context;
use crate::effect::Effects;
use crate::replica::StoreKey;
use crate::time::WallTime;
use crate::token::Partition;

/// The page goes on after its last stored object: what is newer of that one is in this page.
#[test]
fn the_last_object_of_a_page_is_as_the_buffer_has_it() {
    let (mut replica, mut disk, mut out) = (replica(1), Disk::default(), Effects::new());
    let key = object("carts", b"alice");
    mint(&mut replica, &mut disk, &key, "apple");
    let newer = write(&key, "pear", Context::default(), 100);
    let newer = replica.mint(WallTime::default(), newer, WAITER, &disk, &mut out).expect("minted");
    let (first, last) = ONE.range_of(Partition::new(0));
    let page = replica.rows(&StoreKey::range(first, last), 1, &disk).expect("readable");
    assert_eq!(page.more_after, Some(StoreKey::of(&key)));
    assert_eq!(page.rows[0].object, Ok((key, newer.encoded)));
}
