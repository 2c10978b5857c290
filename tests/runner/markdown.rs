//! Cases in Markdown: a heading `##` begins a case, fences hold its parts, the rest is for the reader.

use std::{fs, path::Path, sync::Mutex};

/// One case of a file.
#[derive(Debug, Clone)]
pub struct Case {
    pub title: String,
    pub fences: Vec<Fence>,
}

/// A fenced block: ```` ```csv Output 1 ```` has the language `csv` and the name `Output 1`.
#[derive(Debug, Clone)]
pub struct Fence {
    pub language: String,
    pub name: String,
    pub text: String,
    /// Among the fences of its case, from 0.
    place: usize,
    /// Line of the opening fence, from 0.
    line: usize,
}

/// Two cases of one file may be rewritten at the same time.
static REWRITING: Mutex<()> = Mutex::new(());

pub fn cases(path: &Path) -> Vec<Case> {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut cases: Vec<Case> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            cases.push(Case {
                title: title.trim().to_owned(),
                fences: Vec::new(),
            });
        } else if let Some(information) = line.strip_prefix("```") {
            let (language, name) = information.split_once(' ').unwrap_or((information, ""));
            let mut body = String::new();
            loop {
                let (_, line) = lines
                    .next()
                    .unwrap_or_else(|| panic!("{}: a fence is open", path.display()));
                if line == "```" {
                    break;
                }
                body.push_str(line);
                body.push('\n');
            }
            if let Some(case) = cases.last_mut() {
                case.fences.push(Fence {
                    language: language.to_owned(),
                    name: name.trim().to_owned(),
                    text: body,
                    place: case.fences.len(),
                    line: number,
                });
            }
        }
    }
    cases
}

impl Case {
    pub fn of(&self, language: &str) -> impl Iterator<Item = &Fence> {
        self.fences
            .iter()
            .filter(move |fence| fence.language == language)
    }

    pub fn fence(&self, language: &str, name: &str) -> Option<&Fence> {
        self.of(language).find(|fence| fence.name == name)
    }
}

/// Replaces the text of a fence in its file. The case is found again by its title: lines may have moved.
pub fn rewrite(path: &Path, title: &str, fence: &Fence, text: &str) {
    let _guard = REWRITING.lock().unwrap();
    let found = cases(path)
        .into_iter()
        .find(|case| case.title == title)
        .and_then(|case| case.fences.get(fence.place).cloned())
        .unwrap();
    let old = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = old.lines().collect();
    let body = found.text.lines().count();
    let mut new = lines[..=found.line].join("\n");
    new.push('\n');
    new.push_str(text);
    new.push_str(&lines[found.line + 1 + body..].join("\n"));
    new.push('\n');
    fs::write(path, new).unwrap();
}

impl Fence {
    /// Stands for a block that is not there.
    pub fn empty(language: &str, name: &str) -> Self {
        Self {
            language: language.to_owned(),
            name: name.to_owned(),
            text: String::new(),
            place: 0,
            line: 0,
        }
    }
}
