//! Secrets: drawn here, shown nowhere.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
};

use serde::{Deserialize, Serialize};

/// Where randomness comes from.
const RANDOM: &str = "/dev/urandom";
/// 64 characters that every initiator takes in a CHAP secret, and every configuration file without quotes.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.";
/// 16 characters of 6 bits: the 96 bits that RFC 7143 (9.2.1) asks for, in the longest secret that old initiators take.
const CHAP_CHARACTERS: usize = 16;

/// Text that is never shown: not by `Debug`, and there is no `Display`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the kernel and for the client.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// What a client proves who it is with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The user; empty where the protocol has none.
    pub user: String,
    /// The password or key.
    pub secret: Secret,
}

impl Credentials {
    /// A new CHAP pair.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn draw_chap() -> io::Result<Self> {
        Ok(Self { user: characters::<CHAP_CHARACTERS>()?, secret: Secret(characters::<CHAP_CHARACTERS>()?) })
    }
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open(RANDOM)?.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn characters<const N: usize>() -> io::Result<String> {
    Ok(random::<N>()?.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 64)])).collect())
}

#[cfg(test)]
mod tests {
    use super::Credentials;

    #[test]
    fn each_pair_is_new_and_none_is_shown() {
        let (one, other) = (Credentials::draw_chap().expect("random"), Credentials::draw_chap().expect("random"));
        assert_ne!(one, other);
        assert_eq!((one.user.len(), one.secret.reveal().len()), (16, 16));
        assert!(!format!("{one:?}").contains(one.secret.reveal()));
    }
}
