//! Closes a package: its sensitive elements give way to ciphers, or are left out, or all of it becomes one cipher.
//!
//! Sensitive are the elements that the writer of a package marked `Sensitive="1"`, and the values of parameters and
//! variables with `DTS:Sensitive`. Level 0 leaves them out, as SSIS does.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    Document, Edits, Element, Error, ProtectionLevel, SealedBy,
    document::encode_attribute,
    identity::without_signature,
    parse_bool,
    protection::cipher::{Algorithm, Sealing},
    read::{attribute, is_encrypted, sealed_values},
};

const XML_ENCRYPTION: &str = "http://www.w3.org/2001/04/xmlenc#";
/// The major version of SQL Server from which on packages are closed with AES-256.
const AES_SINCE: u32 = 15;

/// The document at another protection level; the password is for levels 2 and 3.
///
/// # Errors
/// [`Error::Level`] for levels 1, 4 and 5; [`Error::PasswordMissing`]; [`Error::Sealed`] for values that are closed, which
/// level 0 leaves out instead; [`Error::PackagePassword`] and [`Error::PackageUserKey`] where all of it is closed.
pub(crate) fn seal(
    document: &Document,
    level: ProtectionLevel,
    password: Option<&str>,
) -> Result<Document, Error> {
    check(document, level)?;
    let password = password.filter(|password| !password.is_empty());
    let document = set_level(&without_signature(document)?, level)?;
    match (level, password) {
        (ProtectionLevel::EncryptSensitiveWithPassword, Some(password)) => {
            seal_sensitive(&document, password)
        }
        (ProtectionLevel::EncryptAllWithPassword, Some(password)) => {
            let sealing = Sealing::new(algorithm_of(&document))?;
            let mut edits = Edits::new();
            let root = document.root();
            edits.replace_xml(root.id(), &cipher_of(root, &sealing, password)?);
            document.apply(&edits)
        }
        (ProtectionLevel::DontSaveSensitive, _) => {
            let mut edits = Edits::new();
            for element in sensitive(&document) {
                edits.remove(element.id());
            }
            document.apply(&edits)
        }
        _ => Err(Error::PasswordMissing { level }),
    }
}

fn check(document: &Document, level: ProtectionLevel) -> Result<(), Error> {
    use ProtectionLevel::{
        DontSaveSensitive, EncryptAllWithUserKey, EncryptSensitiveWithUserKey, ServerStorage,
    };
    match level {
        EncryptSensitiveWithUserKey | EncryptAllWithUserKey => {
            return Err(Error::Level {
                level,
                reason: "the key of a Windows user exists on Windows only",
            });
        }
        ServerStorage => {
            return Err(Error::Level {
                level,
                reason: "it is for packages in msdb",
            });
        }
        _ => {}
    }
    check_open(document.root())?;
    let sealed = sealed_values(document);
    match sealed.first() {
        Some(first) if level != DontSaveSensitive => Err(Error::Sealed {
            count: sealed.len(),
            first: first.to_string(),
            advice: match first.by {
                SealedBy::Password => "give the password that the package was saved with",
                SealedBy::UserKey => {
                    "only the Windows user who saved it can open it: level 0 leaves it out"
                }
            },
            user_key: first.by == SealedBy::UserKey,
        }),
        _ => Ok(()),
    }
}

/// Refuses a package, by its root, that is closed as a whole.
pub(crate) fn check_open(root: Element<'_>) -> Result<(), Error> {
    let by_password = root.local_name() == "EncryptedData" || root.child("EncryptedData").is_some();
    if by_password {
        return Err(Error::PackagePassword {
            detail: "it was not opened",
        });
    }
    match is_encrypted(root) {
        true => Err(Error::PackageUserKey),
        false => Ok(()),
    }
}

/// Sets `ProtectionLevel` as an attribute or a property element, whichever the package has.
fn set_level(document: &Document, level: ProtectionLevel) -> Result<Document, Error> {
    let root = document.root();
    let number = level.number().to_string();
    let property = root.children().find(|child| {
        child.local_name() == "Property" && attribute(*child, "Name") == "ProtectionLevel"
    });
    let mut edits = Edits::new();
    match property {
        Some(property) => edits.set_text(property.id(), &number),
        None => {
            let existing = root
                .attributes()
                .find(|one| one.local_name() == "ProtectionLevel");
            let prefixed = match root.name().split_once(':') {
                Some((prefix, _)) => format!("{prefix}:ProtectionLevel"),
                None => "ProtectionLevel".to_owned(),
            };
            let name = existing.map_or(prefixed, |existing| existing.name().to_owned());
            edits.set_attribute(root.id(), &name, &number)
        }
    };
    document.apply(&edits)
}

