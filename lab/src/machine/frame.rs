//! What goes over a machine's serial line, and between the keeper and who asks it: frames of a kind, on a channel.
//!
//! A frame is its payload's length and its channel, both 32 bits and little-endian, its kind, and the payload. A channel is
//! one command. Nothing is resent: a line that loses bytes is broken, and its machine with it.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

/// The largest payload that is taken; what is longer is no frame but noise.
pub(super) const LARGEST: usize = 1 << 20;
/// What is read of a program's output at once, and so what a frame of it holds at most.
pub(super) const CHUNK: usize = 16 << 10;
/// Says that the agent listens. Before it the line may carry anything.
pub(super) const HELLO: &[u8] = b"\nashlar-lab agent 1\n";
const HEAD: usize = 9;

/// What a frame is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// To the agent: a [`Start`].
    Start = 1,
    /// To the agent: bytes for the program's input. The next may be sent after [`Kind::Taken`].
    Input = 2,
    /// To the agent: there is no more input.
    InputEnd = 3,
    /// To the agent: a signal's number, in one byte, for the program's group.
    Signal = 4,
    /// To the agent: answer with the same.
    Ping = 5,
    /// From the agent: bytes that the program wrote.
    Output = 16,
    /// From the agent: bytes that the program wrote as its errors.
    Errors = 17,
    /// From the agent: the program took the input.
    Taken = 18,
    /// From the agent: an [`Exit`], the last frame of its channel.
    Exit = 19,
    /// From the agent: how many bytes it read of its line, in 32 bits. See [`super::line`].
    Read = 20,
    /// From the keeper: text, why there is no exit; the last frame.
    Lost = 32,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        let all = [
            Self::Start,
            Self::Input,
            Self::InputEnd,
            Self::Signal,
            Self::Ping,
            Self::Output,
            Self::Errors,
            Self::Taken,
            Self::Exit,
            Self::Read,
            Self::Lost,
        ];
        all.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// A program to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Start {
    /// The program and its arguments.
    pub(super) words: Vec<String>,
    /// What it gets beside the machine's own environment.
    pub(super) environment: Vec<(String, String)>,
    /// Where it works.
    pub(super) directory: String,
    /// Whether it has the machine for itself, as a test does, or shares it, as a person's prompt does.
    pub(super) alone: bool,
    /// Whether it gets a terminal: its rows and columns.
    pub(super) terminal: Option<(u16, u16)>,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exit {
    /// As a shell says it: 128 and the signal's number where one ended it.
    pub(super) status: u8,
    /// What else is to be told.
    pub(super) note: Option<String>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) channel: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    pub(super) fn new(kind: Kind, channel: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, channel, payload: payload.into() }
    }

    /// One that holds a document.
    pub(super) fn document(kind: Kind, channel: u32, document: &impl Serialize) -> io::Result<Self> {
        Ok(Self::new(kind, channel, serde_json::to_vec(document)?))
    }

    /// The document that it holds.
    pub(super) fn parse<T: for<'d> Deserialize<'d>>(&self) -> io::Result<T> {
        Ok(serde_json::from_slice(&self.payload)?)
    }

    /// The next one.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let broken = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let mut head = [0; HEAD];
        from.read_exact(&mut head)?;
        let [a, b, c, d, e, f, g, h, kind] = head;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        let kind = Kind::of(kind).ok_or_else(|| broken("a frame of no kind"))?;
        if length > LARGEST {
            return Err(broken("a frame that is too long"));
        }
        let mut payload = vec![0; length];
        from.read_exact(&mut payload)?;
        Ok(Self { kind, channel: u32::from_le_bytes([e, f, g, h]), payload })
    }

    /// Sends it, in one write where the line takes it.
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&self.bytes()?)?;
        to.flush()
    }

    /// What goes over the line.
    pub(super) fn bytes(&self) -> io::Result<Vec<u8>> {
        let too_long = |_| io::Error::from(io::ErrorKind::InvalidInput);
        let length = u32::try_from(self.payload.len()).map_err(too_long)?;
        if self.payload.len() > LARGEST {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut bytes = Vec::with_capacity(HEAD + self.payload.len());
        bytes.extend(length.to_le_bytes());
        bytes.extend(self.channel.to_le_bytes());
        bytes.push(self.kind as u8);
        bytes.extend(&self.payload);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::{Exit, Frame, Kind, LARGEST};

    #[test]
    fn what_is_sent_is_received() {
        let exit = Exit { status: 137, note: Some("killed".to_owned()) };
        let frames =
            [Frame::new(Kind::Output, 7, b"\0\n\xff".to_vec()), Frame::document(Kind::Exit, 7, &exit).unwrap()];
        let mut line = Vec::new();
        for frame in &frames {
            frame.write(&mut line).unwrap();
        }
        let mut line = line.as_slice();
        for frame in frames {
            assert_eq!(Frame::read(&mut line).unwrap(), frame);
        }
        assert!(Frame::read(&mut line).is_err(), "the line ended");
    }

    #[test]
    fn noise_is_no_frame() {
        assert!(Frame::read(&mut [0, 0, 0, 0, 0, 0, 0, 0, 99].as_slice()).is_err(), "no such kind");
        assert!(Frame::read(&mut [255, 255, 255, 255, 0, 0, 0, 0, 1].as_slice()).is_err(), "too long");
        assert!(Frame::new(Kind::Input, 0, vec![0; LARGEST + 1]).write(&mut Vec::new()).is_err());
    }
}
