//! What a script prints, and nothing else of what comes over the same stream.
//!
//! A login shell's profile, sudo and whatever runs at a logout print on the same streams as a script of ours. So a
//! script says where it begins and where it ends, by a word that is drawn for this one run, and all else is dropped.
//! Its exit status stands in the last line: what a shell does on its way out does not change it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use memchr::memmem;
use tokio::io::{AsyncRead, ReadBuf};

/// What is kept of what came instead of a script, for the message.
const NOISE: usize = 16 * 1024;
/// An exit status and its line feed are shorter.
const STATUS: usize = 16;

/// The word of one run.
#[derive(Debug, Clone)]
pub struct Mark(String);

impl Mark {
    /// Draws one.
    ///
    /// # Errors
    /// When this machine has no random numbers.
    pub fn draw() -> std::io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|e| std::io::Error::other(e.to_string()))?;
        Ok(Self(format!("@@{:032x} ", u128::from_ne_bytes(bytes))))
    }

    /// The line before everything that a script prints.
    pub fn begin(&self) -> String {
        format!("{}begin", self.0)
    }

    /// The beginning of the line behind it; the exit status follows.
    pub fn end(&self) -> String {
        format!("{}end ", self.0)
    }
}

/// A stream of which only what stands between the two lines is read.
#[derive(Debug)]
pub struct Framed<R> {
    inner: R,
    begin: Vec<u8>,
    end: Vec<u8>,
    begun: bool,
    held: Vec<u8>,
    /// How much of what is held was handed out.
    at: usize,
    /// Up to where it can't be the beginning of the last line.
    free: usize,
    status: Option<i32>,
    over: bool,
}

impl<R> Framed<R> {
    /// What a script with this mark prints to a stream.
    pub fn new(inner: R, mark: &Mark) -> Self {
        let (begin, end) = (format!("{}\n", mark.begin()).into_bytes(), mark.end().into_bytes());
        Self { inner, begin, end, begun: false, held: vec![], at: 0, free: 0, status: None, over: false }
    }

    /// The script's exit status, once all was read and it came to its end.
    pub fn status(&self) -> Option<i32> {
        self.status
    }

    /// What came in place of a script that has not begun: the end of it.
    pub fn noise(self) -> Vec<u8> {
        self.held
    }

    /// Looks how much of what is held is the script's.
    fn look(&mut self) {
        if !self.begun {
            match memmem::find(&self.held, &self.begin) {
                Some(at) => drop(self.held.drain(..at + self.begin.len())),
                None => {
                    let spare = self.held.len().saturating_sub(NOISE);
                    self.held.drain(..spare);
                    return;
                }
            }
            self.begun = true;
        }
        if let Some(at) = memmem::find(&self.held, &self.end) {
            self.free = at;
            let rest = &self.held[at + self.end.len()..];
            let line = rest.iter().position(|b| *b == b'\n');
            self.over = line.is_some() || rest.len() > STATUS;
            let text = line.and_then(|n| std::str::from_utf8(&rest[..n]).ok());
            self.status = text.and_then(|t| t.trim().parse().ok());
            return;
        }
        let most = self.end.len().min(self.held.len());
        let partial = (1..=most).rev().find(|n| self.held.ends_with(&self.end[..*n])).unwrap_or(0);
        self.free = self.held.len() - partial;
    }

    /// The stream has ended.
    fn cut(&mut self) {
        self.over = true;
        if self.begun && memmem::find(&self.held, &self.end).is_none() {
            self.free = self.held.len();
        }
    }
}

impl<R: AsyncRead + Unpin> Framed<R> {
    /// Waits until the script begins to print; whether it does.
    pub async fn begin(&mut self) -> bool {
        std::future::poll_fn(|context| {
            while !self.begun && !self.over {
                if ready!(self.poll_more(context)).is_err() {
                    break;
                }
            }
            Poll::Ready(self.begun)
        })
        .await
    }

    /// Reads more of what is below.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let mut chunk = [0; 32 * 1024];
        let mut buffer = ReadBuf::new(&mut chunk);
        ready!(Pin::new(&mut self.inner).poll_read(context, &mut buffer))?;
        match buffer.filled() {
            [] => self.cut(),
            bytes => {
                self.held.extend_from_slice(bytes);
                self.look();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Framed<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.at < this.free {
                let n = to.remaining().min(this.free - this.at);
                to.put_slice(&this.held[this.at..this.at + n]);
                this.at += n;
                return Poll::Ready(Ok(()));
            }
            if this.over {
                return Poll::Ready(Ok(()));
            }
            this.held.drain(..this.at);
            (this.free, this.at) = (0, 0);
            ready!(this.poll_more(context))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    /// Hands out its bytes in pieces of one size.
    struct Pieces<'a>(&'a [u8], usize);

    impl AsyncRead for Pieces<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            to: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            let n = self.1.min(self.0.len()).min(to.remaining());
            let (now, later) = self.0.split_at(n);
            to.put_slice(now);
            self.0 = later;
            Poll::Ready(Ok(()))
        }
    }

    fn read(bytes: &[u8], size: usize) -> Option<(Vec<u8>, Option<i32>)> {
        let mark = Mark("@@n ".into());
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut framed = Framed::new(Pieces(bytes, size), &mark);
            if !framed.begin().await {
                assert_eq!(framed.noise(), bytes);
                return None;
            }
            let mut all = Vec::new();
            framed.read_to_end(&mut all).await.expect("it reads");
            Some((all, framed.status()))
        })
    }

    #[test]
    fn noise_on_both_sides_is_dropped_and_bytes_are_kept() {
        for size in 1..40 {
            let said = b"welcome\n@@n \n@@n begin\na@@n en\0@@@n end 7\nbye\n@@n end 0\n";
            assert_eq!(read(said, size), Some((b"a@@n en\0@".to_vec(), Some(7))));
            assert_eq!(read(b"x@@n begin\n@@n end 0\n", size), Some((vec![], Some(0))));
            assert_eq!(read(b"@@n begin\ncut @@n e", size), Some((b"cut @@n e".to_vec(), None)));
            assert_eq!(read(b"@@n begin\ncut @@n end 1", size), Some((b"cut ".to_vec(), None)));
            assert_eq!(read(b"no shell here\n", size), None);
        }
    }

    proptest::proptest! {
        #[test]
        fn all_bytes_pass(bytes: Vec<u8>, size in 1usize..5000) {
            let said = [&b"@@n begin\n"[..], &bytes, b"@@n end 3\n"].concat();
            proptest::prop_assert_eq!(read(&said, size), Some((bytes, Some(3))));
        }
    }
}
