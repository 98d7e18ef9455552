use super::*;

#[test]
fn batches_are_ordered_and_each_waiter_is_told_once_its_own_is_on_disk() {
    let mut journal = Journal::default();
    let mut out = Effects::new();
    let tickets: Vec<Ticket> = (0..3).map(|_| journal.write(Batch::new(), &mut out)).collect();
    assert!(tickets.is_sorted_by(|a, b| a < b));
    let sent: Vec<Ticket> = out
        .drain()
        .map(|effect| match effect {
            Effect::Write { ticket, .. } => ticket,
            other => panic!("no batch: {other:?}"),
        })
        .collect();
    assert_eq!(sent, tickets);
    let waiter = |number| Waiter::Coordinator(RequestId::new(0, number));
    for (number, &ticket) in (1..).zip(&tickets) {
        journal.wait(ticket, waiter(number));
    }
    journal.wait(tickets[1], waiter(9));
    assert_eq!(journal.synced(Ticket(0)), []);
    assert_eq!(journal.synced(tickets[1]), [waiter(1), waiter(2), waiter(9)]);
    assert_eq!(journal.synced(tickets[1]), []);
    assert_eq!(journal.synced(tickets[2]), [waiter(3)]);
}
