//! `Key=value;...` connection strings of OLE DB, ADO.NET and ODBC.

/// The parts of a connection string, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keywords(Vec<(String, String)>);

/// What a connection string hides when it is shown.
const SECRET: [&str; 6] = [
    "password",
    "pwd",
    "accountkey",
    "accesstoken",
    "keystoresecret",
    "jet oledb:database password",
];

impl Keywords {
    /// Reads parts divided by `;`. A value may stand in quotes, `'` or `"`, which are doubled inside, or in braces (ODBC).
    pub fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut letters = text.chars().peekable();
        loop {
            while letters
                .next_if(|letter| *letter == ';' || letter.is_whitespace())
                .is_some()
            {}
            if letters.peek().is_none() {
                return Self(parts);
            }
            let mut key = String::new();
            while let Some(letter) = letters.next_if(|letter| !matches!(letter, '=' | ';')) {
                key.push(letter);
            }
            let mut value = String::new();
            if letters.next_if_eq(&'=').is_some() {
                while letters.next_if(|letter| *letter == ' ').is_some() {}
                let quote = letters.next_if(|letter| matches!(letter, '"' | '\'' | '{'));
                let close = quote.map(|quote| if quote == '{' { '}' } else { quote });
                while let Some(letter) = letters.next() {
                    match close {
                        Some(close) if letter == close => {
                            if letters.next_if_eq(&close).is_none() {
                                break;
                            }
                            value.push(letter);
                        }
                        None if letter == ';' => break,
                        _ => value.push(letter),
                    }
                }
                if quote.is_none() {
                    value.truncate(value.trim_end().len());
                }
            }
            parts.push((key.trim().to_owned(), value));
        }
    }

    /// The value of the first of these keys that is there and not empty; keys without regard to case.
    pub fn get(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| {
            let found = self
                .0
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(key));
            found
                .map(|(_, value)| value.as_str())
                .filter(|value| !value.is_empty())
        })
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub fn set(&mut self, key: &str, value: &str) {
        let known = self
            .0
            .iter_mut()
            .find(|(known, _)| known.eq_ignore_ascii_case(key));
        match known {
            Some(part) => value.clone_into(&mut part.1),
            None => self.0.push((key.to_owned(), value.to_owned())),
        }
    }

    /// As text, secrets as `***`.
    pub fn masked(&self) -> String {
        self.text(|key, value| {
            let secret = SECRET.iter().any(|secret| key.eq_ignore_ascii_case(secret));
            if secret && !value.is_empty() {
                "***".to_owned()
            } else {
                quoted(value)
            }
        })
    }

    /// As text that can be read again.
    pub fn full(&self) -> String {
        self.text(|_, value| quoted(value))
    }

    fn text(&self, shown: impl Fn(&str, &str) -> String) -> String {
        self.0
            .iter()
            .map(|(key, value)| format!("{key}={};", shown(key, value)))
            .collect()
    }
}

fn quoted(value: &str) -> String {
    if value.contains([';', '"', '\'', '{', '}']) || value.trim() != value {
        format!("{{{}}}", value.replace('}', "}}"))
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_as_packages_have_them() {
        let text = r#"Data Source=C:\a b.xls; Provider = X.1;Extended Properties="Excel 8.0;HDR=YES";Pwd={a;}}b};Auto Translate=False;"#;
        let read = Keywords::parse(text);
        assert_eq!(read.get(&["data source"]), Some(r"C:\a b.xls"));
        assert_eq!(read.get(&["provider"]), Some("X.1"));
        assert_eq!(
            read.get(&["extended properties"]),
            Some("Excel 8.0;HDR=YES")
        );
        assert_eq!(read.get(&["password", "pwd"]), Some("a;}b"));
        assert!(read.masked().contains("Pwd=***;"));
        assert_eq!(Keywords::parse(&read.full()), read);
        assert_eq!(Keywords::parse(";;").iter().count(), 0);
        assert_eq!(Keywords::parse("a").get(&["a"]), None);
    }
}
