use super::*;

#[test]
fn numbers_are_numbers_and_words_are_words() {
    assert_eq!(value("3"), Value::from(3));
    assert_eq!(value("quorum"), Value::from("quorum"));
    assert_eq!(value("none"), Value::Null);
    assert_eq!(value("-1"), Value::from("-1"));
}
