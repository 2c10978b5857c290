//! Reads the attributes and elements of a maintenance task, and collects what is wrong with them.
//!
//! An attribute that nobody asks for is an option that this version does not know: it is reported, unless its value says
//! that the option is off.

use std::{cell::RefCell, collections::HashSet};

use dtsx::Properties;

/// What cannot be done as the package asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// SSIS would refuse it too.
    Invalid(String),
    Unsupported(String),
}

pub(super) struct Reader<'a> {
    properties: &'a Properties,
    selected: &'a [(String, Properties)],
    asked: RefCell<HashSet<String>>,
    problems: RefCell<Vec<Problem>>,
}

/// Attributes that are about how the designer and maintenance plans show and log the task.
const OF_THE_DESIGNER: [&str; 3] = ["ServerVersion", "ExtendedLogging", "TaskName"];

impl<'a> Reader<'a> {
    pub(super) fn new(properties: &'a Properties, selected: &'a [(String, Properties)]) -> Self {
        let asked = OF_THE_DESIGNER.map(str::to_ascii_lowercase);
        Self {
            properties,
            selected,
            asked: RefCell::new(asked.into_iter().collect()),
            problems: RefCell::default(),
        }
    }

    pub(super) fn text(&self, name: &str) -> &'a str {
        self.asked.borrow_mut().insert(name.to_ascii_lowercase());
        self.properties.get(name).unwrap_or_default().trim()
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        match self.text(name) {
            "" => default,
            text => dtsx::parse_bool(text).unwrap_or_else(|| {
                self.invalid(format!("{name} is `{text}`: True or False is wanted"));
                default
            }),
        }
    }

    pub(super) fn number(&self, name: &str, default: u32) -> u32 {
        match self.text(name) {
            "" => default,
            text => text.parse().unwrap_or_else(|_| {
                self.invalid(format!("{name} is `{text}`: a whole number is wanted"));
                default
            }),
        }
    }

    /// The member of an enumeration that the number stands for.
    pub(super) fn member<T: Copy>(&self, name: &str, members: &[(&str, T)], default: T) -> T {
        let text = self.text(name);
        let found = members.iter().find(|(number, _)| *number == text);
        match (found, text) {
            (Some((_, member)), _) => *member,
            (None, "") => default,
            (None, _) => {
                let known: Vec<&str> = members.iter().map(|(number, _)| *number).collect();
                let known = known.join(", ");
                self.unsupported(format!("{name} is `{text}`: {known} are supported"));
                default
            }
        }
    }

    /// The attribute of each element of a name.
    pub(super) fn list(&self, element: &str, attribute: &str) -> Vec<String> {
        self.asked.borrow_mut().insert(format!("<{element}>"));
        let named = self.selected.iter().filter(|(name, _)| name == element);
        named
            .filter_map(|(_, properties)| properties.get(attribute))
            .map(|value| value.trim().to_owned())
            .collect()
    }

    pub(super) fn invalid(&self, message: impl Into<String>) {
        let problem = Problem::Invalid(message.into());
        self.problems.borrow_mut().push(problem);
    }

    pub(super) fn unsupported(&self, message: impl Into<String>) {
        let problem = Problem::Unsupported(message.into());
        self.problems.borrow_mut().push(problem);
    }

    /// What is wrong, with the attributes and elements that nobody asked for.
    pub(super) fn problems(self) -> Vec<Problem> {
        let asked = self.asked.into_inner();
        let mut problems = self.problems.into_inner();
        for property in self.properties.iter() {
            let is_off = matches!(
                property.value.trim().to_ascii_lowercase().as_str(),
                "" | "false" | "0"
            );
            if !is_off && !asked.contains(&property.name.to_ascii_lowercase()) {
                let (name, value) = (&property.name, &property.value);
                let message = format!("{name} is `{value}`: this option is not supported");
                problems.push(Problem::Unsupported(message));
            }
        }
        let mut elements: Vec<&str> = Vec::new();
        for (element, _) in self.selected {
            if !asked.contains(&format!("<{element}>")) && !elements.contains(&element.as_str()) {
                elements.push(element);
                let message = format!("the element `{element}` is not supported");
                problems.push(Problem::Unsupported(message));
            }
        }
        problems
    }
}
