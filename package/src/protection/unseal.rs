//! Opens what a password closes: each cipher gives way to the element that it holds.
//!
//! ```text
//! <EncryptedData Salt IV>..</EncryptedData>                 ─▶ the element           packages; as the root: all of it
//! <DTS:Property DTS:Name="ParameterValue">EncryptedData</>  ─▶ the whole property    parameters of packages
//! <X SSIS:Salt SSIS:IV [SSIS:Algorithm]>cipher</X>          ─▶ X, in the clear       files of projects
//! ```
//!
//! In packages the vector comes before the cipher text as well, as XML Encryption has it. The element inside declares
//! the prefixes that it uses; declarations that hold at its new place anyway are left out.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    Document, Edits, Element, Error, Limits,
    protection::cipher::{Algorithm, Sealing},
    read::{SSIS, describe, has_salt},
};

/// The document with all that the password closes in the clear.
///
/// # Errors
/// [`Error::Password`] and [`Error::PackagePassword`] for another password; [`Error::Cipher`] for ciphers without salt,
/// vector or text, or of an unknown algorithm; [`Error::Limit`].
pub(crate) fn unseal(
    document: &Document,
    password: &str,
    limits: &Limits,
) -> Result<Document, Error> {
    let mut edits = Edits::new();
    let mut count = 0u32;
    for element in document.elements() {
        let in_package = element.local_name() == "EncryptedData";
        if !in_package && !has_salt(element) {
            continue;
        }
        count += 1;
        if count > limits.ciphers_max {
            return Err(Error::Limit {
                position: element.position(),
                what: "encrypted values of a document",
                limit: u64::from(limits.ciphers_max),
            });
        }
        let plain = open(element, in_package, password, limits)?;
        let place = if in_package {
            place(element, plain.root())
        } else {
            element
        };
        edits.replace_xml(place.id(), &without_known_prefixes(plain.root(), place));
    }
    document.apply(&edits)
}

/// The element that gives way: more than the cipher itself for the value of a parameter, and where the start tag of a
/// package stands around the cipher of all of it.
fn place<'a>(cipher: Element<'a>, plain: Element<'_>) -> Element<'a> {
    let Some(parent) = cipher.parent() else {
        return cipher;
    };
    let of_parameter = || {
        let owner = parent.parent();
        parent.local_name() == "Property"
            && owner.is_some_and(|owner| owner.local_name() == "PackageParameter")
    };
    let is_package =
        parent.parent().is_none() && [parent, plain].iter().all(|one| is_executable(*one));
    if is_package || of_parameter() {
        parent
    } else {
        cipher
    }
}

fn is_executable(element: Element<'_>) -> bool {
    element.local_name() == "Executable"
}

/// The element that a cipher holds.
fn open(
    element: Element<'_>,
    in_package: bool,
    password: &str,
    limits: &Limits,
) -> Result<Document, Error> {
    let (sealing, cipher) = read(element, in_package)?;
    let plain = sealing
        .open(password, &cipher)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| {
            let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
            let is_element = text.starts_with('<');
            is_element.then(|| Document::read_with(text.as_bytes(), limits))
        });
    match plain {
        Some(Ok(document)) => Ok(document),
        Some(Err(error @ Error::Limit { .. })) => Err(error),
        _ if element
            .parent()
            .is_none_or(|parent| parent.parent().is_none() && is_executable(parent)) =>
        {
            Err(Error::PackagePassword {
                detail: "the password given does not open it",
            })
        }
        _ => Err(Error::Password {
            position: element.position(),
            what: describe(element).to_string(),
        }),
    }
}

/// How a cipher is closed, and its text.
fn read(element: Element<'_>, in_package: bool) -> Result<(Sealing, Vec<u8>), Error> {
    let fail = |detail: String| Error::Cipher {
        position: element.position(),
        what: describe(element).to_string(),
        detail,
    };
    let own = |name: &str| -> Option<Cow<'_, str>> {
        let namespace = if in_package { "" } else { SSIS };
        let mut attributes = element.attributes();
        attributes
            .find(|one| one.local_name() == name && one.namespace() == namespace)
            .map(|one| one.value())
    };
    let decoded = |what: &str, text: Option<Cow<'_, str>>| {
        let text = text.ok_or_else(|| fail(format!("it has no {what}")))?;
        let text: String = text
            .chars()
            .filter(|letter| !letter.is_ascii_whitespace())
            .collect();
        STANDARD
            .decode(text)
            .map_err(|error| fail(format!("its {what} is no Base64: {error}")))
    };
    let method = element
        .child("EncryptionMethod")
        .and_then(|method| method.attribute("Algorithm"))
        .or_else(|| own("Algorithm"));
    let algorithm = match &method {
        None => Algorithm::TripleDes,
        Some(uri) => Algorithm::from_uri(uri).ok_or_else(|| {
            let wanted = "tripledes-cbc and aes256-cbc are known";
            fail(format!("its algorithm is `{uri}`, {wanted}"))
        })?,
    };
    let salt = decoded("Salt", own("Salt"))?;
    let mut iv = decoded("IV", own("IV"))?;
    let text = if in_package {
        let data = element.child("CipherData");
        data.and_then(|data| data.child("CipherValue"))
            .map(Element::text)
    } else {
        Some(element.text())
    };
    let mut cipher = decoded("CipherValue", text)?;
    let block = algorithm.block_bytes();
    if in_package {
        let rest = cipher.split_off(block.min(cipher.len()));
        iv = std::mem::replace(&mut cipher, rest);
    }
    if iv.len() != block {
        return Err(fail(format!(
            "its IV has {} bytes, wanted {block}",
            iv.len()
        )));
    }
    let sealing = Sealing {
        algorithm,
        salt,
        iv,
    };
    Ok((sealing, cipher))
}

/// An element as XML, without declarations of prefixes that mean the same at `place`.
fn without_known_prefixes(plain: Element<'_>, place: Element<'_>) -> String {
    plain.outer_xml_without(|attribute| {
        let around = std::iter::successors(place.parent(), |element| element.parent());
        let known = around
            .flat_map(Element::attributes)
            .find(|known| known.name() == attribute.name());
        attribute.is_declaration() && known.is_some_and(|known| known.value() == attribute.value())
    })
}
