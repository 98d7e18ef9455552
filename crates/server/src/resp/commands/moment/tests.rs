use super::*;

#[test]
fn options_name_their_forms_in_any_case() {
    for (option, form) in [
        ("EX", Some(Form::SecondsFromNow)),
        ("px", Some(Form::MillisFromNow)),
        ("ExAt", Some(Form::SecondsAbsolute)),
        ("PXAT", Some(Form::MillisAbsolute)),
        ("E", None),
        ("NX", None),
    ] {
        assert_eq!(Form::of_option(option.as_bytes()), form, "{option}");
    }
}

#[test]
fn moments_that_overflow_or_lie_at_zero_are_refused() {
    let max = Bytes::from(i64::MAX.to_string());
    let invalid = || Failure::err("invalid expire time in 'set' command");
    for form in [Form::SecondsFromNow, Form::MillisFromNow, Form::SecondsAbsolute] {
        assert_eq!(positive(form, &max, "set"), Err(invalid()), "{form:?}");
        assert_eq!(positive(form, &"0".into(), "set"), Err(invalid()));
        assert_eq!(positive(form, &"-1".into(), "set"), Err(invalid()));
        assert_eq!(positive(form, &"1.5".into(), "set"), Err(Failure::not_an_integer()));
    }
    let last = positive(Form::MillisAbsolute, &max, "set");
    assert_eq!(last, Ok(WallTime::from_millis(i64::MAX as u64)));
}

#[test]
fn a_moment_that_has_passed_is_none() {
    assert_eq!(any(Form::SecondsFromNow, &"0".into(), "expire"), Ok(None));
    assert_eq!(any(Form::MillisFromNow, &"-5".into(), "expire"), Ok(None));
    assert_eq!(any(Form::SecondsAbsolute, &"1".into(), "expire"), Ok(None));
    let hour = any(Form::SecondsFromNow, &"3600".into(), "expire").expect("a moment");
    let left = hour.expect("it is to come").as_millis() - clock::now().as_millis();
    assert!((3_590_000..=3_600_000).contains(&left));
    let low = Bytes::from(i64::MIN.to_string());
    let invalid = Failure::err("invalid expire time in 'expire' command");
    assert_eq!(any(Form::SecondsFromNow, &low, "expire"), Err(invalid));
}
