//! The typed view of scripts: Script tasks (`ScriptProject`, `ScriptTaskData`) and Script components.
//!
//! Nothing runs them; this tells what they are made of and what they touch. Names that code gives to `Variables[...]`,
//! `Connections[...]` and `LockForRead(...)` are found by looking at the text, so that one which is put together at run
//! time is not.

use crate::{Component, Properties, Property};

/// A script.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// `Language`, `EntryPoint`, `ReadOnlyVariables`, ... as attributes or properties have them.
    pub properties: Properties,
    /// What was written by hand.
    pub files: Vec<ScriptFile>,
    /// Connection managers by the name that code gives them; of components only.
    pub connections: Vec<String>,
}

/// A file of code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScriptFile {
    /// Name within the project.
    pub name: String,
    /// Its code.
    pub text: String,
}

impl ScriptFile {
    /// Whether a file of this name is code that somebody wrote, not what the designer makes of it.
    pub(crate) fn is_written(name: &str) -> bool {
        let name = name
            .rsplit(['\\', '/'])
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let is_code = [".cs", ".vb", ".vsaitem"]
            .iter()
            .any(|end| name.ends_with(end));
        let made = [
            "assemblyinfo.",
            "resources.",
            "settings.",
            "componentwrapper",
            "bufferwrapper",
        ];
        is_code && !made.iter().any(|start| name.starts_with(start)) && !name.contains(".designer.")
    }
}

impl Script {
    /// The script of a Script component.
    pub fn of_component(component: &Component) -> Self {
        let properties = &component.properties;
        let named = [
            ("Language", properties.get("ScriptLanguage")),
            ("ReadOnlyVariables", properties.get("ReadOnlyVariables")),
            ("ReadWriteVariables", properties.get("ReadWriteVariables")),
        ];
        let named = named.into_iter().filter_map(|(name, value)| {
            Some(Property {
                name: name.to_owned(),
                value: value?.to_owned(),
                ..Property::default()
            })
        });
        let source = properties.property("SourceCode");
        let elements = source.map_or(&[][..], |source| source.elements.as_slice());
        let mut files = Vec::new();
        // Names, encodings in later versions, and texts by turns.
        for (at, name) in elements.iter().enumerate() {
            let is_name = !name.contains('\n') && ScriptFile::is_written(name.trim());
            let rest = elements.get(at + 1..).unwrap_or_default().iter();
            let text = rest.into_iter().find(|text| !is_encoding(text));
            if let (true, Some(text)) = (is_name, text) {
                files.push(ScriptFile {
                    name: name.trim().to_owned(),
                    text: text.clone(),
                });
            }
        }
        let connections = component.connections.iter();
        Self {
            properties: Properties::new(named.collect()),
            files,
            connections: connections.map(|one| one.name.clone()).collect(),
        }
    }

    /// `C#` or `Visual Basic`, or what the file says.
    pub fn language(&self) -> &str {
        match self.properties.get("Language").unwrap_or_default() {
            "CSharp" | "Microsoft Visual C# 2005" | "Microsoft Visual C# 2008" => "C#",
            "VisualBasic" | "Microsoft Visual Basic .NET" | "Microsoft Visual Basic 2008" => {
                "Visual Basic"
            }
            "" if self.files.iter().any(|file| file.name.ends_with(".cs")) => "C#",
            "" => "Visual Basic",
            other => other,
        }
    }

    /// The method or class that SSIS calls.
    pub fn entry_point(&self) -> &str {
        let named = self.properties.get("EntryPoint").unwrap_or_default();
        if named.is_empty() { "Main" } else { named }
    }

    /// Variables that it declares to read.
    pub fn reads(&self) -> Vec<&str> {
        self.listed("ReadOnlyVariables")
    }

    /// Variables that it declares to write.
    pub fn writes(&self) -> Vec<&str> {
        self.listed("ReadWriteVariables")
    }

    fn listed(&self, property: &str) -> Vec<&str> {
        let names = self.properties.get(property).unwrap_or_default();
        let names = names.split(',').map(str::trim);
        names.filter(|name| !name.is_empty()).collect()
    }

