//! A log line as one JSON object. Written straight into the line: the fields of a span are written once, when it begins,
//! and copied into each of its lines as they are.
use std::fmt;
use std::io;

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// `timestamp`, `level`, the event's own fields with its `message`, `target`, and the innermost `span`.
pub struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let normalized = event.normalized_metadata();
        let about = normalized.as_ref().unwrap_or_else(|| event.metadata());
        line.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut line)?;
        line.write_str("\",\"level\":\"")?;
        line.write_str(about.level().as_str())?;
        line.write_char('"')?;
        self.format_fields(line.by_ref(), event)?;
        member(&mut line, "target", about.target())?;
        let span =
            event.parent().and_then(|id| context.span(id)).or_else(|| context.lookup_current());
        if let Some(span) = span {
            line.write_str(",\"span\":{\"name\":")?;
            json(&mut line, span.name())?;
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                line.write_str(&fields.fields)?;
            }
            line.write_char('}')?;
        }
        line.write_str("}\n")
    }
}

impl<'w> FormatFields<'w> for Json {
    /// Each as `,"name":value`: none of them is the first of its object.
    fn format_fields<R: RecordFields>(&self, mut line: Writer<'w>, fields: R) -> fmt::Result {
        let mut members = Members { line: &mut line, written: Ok(()) };
        fields.record(&mut members);
        members.written
    }
}

struct Members<'a, 'w> {
    line: &'a mut Writer<'w>,
    written: fmt::Result,
}

impl Members<'_, '_> {
    fn add(&mut self, field: &Field, value: impl Serialize) {
        // What `log` says about its record is in the metadata.
        if self.written.is_ok() && !field.name().starts_with("log.") {
            self.written = member(self.line, field.name(), value);
        }
    }
}

impl Visit for Members<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }
}

fn member(line: &mut Writer<'_>, name: &str, value: impl Serialize) -> fmt::Result {
    line.write_char(',')?;
    json(line, name)?;
    line.write_char(':')?;
    json(line, value)
}

fn json(line: &mut Writer<'_>, value: impl Serialize) -> fmt::Result {
    serde_json::to_writer(Text(line), &value).map_err(|_| fmt::Error)
}

/// serde_json writes bytes, in pieces that are whole characters.
struct Text<'a, 'w>(&'a mut Writer<'w>);

impl io::Write for Text<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.write_str(text).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that `work` logs, without their times.
    fn logged(work: impl FnOnce()) -> Vec<Value> {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .event_format(Json)
            .fmt_fields(Json)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, work);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let parsed = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let mut lines: Vec<Value> = parsed.collect();
        for line in &mut lines {
            let time = line.as_object_mut().unwrap().remove("timestamp").unwrap();
            chrono::DateTime::parse_from_rfc3339(time.as_str().unwrap()).unwrap();
        }
        lines
    }

    #[test]
    fn a_line_holds_the_fields_of_its_event_and_of_the_innermost_span() {
        let lines = logged(|| {
            let outer = tracing::info_span!("request", request_id = "r-1", path = "/a\"b\n");
            let _outer = outer.enter();
            tracing::info!(status = 200_u16, elapsed_ms = 1.5, cached = true, "answered");
            let inner = tracing::info_span!("step", left = -2, more = tracing::field::Empty);
            inner.record("more", "later");
            inner.in_scope(|| tracing::warn!(error = ?Some("x"), "two\nlines {}", 1));
        });
        let target = module_path!();
        assert_eq!(
            lines,
            [
                json!({"level": "INFO", "message": "answered", "status": 200, "elapsed_ms": 1.5, "cached": true,
                    "target": target, "span": {"name": "request", "request_id": "r-1", "path": "/a\"b\n"}}),
                json!({"level": "WARN", "message": "two\nlines 1", "error": "Some(\"x\")",
                    "target": target, "span": {"name": "step", "left": -2, "more": "later"}}),
            ]
        );
    }

    #[test]
    fn a_line_outside_of_a_span_has_none() {
        let lines = logged(|| tracing::error!("broken"));
        assert_eq!(
            lines,
            [json!({"level": "ERROR", "message": "broken", "target": module_path!()})]
        );
    }
}
