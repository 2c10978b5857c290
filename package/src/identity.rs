//! Who a package is and who vouches for it: its id, made anew for a copy, and its digital signature.
//!
//! A package's id (`DTSID`) stands on its root; formats 2 and 3 repeat it as the name of the designer's layout. Wherever
//! it stands, it is the same text, so all of it is replaced, and nothing else is.

use crate::{Document, Edits, Element, Error, Package};

const XML_SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";

impl Package {
    /// `DTSID` of the package, a GUID in braces; empty if the document does not say.
    pub fn id(&self) -> &str {
        &self.root().dtsid
    }

    /// The package under a new id, made by chance; all that refers to the old one refers to it. A signature no longer
    /// holds and is left out.
    ///
    /// # Errors
    /// [`Error::Protect`] if the system has no random numbers; those of [`check_open`](Self::check_open), as its id is
    /// encrypted with it; [`Error::NoId`] if it has none.
    pub fn with_new_id(&self) -> Result<Self, Error> {
        self.check_open()?;
        let id = new_guid()?;
        let old = self.id().trim_start_matches('{').trim_end_matches('}');
        // Anything else would be found in places that do not mean the package.
        if uuid::Uuid::try_parse(old).is_err() {
            return Err(Error::NoId {
                found: self.id().to_owned(),
            });
        }
        let unsigned = without_signature(self.document())?;
        let new = id.hyphenated().to_string().to_ascii_uppercase();
        Self::new(unsigned.with_text(old, &new)?)
    }

    /// Whether the package has a digital signature.
    pub fn is_signed(&self) -> bool {
        signatures(self.document()).next().is_some()
    }

    /// Refuses: whether a signature holds cannot be said here.
    ///
    /// # Errors
    /// [`Error::NotSigned`], or [`Error::SignatureNotChecked`].
    pub fn check_signature(&self) -> Result<(), Error> {
        match signatures(self.document()).next() {
            None => Err(Error::NotSigned),
            Some(signature) => Err(Error::SignatureNotChecked {
                position: signature.position(),
            }),
        }
    }
}

/// A GUID made by chance.
pub(crate) fn new_guid() -> Result<uuid::Uuid, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Protect {
        detail: format!("the system gives no random numbers: {error}"),
    })?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

fn signatures(document: &Document) -> impl Iterator<Item = Element<'_>> {
    document
        .root()
        .children()
        .filter(|child| child.local_name() == "Signature" && child.namespace() == XML_SIGNATURE)
}

/// The document without the signature, which no change to a package leaves valid.
pub(crate) fn without_signature(document: &Document) -> Result<Document, Error> {
    let mut edits = Edits::new();
    for signature in signatures(document) {
        edits.remove(signature.id());
    }
    document.apply(&edits)
}