fn seal_sensitive(document: &Document, password: &str) -> Result<Document, Error> {
    let algorithm = algorithm_of(document);
    let mut edits = Edits::new();
    for element in sensitive(document) {
        let cipher = cipher_of(element, &Sealing::new(algorithm)?, password)?;
        let keeps_name = attribute(element, "Name") == "ParameterValue";
        let xml = if keeps_name {
            // The property stays, with its name only: the cipher holds all of it.
            let name = element
                .attributes()
                .find(|one| one.local_name() == "Name")
                .map_or("Name", |one| one.name());
            let tag = element.name();
            format!("<{tag} {name}=\"ParameterValue\">{cipher}</{tag}>")
        } else {
            cipher
        };
        edits.replace_xml(element.id(), &xml);
    }
    document.apply(&edits)
}

/// The elements that hold secrets, or ciphers that stay closed; none lies inside another.
fn sensitive(document: &Document) -> Vec<Element<'_>> {
    let mut found: Vec<Element<'_>> = Vec::new();
    for element in document.elements() {
        let inside = std::iter::successors(element.parent(), |element| element.parent())
            .any(|around| found.last().is_some_and(|last| last.id() == around.id()));
        if !inside && is_sensitive(element) {
            found.push(element);
        }
    }
    found
}

fn is_sensitive(element: Element<'_>) -> bool {
    let is_true = |value: &str| parse_bool(value) == Some(true);
    let marked = element.attributes().any(|one| {
        one.name() == "Sensitive"
            && is_true(&one.value())
            && !["PackageParameter", "Variable"].contains(&element.local_name())
    });
    let is_value = match element.local_name() {
        "Property" => attribute(element, "Name") == "ParameterValue",
        "VariableValue" => true,
        _ => false,
    };
    let of_sensitive = || {
        let parent = element.parent();
        parent.is_some_and(|parent| is_true(&attribute(parent, "Sensitive")))
    };
    marked || is_encrypted(element) || (is_value && of_sensitive())
}

/// The cipher that SSIS of the package's version reads.
fn algorithm_of(document: &Document) -> Algorithm {
    let root = document.root();
    let version = match attribute(root, "LastModifiedProductVersion") {
        version if version.is_empty() => root
            .children()
            .find(|child| attribute(*child, "Name") == "LastModifiedProductVersion")
            .map(|child| child.text().into_owned())
            .unwrap_or_default(),
        version => version,
    };
    let major = version.split('.').next().unwrap_or_default();
    match major.trim().parse::<u32>() {
        Ok(major) if major >= AES_SINCE => Algorithm::Aes256,
        _ => Algorithm::TripleDes,
    }
}

/// `EncryptedData` that holds an element.
fn cipher_of(element: Element<'_>, sealing: &Sealing, password: &str) -> Result<String, Error> {
    let cipher = sealing.close(password, with_prefixes(element).as_bytes())?;
    let value = STANDARD.encode([sealing.iv.as_slice(), &cipher].concat());
    let (salt, iv) = (STANDARD.encode(&sealing.salt), STANDARD.encode(&sealing.iv));
    let algorithm = sealing.algorithm.uri();
    Ok(format!(
        "<EncryptedData Type=\"{XML_ENCRYPTION}Element\" Salt=\"{salt}\" IV=\"{iv}\" xmlns=\"{XML_ENCRYPTION}\">\
         <EncryptionMethod Algorithm=\"{algorithm}\" /><CipherData><CipherValue>{value}</CipherValue></CipherData>\
         </EncryptedData>"
    ))
}

/// An element as XML that stands by itself: the prefixes that its surroundings declare and it uses are declared on it,
/// behind its name.
fn with_prefixes(element: Element<'_>) -> String {
    let mut around: BTreeMap<&str, String> = BTreeMap::new();
    for outer in std::iter::successors(element.parent(), |element| element.parent()) {
        for declaration in outer.attributes().filter(|one| one.is_declaration()) {
            around
                .entry(declaration.name())
                .or_insert_with(|| encode_attribute(&declaration.value()));
        }
    }
    let xml = element.outer_xml();
    around.retain(|declaration, _| {
        let used = match declaration.strip_prefix("xmlns:") {
            Some(prefix) => xml.contains(&format!("{prefix}:")),
            None => true,
        };
        used && element.attributes().all(|one| one.name() != *declaration)
    });
    let declarations: String = around
        .iter()
        .map(|(declaration, namespace)| format!(" {declaration}=\"{namespace}\""))
        .collect();
    let name = element.name();
    let rest = xml.get(1 + name.len()..).unwrap_or_default();
    format!("<{name}{declarations}{rest}")
}
