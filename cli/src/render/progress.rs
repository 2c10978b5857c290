//! Live progress: on a terminal a line per component with rows and rate, else a plain line now and then.

use std::{
    io::{IsTerminal, Write},
    sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use fletching::{Progress, ProgressRow};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

const REDRAW: Duration = Duration::from_millis(150);
const PLAIN_LINE: Duration = Duration::from_secs(5);

/// Shows progress until it is dropped.
#[derive(Debug)]
pub(crate) struct ProgressDisplay {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ProgressDisplay {
    pub(crate) fn start(progress: Progress) -> Self {
        let (stop, stopped) = sync_channel(1);
        let terminal = std::io::stderr().is_terminal();
        let thread = std::thread::spawn(move || {
            let mut bars = Bars::default();
            let mut said = Instant::now();
            while matches!(stopped.recv_timeout(REDRAW), Err(RecvTimeoutError::Timeout)) {
                let rows = progress.rows();
                if terminal {
                    bars.draw(&rows);
                } else if said.elapsed() >= PLAIN_LINE {
                    said = Instant::now();
                    plain(&rows);
                }
            }
            bars.clear();
        });
        Self {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for ProgressDisplay {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A display that panicked has nothing more to show.
            drop(thread.join());
        }
    }
}

#[derive(Default)]
struct Bars {
    all: MultiProgress,
    bars: Vec<(String, ProgressBar)>,
}

impl Bars {
    fn draw(&mut self, rows: &[ProgressRow]) {
        let changed = rows.len() != self.bars.len()
            || rows
                .iter()
                .zip(&self.bars)
                .any(|(row, (name, _))| &row.component != name);
        if changed {
            self.clear();
            let width = rows
                .iter()
                .map(|row| row.component.chars().count())
                .max()
                .unwrap_or(0);
            for row in rows {
                let bar = self.all.add(ProgressBar::no_length());
                let template =
                    format!("  {{prefix:{width}}}  {{human_pos:>14}} rows  {{per_sec:>16}}");
                if let Ok(style) = ProgressStyle::with_template(&template) {
                    bar.set_style(style);
                }
                bar.set_prefix(row.component.clone());
                self.bars.push((row.component.clone(), bar));
            }
        }
        for (row, (_, bar)) in rows.iter().zip(&self.bars) {
            bar.set_position(row.rows);
        }
    }

    fn clear(&mut self) {
        for (_, bar) in self.bars.drain(..) {
            bar.finish_and_clear();
        }
        // A terminal that went away needs no clearing.
        drop(self.all.clear());
    }
}

fn plain(rows: &[ProgressRow]) {
    let parts: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {}", row.component, row.rows))
        .collect();
    if !parts.is_empty() {
        drop(writeln!(
            std::io::stderr().lock(),
            "rows: {}",
            parts.join(", ")
        ));
    }
}
