use super::*;

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes())
}

#[test]
fn a_client_key_is_text_and_back() {
    let key = ClientKey::derive(&secret("s"));
    let text = key.expose();
    assert_eq!(text.len(), 43);
    assert_eq!(text.parse(), Ok(key.clone()));
    assert_eq!(format!(" {text}\n").parse(), Ok(key));
    for wrong in ["", "short", &text[1..], &format!("{text}{text}"), "?".repeat(43).as_str()] {
        assert_eq!(wrong.parse::<ClientKey>(), Err(InvalidClientKey), "{wrong}");
    }
}

#[test]
fn each_secret_has_a_client_key_of_its_own_and_it_is_no_link_key() {
    let (one, other) = (ClientKey::derive(&secret("one")), ClientKey::derive(&secret("other")));
    assert_ne!(one, other);
    for text in ["", "one"] {
        let (client, link) = (ClientKey::derive(&secret(text)), LinkKey::derive(&secret(text)));
        assert_ne!(client.as_bytes(), link.as_bytes());
        // Nor does taking the client key for a secret lead back to the key of links.
        let taken = Secret::new(*client.as_bytes());
        assert_ne!(LinkKey::derive(&taken).as_bytes(), link.as_bytes());
    }
}

/// Derived in another way than last year's, it would lock out every client at an upgrade.
#[test]
fn the_client_key_of_a_secret_stays_what_it_is() {
    assert_eq!(
        ClientKey::derive(&secret("s")).expose(),
        "az45NEoj_PJXoeYvGtCrtD2zYuNQioQ0dhBcyGMrZk8"
    );
}

#[test]
fn debug_shows_no_key() {
    let key = ClientKey::derive(&secret("s"));
    assert_eq!(format!("{key:?}"), "ClientKey(…)");
}
