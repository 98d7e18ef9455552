use super::*;

fn request(words: &str) -> Vec<Bytes> {
    words.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
}

fn refusal(words: &str) -> String {
    let failure = Command::of(&request(words)).err().expect("it is refused");
    failure.detail().to_owned()
}

#[test]
fn commands_are_found_in_any_case_and_counted_as_redis_counts() {
    assert_eq!(Command::of(&request("gEt k")).map(|command| command.name), Ok("GET"));
    assert_eq!(refusal("GET"), "wrong number of arguments for 'get' command");
    assert_eq!(refusal("get a b"), "wrong number of arguments for 'get' command");
    assert_eq!(refusal("MSET a"), "wrong number of arguments for 'mset' command");
}

#[test]
fn an_unknown_command_is_named_as_redis_names_it() {
    assert_eq!(
        refusal("LPUSH list a b"),
        "unknown command 'LPUSH', with args beginning with: 'list' 'a' 'b' "
    );
    let long = format!("{} {}", "x".repeat(1000), "y".repeat(1000));
    assert!(refusal(&long).len() < 400, "an error repeats no more than a little");
}

#[test]
fn no_command_is_there_twice_and_all_are_in_capitals() {
    for (at, command) in COMMANDS.iter().enumerate() {
        assert_eq!(command.name, command.name.to_ascii_uppercase());
        assert!(COMMANDS[..at].iter().all(|other| other.name != command.name), "{}", command.name);
        assert!(!command.summary.is_empty());
    }
}

#[test]
fn a_key_is_the_same_key_by_either_name() {
    let touched = |database: u8, words: &str| {
        let arguments = request(words);
        let command = Command::of(&arguments).expect("it is a command");
        command.touched(Access::Reads, database, &arguments).keys
    };
    assert_eq!(touched(3, "GET k"), touched(0, "STATOR.GET redis.3 k"));
    assert_ne!(touched(0, "GET k"), touched(1, "GET k"));
    assert_ne!(touched(0, "GET k"), touched(0, "STATOR.GET redis.00 k"));
    assert_ne!(touched(0, "STATOR.GET a b/c"), touched(0, "STATOR.GET b c"));
    assert_eq!(touched(0, "MSET a 1 b 2").len(), 2);
    assert_eq!(touched(0, "DEL a b c").len(), 3);
    assert!(touched(0, "DBSIZE").is_empty());
}

/// The page for people lacks none.
#[test]
fn every_command_is_in_the_manual() {
    let manual = include_str!("../../../../../docs/redis.md");
    let rows: Vec<&str> = manual.lines().filter(|line| line.starts_with("| `")).collect();
    for command in COMMANDS {
        let is_told = rows.iter().any(|row| {
            row.split('`')
                .skip(1)
                .step_by(2)
                .any(|word| word.split(' ').next() == Some(command.name))
        });
        assert!(is_told, "{} is not in docs/redis.md", command.name);
    }
}
