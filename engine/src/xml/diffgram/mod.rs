//! DiffGrams: how one document becomes another, in the XML Diff Language of Microsoft's XmlDiffPatch.
//!
//! ```text
//!  a, b ──compare──▶ which nodes are the same ──diff──▶ DiffGram
//!  a, DiffGram ──hash──▶ made of a? ──patch──▶ b
//! ```
//!
//! A DiffGram names nodes of `a` by where they stand among their siblings (`match="2"`, `"1|3-5"`, `"@name"`, `"/1/2"`).
//! The nodes counted are those of [`tree`](super::tree). What options have ignored is not compared and stays as it is.
//!
//! **Not the same as Microsoft's**: which of the many DiffGrams that lead from `a` to `b` is written. There is one
//! algorithm, whatever DiffAlgorithm says, and subtrees that moved are written anew.

mod align;
mod attributes;
mod compare;
mod diff;
mod hash;
mod patch;
mod path;
#[cfg(test)]
mod tests;

use std::fmt;

use dtsx::SsisCode;

use super::{Document, XmlError, tree::Tree};

const NAMESPACE: &str = "http://schemas.microsoft.com/xmltools/2002/xmldiff";

/// `XmlDiffOptions`: what is not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct DiffOptions(u8);

/// Their names, in the order that DiffGrams list them, and their numbers.
const NAMES: [(&str, DiffOptions); 8] = [
    ("IgnoreChildOrder", DiffOptions::CHILD_ORDER),
    ("IgnoreComments", DiffOptions::COMMENTS),
    ("IgnoreNamespaces", DiffOptions::NAMESPACES),
    ("IgnorePI", DiffOptions::INSTRUCTIONS),
    ("IgnorePrefixes", DiffOptions::PREFIXES),
    ("IgnoreWhitespace", DiffOptions::WHITESPACE),
    ("IgnoreXmlDecl", DiffOptions::DECLARATION),
    ("IgnoreDtd", DiffOptions::DTD),
];

impl DiffOptions {
    const CHILD_ORDER: Self = Self(1);
    const COMMENTS: Self = Self(2);
    const INSTRUCTIONS: Self = Self(4);
    const WHITESPACE: Self = Self(8);
    const NAMESPACES: Self = Self(16);
    const PREFIXES: Self = Self(32);
    const DECLARATION: Self = Self(64);
    const DTD: Self = Self(128);

    fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// A number, or names with commas or blanks between them.
    ///
    /// # Errors
    /// What is no option.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        if let Ok(number) = text.trim().parse() {
            return Ok(Self(number));
        }
        let mut options = Self::default();
        for name in text.split([',', ' ']).filter(|name| !name.is_empty()) {
            let found = NAMES.iter().find(|(one, _)| *one == name);
            match found {
                Some((_, one)) => options.0 |= one.0,
                None if name == "None" => {}
                None => return Err(name.to_owned()),
            }
        }
        Ok(options)
    }
}

impl fmt::Display for DiffOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for (name, one) in NAMES {
            if self.has(one) {
                write!(f, "{gap}{name}")?;
                gap = " ";
            }
        }
        match gap {
            "" => f.write_str("None"),
            _ => Ok(()),
        }
    }
}

/// Why a DiffGram could not be made or applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DiffGramError {
    #[error(transparent)]
    Xml(#[from] XmlError),
    #[error("the root element is not `xmldiff` of the namespace {NAMESPACE}, so it is no DiffGram")]
    NoDiffGram,
    #[error("its `xmldiff` has no attribute `{0}`")]
    Missing(&'static str),
    #[error("its srcDocHash is `{0}`, and a whole number is wanted")]
    Hash(String),
    #[error("its options have `{0}`, which is none")]
    Options(String),
    #[error(
        "it was made of another document: its srcDocHash is {wanted}, that of the source is {found}"
    )]
    OtherDocument { wanted: u64, found: u64 },
    #[error("its path `{0}` is not understood")]
    Path(String),
    #[error("its path `{0}` leads to no node")]
    NoNode(String),
    #[error("its path `{0}` leads to several nodes, and one is wanted")]
    SeveralNodes(String),
    #[error("`{0}` cannot be applied")]
    Operation(String),
}

impl DiffGramError {
    /// `DTS_E_XMLTASK_...`
    pub(crate) fn code(&self) -> Option<SsisCode> {
        let code = match self {
            Self::Xml(_) | Self::Operation(_) => return None,
            Self::NoDiffGram => 0xC002_9281,
            Self::Missing("srcDocHash") => 0xC002_9282,
            Self::Missing(_) => 0xC002_9283,
            Self::Hash(_) => 0xC002_9284,
            Self::Options(_) => 0xC002_9285,
            Self::OtherDocument { .. } => 0xC002_9286,
            Self::Path(_) => 0xC002_927F,
            Self::NoNode(_) => 0xC002_9280,
            Self::SeveralNodes(_) => 0xC002_9287,
        };
        Some(SsisCode(code))
    }
}

/// What a comparison gave.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) is_none: bool,
    pub(crate) diffgram: String,
}

/// A document as text, which libxml2 has found to be one and to declare no entities.
#[derive(Debug)]
pub(crate) struct Checked(String);

impl Checked {
    /// # Errors
    /// As [`Document::of_text`].
    pub(crate) fn of_text(text: String) -> Result<Self, XmlError> {
        Document::of_text(&text)?;
        Ok(Self(text))
    }

    /// # Errors
    /// As [`Document::of_bytes`].
    pub(crate) fn of_bytes(bytes: &[u8]) -> Result<Self, XmlError> {
        Document::of_bytes(bytes)?;
        super::tree::decoded(bytes).map(Self)
    }

    /// What leads from this document to another.
    ///
    /// # Errors
    /// They are larger than the limits allow.
    pub(crate) fn diff(
        &self,
        other: &Self,
        options: DiffOptions,
    ) -> Result<Difference, DiffGramError> {
        let (a, b) = (Tree::read(&self.0)?, Tree::read(&other.0)?);
        diff::diff(&a, &b, options)
    }

    /// This document, after the changes of a DiffGram.
    ///
    /// # Errors
    /// It is no DiffGram, or not one of this document.
    pub(crate) fn patch(&self, diffgram: &Self) -> Result<String, DiffGramError> {
        let mut tree = Tree::read(&self.0)?;
        patch::patch(&mut tree, &Tree::read(&diffgram.0)?)?;
        let text = tree.write()?;
        // Names and the like come from the DiffGram as they are.
        Document::of_text(&text)?;
        Ok(text)
    }
}
