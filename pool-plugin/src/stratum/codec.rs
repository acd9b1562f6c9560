//! Bytes to lines: newline-delimited, a carriage return before the newline tolerated.

use tokio::io::AsyncRead;
use tokio_util::codec::{AnyDelimiterCodec, FramedRead};

/// The longest line a miner may send, in bytes, without its newline.
pub const MAX_LINE: usize = 4096;

/// A stream of lines as bytes. A line of more than [`MAX_LINE`] bytes is an error, and ends it.
pub type Lines<R> = FramedRead<R, AnyDelimiterCodec>;

/// Splits what comes from `reader` into lines.
pub fn lines<R: AsyncRead>(reader: R) -> Lines<R> {
    FramedRead::new(reader, AnyDelimiterCodec::new_with_max_length(b"\n".into(), b"\n".into(), MAX_LINE))
}

/// The text of a line, without the white space around it; `None` if it is not UTF-8.
pub fn text(line: &[u8]) -> Option<&str> {
    std::str::from_utf8(line).ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;

    async fn read_all(bytes: &[u8]) -> Vec<Result<String, ()>> {
        let mut stream = lines(bytes);
        let mut read = Vec::new();
        while let Some(line) = stream.next().await {
            match line {
                Ok(line) => read.push(text(&line).map(str::to_string).ok_or(())),
                Err(_) => {
                    read.push(Err(()));
                    break;
                }
            }
        }
        read
    }

    #[tokio::test]
    async fn both_line_ends_and_a_missing_last_one_are_read() {
        let read = read_all(b"one\r\ntwo\nthree").await;
        assert_eq!(read, [Ok("one".into()), Ok("two".into()), Ok("three".into())]);
    }

    #[tokio::test]
    async fn a_line_that_is_not_utf8_does_not_end_the_stream() {
        assert_eq!(read_all(b"\xff\xfe\nnext\n").await, [Err(()), Ok("next".into())]);
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
