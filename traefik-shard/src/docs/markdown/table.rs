//! Tables, one line for each row.
//!
//! A cell never breaks its row: line breaks become `<br>`, and bars are escaped.

use scraper::ElementRef;

use crate::docs::markdown::{DEPTH, Writer};

impl Writer<'_> {
    /// The rows of a table, the first of them as its head.
    pub(super) fn table(&mut self, element: ElementRef) -> String {
        let mut rows: Vec<Vec<String>> = Vec::new();
        self.rows(element, &mut rows);
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        if columns == 0 {
            return String::new();
        }
        let mut lines = Vec::new();
        for (number, mut row) in rows.into_iter().enumerate() {
            row.resize(columns, String::new());
            lines.push(format!("| {} |", row.join(" | ")));
            if number == 0 {
                lines.push(format!("|{}", " --- |".repeat(columns)));
            }
        }
        lines.join("\n")
    }

    fn rows(&mut self, element: ElementRef, rows: &mut Vec<Vec<String>>) {
        if self.depth >= DEPTH {
            return;
        }
        self.depth += 1;
        for child in element.child_elements() {
            match child.value().name() {
                "thead" | "tbody" | "tfoot" => self.rows(child, rows),
                "tr" => {
                    let cells = child.child_elements().filter(|cell| matches!(cell.value().name(), "td" | "th"));
                    rows.push(cells.map(|cell| self.cell(cell)).collect());
                }
                _ => {}
            }
        }
        self.depth -= 1;
    }

    fn cell(&mut self, element: ElementRef) -> String {
        // The site breaks the long names of options after a dot.
        let text = self.flow(element).join("\n").replace(".`\n`", ".");
        let lines = text.replace('|', "\\|");
        let lines: Vec<&str> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines.join("<br>")
    }
}
