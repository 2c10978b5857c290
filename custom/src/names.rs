//! How packages name a class.

/// The names of a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassNames {
    /// What packages write: `{GUID}`, a ProgID, or a .NET type (`Contoso.Ssis.Mask`). The first is what is shown and what
    /// the designer's side writes.
    pub ids: Vec<String>,
    /// What a person calls it.
    pub title: String,
    /// What it does, in a line.
    pub description: String,
}

impl ClassNames {
    /// Names of a class with one id.
    pub fn new(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            ids: vec![id.into()],
            title: title.into(),
            description: String::new(),
        }
    }

    /// Another id of the same class.
    #[must_use]
    pub fn also(mut self, id: impl Into<String>) -> Self {
        self.ids.push(id.into());
        self
    }

    /// What it does.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The id that stands for the class.
    pub fn id(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }

    /// Whether a package means this class by `name`. Case does not count; of a .NET type the assembly, its version and
    /// its key (what follows the first comma) do not.
    pub fn mean(&self, name: &str) -> bool {
        let bare = |name: &str| {
            let bare = name.split(',').next().unwrap_or(name);
            bare.trim().to_ascii_lowercase()
        };
        let wanted = bare(name);
        !wanted.is_empty() && self.ids.iter().any(|id| bare(id) == wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_found_whatever_its_assembly() {
        let names = ClassNames::new("Contoso.Ssis.Mask", "Mask")
            .also("{0F2A0A5C-7AB3-4D53-9E2B-1D6DDD5A0B11}");
        assert!(names.mean("Contoso.Ssis.Mask, Contoso.Ssis, Version=1.0.0.0, Culture=neutral"));
        assert!(names.mean("{0f2a0a5c-7ab3-4d53-9e2b-1d6ddd5a0b11}"));
        assert!(!names.mean("Contoso.Ssis.Masker"));
        assert!(!names.mean(""));
    }
}
