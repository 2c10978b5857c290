//! Named values of a component, a column or a task, as text, in document order.

/// One property, its value as the XML has it (entities resolved).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Property {
    /// Name as written.
    pub name: String,
    /// Text; for an array, see `elements`.
    pub value: String,
    /// `System.Int32`, `System.String`, ...; empty where the file does not say.
    pub data_type: String,
    /// Elements of an array property (`isArray="true"`), else empty.
    pub elements: Vec<String>,
    /// The text holds `#id` or `#{refId}` references to columns (`containsID="true"`).
    pub contains_id: bool,
}

/// An ordered list of properties, looked up without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Properties(Vec<Property>);

impl Properties {
    /// From a list.
    pub fn new(properties: Vec<Property>) -> Self {
        Self(properties)
    }

    /// Adds one at the end, even if there is one of its name.
    pub fn push(&mut self, property: Property) {
        self.0.push(property);
    }

    /// All, in document order.
    pub fn iter(&self) -> impl Iterator<Item = &Property> {
        self.0.iter()
    }

    /// The first of a name.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.0
            .iter()
            .find(|property| property.name.eq_ignore_ascii_case(name))
    }

    /// The text of a property, `None` if it is absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.property(name).map(|property| property.value.as_str())
    }

    /// Sets or adds a property: how overrides (`--set`, property expressions) reach the typed view.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self
            .0
            .iter_mut()
            .find(|property| property.name.eq_ignore_ascii_case(name))
        {
            Some(property) => property.value = value,
            None => self.0.push(Property {
                name: name.to_owned(),
                value,
                ..Property::default()
            }),
        }
    }

    /// A boolean in any of the spellings of formats 2 to 8: `True`, `true`, `-1`, `1`.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.get(name).and_then(parse_bool)
    }

    /// An integer; `None` if absent or not one.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(|text| text.trim().parse().ok())
    }
}

/// `True`/`False` in any case, `-1`, `1`, `0`.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text.trim() {
        "-1" | "1" => Some(true),
        "0" => Some(false),
        other if other.eq_ignore_ascii_case("true") => Some(true),
        other if other.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
