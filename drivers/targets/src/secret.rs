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
        Ok(Self { user: word()?, secret: Secret(word()?) })
    }
}

/// One of the words that mean themselves.
fn word() -> io::Result<String> {
    loop {
        let drawn = characters::<CHAP_CHARACTERS>()?;
        if !is_misread(&drawn) {
            return Ok(drawn);
        }
    }
}

/// What begins with `0x` or `0b` is taken for a number by LIO, which then finds that the initiator has another name; and
/// `NULL` in its configuration means that there is none.
fn is_misread(word: &str) -> bool {
    word.starts_with('0') || word.starts_with("NULL")
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
    use super::{Credentials, is_misread};

    #[test]
    fn each_pair_is_new_and_none_is_shown() {
        let (one, other) = (Credentials::draw_chap().expect("random"), Credentials::draw_chap().expect("random"));
        assert_ne!(one, other);
        assert_eq!((one.user.len(), one.secret.reveal().len()), (16, 16));
        assert!(!format!("{one:?}").contains(one.secret.reveal()));
    }

    #[test]
    fn no_pair_is_taken_for_a_number() {
        assert!(is_misread("0b.4xTRYwq3-AAAA") && is_misread("NULLwq3-AAAAbbbb") && !is_misread("b0.4xTRYwq3-AAAA"));
        // One in 64 draws begins so.
        for _ in 0..1000 {
            let pair = Credentials::draw_chap().expect("random");
            assert!(!is_misread(&pair.user) && !is_misread(pair.secret.reveal()));
        }
    }
}
