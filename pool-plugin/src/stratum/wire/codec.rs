//! Bytes to frames: what a dialect reads as one message.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncRead;
use tokio_util::codec::{
    AnyDelimiterCodec, AnyDelimiterCodecError, Decoder, FramedRead, LengthDelimitedCodec,
    LengthDelimitedCodecError,
};

/// The longest line a miner may send, in bytes, without its newline.
pub const MAX_LINE: usize = 4096;
/// The longest frame behind a length, in bytes, without the length.
pub const MAX_FRAME: usize = 512;

/// Few frames are longer, in bytes: thousands of connections keep a buffer of this size each.
const USUAL_FRAME: usize = 512;

/// How a dialect separates its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By newlines; a carriage return before the newline is left to the dialect.
    Lines,
    /// By a length before each, four bytes little endian.
    Lengths,
}

/// A stream of frames. A frame that is too long is an error, and ends it.
pub type Frames<R> = FramedRead<R, FrameDecoder>;

/// Cuts bytes into frames.
pub enum FrameDecoder {
    Lines(AnyDelimiterCodec),
    Lengths(LengthDelimitedCodec),
}

/// Why there is no next frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("a frame is too long")]
    TooLong,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Cuts the bytes of `reader` into frames.
pub fn frames<R: AsyncRead>(reader: R, framing: Framing) -> Frames<R> {
    FramedRead::with_capacity(reader, FrameDecoder::new(framing), USUAL_FRAME)
}

impl FrameDecoder {
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::Lines => {
                Self::Lines(AnyDelimiterCodec::new_with_max_length(b"\n".into(), b"\n".into(), MAX_LINE))
            }
            Framing::Lengths => Self::Lengths(
                LengthDelimitedCodec::builder()
                    .length_field_length(4)
                    .little_endian()
                    .max_frame_length(MAX_FRAME)
                    .new_codec(),
            ),
        }
    }
}

impl Decoder for FrameDecoder {
    type Item = Bytes;
    type Error = FrameError;

    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        match self {
            Self::Lines(lines) => lines.decode(source).map_err(too_long_line),
            Self::Lengths(frames) => Ok(frames.decode(source).map_err(too_long_frame)?.map(BytesMut::freeze)),
        }
    }

    fn decode_eof(&mut self, source: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        match self {
            Self::Lines(lines) => lines.decode_eof(source).map_err(too_long_line),
            // A partial frame is not a message.
            Self::Lengths(frames) => Ok(frames.decode(source).map_err(too_long_frame)?.map(BytesMut::freeze)),
        }
    }
}

fn too_long_line(error: AnyDelimiterCodecError) -> FrameError {
    match error {
        AnyDelimiterCodecError::MaxChunkLengthExceeded => FrameError::TooLong,
        AnyDelimiterCodecError::Io(reason) => FrameError::Io(reason),
    }
}

fn too_long_frame(error: io::Error) -> FrameError {
    match error.get_ref().is_some_and(|reason| reason.is::<LengthDelimitedCodecError>()) {
        true => FrameError::TooLong,
        false => FrameError::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;

    async fn read_all(bytes: &[u8], framing: Framing) -> Vec<Result<String, ()>> {
        let mut stream = frames(bytes, framing);
        let mut read = Vec::new();
        while let Some(frame) = stream.next().await {
            let ended = frame.is_err();
            read.push(frame.map(|frame| String::from_utf8_lossy(&frame).into_owned()).map_err(|_| ()));
            if ended {
                break;
            }
        }
        read
    }

    #[tokio::test]
    async fn a_missing_last_line_end_is_forgiven() {
        let read = read_all(b"one\r\ntwo\nthree", Framing::Lines).await;
        assert_eq!(read, [Ok("one\r".into()), Ok("two".into()), Ok("three".into())]);
    }

    #[tokio::test]
    async fn the_longest_line_passes_and_a_longer_one_ends_the_stream() {
        let longest = "a".repeat(MAX_LINE);
        assert_eq!(
            read_all(format!("{longest}\nb\n").as_bytes(), Framing::Lines).await,
            [Ok(longest.clone()), Ok("b".into())]
        );
        assert_eq!(read_all(format!("{longest}a\nb\n").as_bytes(), Framing::Lines).await, [Err(())]);
        assert_eq!(read_all(format!("{longest}a").as_bytes(), Framing::Lines).await, [Err(())]);
    }

    #[tokio::test]
    async fn lengths_part_frames_and_one_too_long_ends_the_stream() {
        let frame = |text: &str| [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
        let longest = "a".repeat(MAX_FRAME);
        let bytes = [frame("one"), frame(""), frame(&longest)].concat();
        assert_eq!(
            read_all(&bytes, Framing::Lengths).await,
            [Ok("one".into()), Ok(String::new()), Ok(longest.clone())]
        );
        let too_long = frame(&format!("{longest}a"));
        assert_eq!(read_all(&too_long, Framing::Lengths).await, [Err(())]);
        assert_eq!(read_all(&[0xff; 8], Framing::Lengths).await, [Err(())]);
        assert!(read_all(&[3, 0, 0, 0, b'a'], Framing::Lengths).await.is_empty(), "cut short");
    }
}
