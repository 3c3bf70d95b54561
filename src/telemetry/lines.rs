//! Where log lines go: collected for a moment, and written together. A write of its own for each line, or another
//! thread woken for each, costs a fast request more than everything else it does in this process.
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line may wait for others.
const PAUSE: Duration = Duration::from_millis(20);
/// Bytes that may wait; who adds more writes them itself, and so waits for whoever reads slowly.
const ROOM: usize = 1 << 20;

/// Collects lines and drops none: they are written within [`PAUSE`], warnings and errors before the call returns.
#[derive(Clone)]
pub struct Lines(Arc<Shared>);

struct Shared {
    waiting: Mutex<Vec<u8>>,
    /// Rung by the first line that waits.
    bell: Condvar,
    out: Mutex<Out>,
}

struct Out {
    target: Box<dyn Write + Send>,
    /// What is being written; kept for its memory.
    lines: Vec<u8>,
}

/// Writes what waits when it is dropped.
pub struct WriteAtEnd(Lines);

impl Lines {
    /// Starts the thread that writes to `target`. Keep what is returned beside it until the program ends.
    pub fn to(target: impl Write + Send + 'static) -> io::Result<(Self, WriteAtEnd)> {
        let out = Out { target: Box::new(target), lines: Vec::new() };
        let lines = Self(Arc::new(Shared {
            waiting: Mutex::default(),
            bell: Condvar::new(),
            out: Mutex::new(out),
        }));
        let writing = lines.clone();
        std::thread::Builder::new().name("log".into()).spawn(move || writing.write_forever())?;
        Ok((lines.clone(), WriteAtEnd(lines)))
    }

    fn write_forever(&self) {
        loop {
            let waiting = lock(&self.0.waiting);
            let waiting = self.0.bell.wait_while(waiting, |waiting| waiting.is_empty());
            drop(waiting);
            std::thread::sleep(PAUSE);
            // When nobody reads the log there is nobody to tell.
            let _ = self.write_waiting();
        }
    }

    fn write_waiting(&self) -> io::Result<()> {
        // Taken in this order, so that lines are written in the order in which they came.
        let mut out = lock(&self.0.out);
        let Out { target, lines } = &mut *out;
        std::mem::swap(lines, &mut *lock(&self.0.waiting));
        let written = target.write_all(lines);
        lines.clear();
        written
    }

    fn add(&self, line: &[u8], urgent: bool) -> io::Result<()> {
        let mut waiting = lock(&self.0.waiting);
        let first = waiting.is_empty();
        waiting.extend_from_slice(line);
        let full = waiting.len() > ROOM;
        drop(waiting);
        if urgent || full {
            return self.write_waiting();
        }
        if first {
            self.0.bell.notify_one();
        }
        Ok(())
    }
}

impl Drop for WriteAtEnd {
    fn drop(&mut self) {
        let _ = self.0.write_waiting();
    }
}

/// A panic elsewhere leaves whole bytes behind, so the log goes on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes one line; the subscriber hands it over whole.
pub struct LineWriter<'a> {
    lines: &'a Lines,
    urgent: bool,
}

impl Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.add(line, self.urgent)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines.write_waiting()
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> LineWriter<'a> {
        LineWriter { lines: self, urgent: true }
    }

    fn make_writer_for(&'a self, about: &Metadata<'_>) -> LineWriter<'a> {
        LineWriter { lines: self, urgent: *about.level() <= Level::WARN }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    struct Sent(Sender<Vec<u8>>);

    impl Write for Sent {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines() -> (Lines, WriteAtEnd, Receiver<Vec<u8>>) {
        let (sender, written) = channel();
        let (lines, at_end) = Lines::to(Sent(sender)).unwrap();
        (lines, at_end, written)
    }

    #[test]
    fn lines_that_come_together_are_written_together_and_soon() {
        let (lines, _at_end, written) = lines();
        lines.add(b"one\n", false).unwrap();
        lines.add(b"two\n", false).unwrap();
        assert_eq!(written.recv_timeout(Duration::from_secs(10)).unwrap(), b"one\ntwo\n");
        lines.add(b"three\n", false).unwrap();
        assert_eq!(written.recv_timeout(Duration::from_secs(10)).unwrap(), b"three\n");
    }

    #[test]
    fn an_urgent_line_is_written_before_the_call_returns_and_after_those_that_waited() {
        let (lines, _at_end, written) = lines();
        lines.add(b"info\n", false).unwrap();
        lines.add(b"error\n", true).unwrap();
        let all: Vec<u8> = written.try_iter().flatten().collect();
        assert_eq!(all, b"info\nerror\n");
    }

    #[test]
    fn who_finds_no_room_writes_itself() {
        let (lines, _at_end, written) = lines();
        let long = vec![b'x'; ROOM + 1];
        lines.add(&long, false).unwrap();
        assert_eq!(written.try_iter().flatten().count(), long.len());
    }

    #[test]
    fn nothing_waits_any_more_at_the_end() {
        let (lines, at_end, written) = lines();
        lines.add(b"last\n", false).unwrap();
        drop(at_end);
        let all: Vec<u8> = written.try_iter().flatten().collect();
        assert_eq!(all, b"last\n");
    }
}
