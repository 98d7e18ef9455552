use http::HeaderValue;

use super::*;

fn headers(content_type: &str, accept: Option<&str>) -> HeaderMap {
    let value = |text| HeaderValue::from_str(text).expect("a header's value");
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, value(content_type));
    headers.extend(accept.map(|text| (ACCEPT, value(text))));
    headers
}

#[test]
fn the_type_says_the_form() {
    for lines in ["application/x-ndjson", "Application/NDJSON; charset=utf-8", "application/jsonl"]
    {
        assert_eq!(Form::asked(&headers(lines, None)), Form::Lines, "{lines}");
    }
    for json in ["application/json", "application/x-www-form-urlencoded", "", "x-ndjson"] {
        assert_eq!(Form::asked(&headers(json, None)), Form::Json, "{json}");
    }
    assert_eq!(Form::asked(&HeaderMap::new()), Form::Json);
}

#[test]
fn the_answer_mirrors_the_request_unless_accept_prefers_one() {
    let answered = |asked, accept| Form::answered(&headers(asked, Some(accept)));
    let (json, lines) = ("application/json", "application/x-ndjson");
    assert_eq!(answered(json, "*/*"), Form::Json);
    assert_eq!(answered(lines, "*/*"), Form::Lines);
    assert_eq!(answered(lines, "application/*"), Form::Lines);
    assert_eq!(answered(json, lines), Form::Lines);
    assert_eq!(answered(lines, json), Form::Json);
    assert_eq!(answered(lines, "application/json;q=0.5, application/x-ndjson;q=0.4"), Form::Json);
    assert_eq!(Form::answered(&headers(lines, None)), Form::Lines);
}

#[test]
fn a_document_comes_apart_into_at_most_so_many_operations() {
    let list = |count: usize| format!("[{}]", vec!["{\"a\":[1,{}]}"; count].join(","));
    let lines = Form::Json.lines(" [ {\"a\":[1,{}]} , 2 ] ").map_err(|_| ());
    assert_eq!(lines, Ok(vec!["{\"a\":[1,{}]}", "2"]));
    let many = list(MAX_OPERATIONS);
    assert_eq!(Form::Json.lines(&many).map(|lines| lines.len()).ok(), Some(MAX_OPERATIONS));
    let more = list(MAX_OPERATIONS + 1);
    assert_eq!(Form::Json.lines(&more).map_err(|problem| problem.status()), Err(413));
    let lines = "{}\n".repeat(MAX_OPERATIONS);
    assert_eq!(Form::Lines.lines(&lines).map(|lines| lines.len()).ok(), Some(MAX_OPERATIONS));
    let more = format!("{lines}\r\n\n{{}}");
    assert_eq!(Form::Lines.lines(&more).map_err(|problem| problem.status()), Err(413));
}
