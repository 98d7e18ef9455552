use super::super::tests::{Disk, mint, object, replica};
use super::*;

#[test]
fn objects_beside_a_damaged_one_are_served() {
    let (mut replica, mut disk, mut out) = (replica(1), Disk::default(), Effects::new());
    let (damaged, whole) = (object("carts", b"alice"), object("carts", b"bob"));
    mint(&mut replica, &mut disk, &damaged, "apple");
    let minted = mint(&mut replica, &mut disk, &whole, "pear");
    disk.damaged.push(StoreKey::of(&damaged).as_bytes().clone());
    assert!(replica.read(&damaged, &disk, &mut out).is_err());
    assert_eq!(replica.read(&whole, &disk, &mut out), Ok(Some(minted.encoded)));
}
