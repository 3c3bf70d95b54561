//! Tables as text (RFC 4180), safe to be opened in a spreadsheet.

/// A line with its end. Every cell is in quotes if it has to be.
pub fn csv_line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(quoted).collect();
    cells.join(",") + "\r\n"
}

/// What people wrote, as a cell that no spreadsheet takes for a formula: an apostrophe goes before what begins like one (OWASP, CSV
/// injection).
pub fn csv_text(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula { format!("'{text}") } else { text.to_owned() }
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\r', '\n']) {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The cells of one line, as RFC 4180 reads it.
    fn read(line: &str) -> Vec<String> {
        let line = line.strip_suffix("\r\n").unwrap();
        let (mut cells, mut within) = (vec![String::new()], false);
        let mut characters = line.chars().peekable();
        while let Some(c) = characters.next() {
            match c {
                '"' if within && characters.peek() == Some(&'"') => {
                    cells.last_mut().unwrap().push(characters.next().unwrap());
                }
                '"' => within = !within,
                ',' if !within => cells.push(String::new()),
                c => cells.last_mut().unwrap().push(c),
            }
        }
        cells
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(cells in prop::collection::vec("[a,\"\r\n =é]{0,6}", 1..6)) {
            prop_assert_eq!(read(&csv_line(cells.iter().map(String::as_str))), cells);
        }

        #[test]
        fn no_text_begins_like_a_formula(text in "[-=+@\t\ra']{0,4}") {
            let cell = csv_text(&text);
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']));
            let marked = format!("'{text}");
            prop_assert!(cell == text || cell == marked);
        }
    }
}