    /// Names that its code gives to one of these words, each once.
    fn named(&self, words: &[&str]) -> Vec<String> {
        let comments = match self.language() {
            "Visual Basic" => Comments::Quote,
            _ => Comments::Slashes,
        };
        let mut found = Vec::new();
        for file in &self.files {
            let code = without_comments(&file.text, comments);
            for line in code.lines() {
                for word in words {
                    names_after(line, word, &mut found);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// What it is and what it touches, for a person.
    pub fn summary(&self) -> String {
        let lines: usize = self
            .files
            .iter()
            .map(|file| file.text.lines().count())
            .sum();
        let characters: usize = self
            .files
            .iter()
            .map(|file| file.text.chars().count())
            .sum();
        let files: Vec<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        let mut parts = vec![match files.is_empty() {
            true => format!("{}, without its source code", self.language()),
            false => format!(
                "{}, {lines} lines ({characters} characters) in {}",
                self.language(),
                files.join(", ")
            ),
        }];
        parts.push(format!("entry point {}", self.entry_point()));
        let listed: Vec<&str> = self.reads().into_iter().chain(self.writes()).collect();
        let is_listed = |name: &str| {
            let bare = |name: &str| name.rsplit("::").next().unwrap_or_default().to_owned();
            listed.iter().any(|known| bare(known) == bare(name))
        };
        let mut code = self.named(VARIABLES);
        code.retain(|name| !is_listed(name));
        let mut managers = self.named(CONNECTIONS);
        managers.extend(self.connections.iter().cloned());
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        for (what, names) in [
            ("reads", owned(self.reads())),
            ("writes", owned(self.writes())),
            ("names in its code the variables", code),
            ("uses the connection managers", managers),
        ] {
            if !names.is_empty() {
                parts.push(format!("{what} {}", names.join(", ")));
            }
        }
        parts.join("; ")
    }
}

/// Words that the name of a variable follows.
const VARIABLES: &[&str] = &[
    "Variables",
    "LockForRead",
    "LockForWrite",
    "LockOneForRead",
    "LockOneForWrite",
];

/// And that of a connection manager.
const CONNECTIONS: &[&str] = &["Connections"];

/// `word["name"]`, `word("name")`.
fn names_after(line: &str, word: &str, found: &mut Vec<String>) {
    let mut rest = line;
    while let Some((_, after)) = rest.split_once(word) {
        rest = after;
        let open = rest.trim_start().strip_prefix(['[', '(']);
        let quoted = open.and_then(|open| open.trim_start().strip_prefix('"'));
        if let Some((name, _)) = quoted.and_then(|quoted| quoted.split_once('"'))
            && !name.is_empty()
        {
            found.push(name.to_owned());
        }
    }
}

/// How a language marks comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comments {
    /// `// ...` and `/* ... */`.
    Slashes,
    /// `' ...`.
    Quote,
}

/// The code with its lines, each comment replaced by a blank. What looks like a comment within a text in quotes is none.
fn without_comments(text: &str, comments: Comments) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(one) = rest.chars().next() {
        let length = match (one, comments) {
            ('"', _) => {
                let verbatim = comments == Comments::Quote || code.ends_with('@');
                let length = quoted(rest, verbatim);
                code.push_str(rest.get(..length).unwrap_or_default());
                length
            }
            ('/', Comments::Slashes) if rest.starts_with("/*") => {
                code.push(' ');
                rest.find("*/").map_or(rest.len(), |end| end + 2)
            }
            ('/', Comments::Slashes) if rest.starts_with("//") => {
                rest.find('\n').unwrap_or(rest.len())
            }
            ('\'', Comments::Slashes) if rest.starts_with("'\"'") => {
                code.push_str("'\"'");
                3
            }
            ('\'', Comments::Quote) => rest.find('\n').unwrap_or(rest.len()),
            _ => {
                code.push(one);
                one.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    code
}

/// The bytes of a text in quotes, which ends with its line unless it is verbatim.
fn quoted(text: &str, verbatim: bool) -> usize {
    let mut escaped = false;
    for (at, one) in text.char_indices().skip(1) {
        match one {
            _ if escaped => escaped = false,
            '\\' if !verbatim => escaped = true,
            '"' => return at + 1,
            '\n' if !verbatim => return at,
            _ => {}
        }
    }
    text.len()
}

fn is_encoding(text: &str) -> bool {
    let text = text.trim();
    text.len() <= 12 && (text.starts_with("UTF") || text.eq_ignore_ascii_case("ASCII"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_code() {
        let file = |name: &str, text: &str| ScriptFile {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        let script = Script {
            files: vec![file(
                "ScriptMain.cs",
                "x = Dts.Variables[\"User::A\"].Value;\n// Dts.Variables[\"User::No\"]\n\
                 Dts.VariableDispenser.LockForRead( \"B\" ); c = Dts.Connections[\"Staging\"];\n\
                 /* once: Dts.Variables[\"Old\"],\n Dts.Variables[\"Older\"] */ s = \"http://a/*\" + @\"C:\\\"; Variables[\"C\"]",
            )],
            ..Script::default()
        };
        assert_eq!(
            script.summary(),
            "C#, 5 lines (238 characters) in ScriptMain.cs; entry point Main; names in its code the variables B, C, User::A; \
             uses the connection managers Staging"
        );
        for (name, written) in [
            (r"Properties\AssemblyInfo.cs", false),
            ("ScriptMain.cs", true),
            ("Resources.Designer.cs", false),
            ("dts://Scripts/ScriptTask_5/ScriptMain.vsaitem", true),
            ("ScriptTask_5.vsaproj", false),
        ] {
            assert_eq!(ScriptFile::is_written(name), written, "{name}");
        }
    }
}
