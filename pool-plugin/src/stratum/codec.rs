//! Bytes to frames: what a dialect reads as one message.
//!
//! So far all dialects speak lines: newline-delimited, a carriage return before the newline tolerated.

use tokio::io::AsyncRead;
use tokio_util::codec::{AnyDelimiterCodec, FramedRead};

/// The longest line a miner may send, in bytes, without its newline.
pub const MAX_LINE: usize = 4096;

/// What a line seldom exceeds, in bytes: thousands of connections keep a buffer of this size each.
const USUAL_LINE: usize = 512;

/// A stream of frames as bytes. A line of more than [`MAX_LINE`] bytes is an error, and ends it.
pub type Frames<R> = FramedRead<R, AnyDelimiterCodec>;

/// Cuts what comes from `reader` into frames.
pub fn frames<R: AsyncRead>(reader: R) -> Frames<R> {
    let codec = AnyDelimiterCodec::new_with_max_length(b"\n".into(), b"\n".into(), MAX_LINE);
    FramedRead::with_capacity(reader, codec, USUAL_LINE)
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;

    async fn read_all(bytes: &[u8]) -> Vec<Result<String, ()>> {
        let mut stream = frames(bytes);
        let mut read = Vec::new();
        while let Some(line) = stream.next().await {
            let ended = line.is_err();
            read.push(line.map(|line| String::from_utf8_lossy(&line).into_owned()).map_err(|_| ()));
            if ended {
                break;
            }
        }
        read
    }

    #[tokio::test]
    async fn a_missing_last_line_end_is_forgiven() {
        let read = read_all(b"one\r\ntwo\nthree").await;
        assert_eq!(read, [Ok("one\r".into()), Ok("two".into()), Ok("three".into())]);
    }

    #[tokio::test]
    async fn the_longest_line_passes_and_a_longer_one_ends_the_stream() {
        let longest = "a".repeat(MAX_LINE);
        assert_eq!(
            read_all(format!("{longest}\nb\n").as_bytes()).await,
            [Ok(longest.clone()), Ok("b".into())]
        );
        assert_eq!(read_all(format!("{longest}a\nb\n").as_bytes()).await, [Err(())]);
        assert_eq!(read_all(format!("{longest}a").as_bytes()).await, [Err(())]);
    }
}
