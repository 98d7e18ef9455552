//! As much of a shell's language as the documents use.

use std::collections::BTreeMap;

/// Variables that have been set.
pub(super) type Variables = BTreeMap<String, String>;

/// A line of a shell: words, and what its comment says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Line {
    pub(super) words: Vec<String>,
    pub(super) comment: String,
}

/// Splits a line into words as a shell does: quotes group, `$NAME` outside of single quotes stands
/// for its value, and a word that begins with `#` begins a comment.
pub(super) fn line(text: &str, variables: &Variables) -> Line {
    let mut line = Line::default();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('#', None) if word.is_none() => {
                let rest: String = letters.collect();
                rest.trim().clone_into(&mut line.comment);
                break;
            }
            (' ', None) => line.words.extend(word.take()),
            ('\'' | '"', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (_, Some(open)) if letter == open => quote = None,
            ('$', None | Some('"')) => {
                let mut name = String::new();
                while let Some(letter) = letters.next_if(char::is_ascii_alphanumeric) {
                    name.push(letter);
                }
                let value = variables.get(&name).cloned();
                word.get_or_insert_default().push_str(&value.unwrap_or(format!("${name}")));
            }
            _ => word.get_or_insert_default().push(letter),
        }
    }
    line.words.extend(word);
    line
}

/// The arguments of each `stator` command of a line that may have several.
pub(super) fn stator_commands(text: &str) -> Vec<Vec<String>> {
    let text = text.strip_prefix("$ ").unwrap_or(text);
    let words = line(text, &Variables::new()).words;
    let ends =
        |word: &String| matches!(word.as_str(), "&&" | "&" | "|" | ";") || word.starts_with('>');
    let mut found = vec![];
    for command in words.split(ends) {
        let assigned = command.iter().take_while(|word| word.contains('=')).count();
        let [name, arguments @ ..] = &command[assigned..] else { continue };
        if name == "stator" && !arguments.is_empty() {
            found.push(with_values(arguments));
        }
    }
    found
}

/// Documents write `V` for the version that the plan shows, and end with `…` where more may follow.
fn with_values(arguments: &[String]) -> Vec<String> {
    let value = |word: &String| if word == "V" { "7".to_owned() } else { word.clone() };
    let mut words: Vec<String> = arguments.iter().map(value).collect();
    let [.., before, last] = &words[..] else { return words };
    if last == "…" && !before.starts_with('-') {
        words.pop();
    }
    words
}

#[test]
fn words_are_split_as_by_a_shell() {
    let variables = Variables::from([("x".to_owned(), "1 2".to_owned())]);
    let read = line(r#"put 'a "b' "c: $x" d$x '$x' ''  # 204 "#, &variables);
    assert_eq!(read.words, ["put", "a \"b", "c: 1 2", "d1 2", "$x", ""]);
    assert_eq!(read.comment, "204");
}

#[test]
fn every_command_of_a_line_is_found() {
    let found = stator_commands("$ A=1 stator secret > f && stator get a '#' & # stator no");
    assert_eq!(found, [vec!["secret"], vec!["get", "a", "#"]]);
    let open = stator_commands("stator bucket … && stator serve --data …");
    assert_eq!(open, [vec!["bucket"], vec!["serve", "--data", "…"]]);
    assert!(stator_commands("stator").is_empty() && stator_commands("a stator").is_empty());
}
