//! A script cut at its GO lines, which are words of the client, not of the server.

/// A part of a script that is sent in one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub text: String,
    /// The line of the script where it begins, from 1.
    pub line: u64,
    /// How often it is sent: `GO 5`.
    pub repeat: u32,
}

/// Inside what a line begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    /// Closed by this character, which is doubled to stand for itself.
    Quotes(char),
    /// Comments nest.
    Comment(u32),
}

/// The batches of a script. Empty ones are left out.
pub fn batches(script: &str) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut inside = Inside::Nothing;
    let mut text = String::new();
    let mut first = 1;
    for (line, number) in script.split_inclusive('\n').zip(1..) {
        match go_count(line) {
            Some(repeat) if inside == Inside::Nothing => {
                push(&mut batches, &mut text, first, repeat);
                first = number + 1;
            }
            _ => {
                inside = after(line, inside);
                text.push_str(line);
            }
        }
    }
    push(&mut batches, &mut text, first, 1);
    batches
}

fn push(batches: &mut Vec<Batch>, text: &mut String, line: u64, repeat: u32) {
    if text.trim().is_empty() || repeat == 0 {
        text.clear();
        return;
    }
    batches.push(Batch {
        text: std::mem::take(text),
        line,
        repeat,
    });
}

/// The count of a GO line; a comment may follow.
fn go_count(line: &str) -> Option<u32> {
    let line = line.trim_start_matches('\u{feff}').trim();
    let line = line.split("--").next().unwrap_or_default();
    let mut words = line.trim_end_matches(';').split_whitespace();
    if !words.next()?.eq_ignore_ascii_case("go") {
        return None;
    }
    let count = match words.next() {
        None => 1,
        Some(word) => word.parse().ok()?,
    };
    words.next().is_none().then_some(count)
}

fn after(line: &str, mut inside: Inside) -> Inside {
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        inside = match (inside, character, next) {
            (Inside::Nothing, '\'' | '"', _) => Inside::Quotes(character),
            (Inside::Nothing, '[', _) => Inside::Quotes(']'),
            (Inside::Nothing, '-', Some('-')) => return inside,
            (Inside::Nothing, '/', Some('*')) => {
                characters.next();
                Inside::Comment(1)
            }
            // A doubled quote closes and opens again, which comes to the same; `]]` does not.
            (Inside::Quotes(']'), ']', Some(']')) => {
                characters.next();
                inside
            }
            (Inside::Quotes(end), _, _) if character == end => Inside::Nothing,
            (Inside::Comment(depth), '/', Some('*')) => {
                characters.next();
                Inside::Comment(depth.saturating_add(1))
            }
            (Inside::Comment(depth), '*', Some('/')) => {
                characters.next();
                match depth {
                    0 | 1 => Inside::Nothing,
                    _ => Inside::Comment(depth - 1),
                }
            }
            _ => inside,
        };
    }
    inside
}
