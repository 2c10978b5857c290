//! The columns of a reference, which a Lookup keeps as XML in a property of its own.

use crate::{
    DataType, Document, Error,
    read::shape::{number, own_properties, text, value_error},
};

/// A column that the reference of a Lookup had when the package was designed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceColumn {
    /// As the query names it.
    pub name: String,
    /// The type that its values have in the data flow.
    pub data_type: DataType,
}

/// Reads the property `ReferenceMetadataXml` of a Lookup; empty text is no columns.
///
/// # Errors
/// As [`Document::read`]; [`Error::Value`] for a number or type that is none.
pub fn reference_columns(xml: &str) -> Result<Vec<ReferenceColumn>, Error> {
    if xml.trim().is_empty() {
        return Ok(Vec::new());
    }
    let document = Document::read(xml.trim().as_bytes())?;
    let columns = document
        .elements()
        .filter(|element| element.local_name() == "referenceColumn");
    columns
        .map(|element| {
            let own = own_properties(element);
            let of = |name| number(element, &own, name, 0);
            let named = text(&own, "dataType");
            let bare = match named.get(..3) {
                Some(start) if start.eq_ignore_ascii_case("DT_") => named.get(3..),
                _ => Some(named.as_str()),
            };
            let (length, precision, scale) = (of("length")?, of("precision")?, of("scale")?);
            let code_page = of("codePage")?;
            let data_type =
                bare.and_then(|name| DataType::from_xml(name, length, precision, scale, code_page));
            Ok(ReferenceColumn {
                name: text(&own, "name"),
                data_type: data_type.ok_or_else(|| {
                    value_error(element, "dataType", &named, "DT_I4, DT_WSTR, ...")
                })?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_designer_writes_them() {
        let xml = r#"<referenceMetadata><referenceColumns><referenceColumn name="Dept &amp; Num" dataType="DT_I4" length="0" precision="0" scale="0" codePage="0"/><referenceColumn name="Name" dataType="DT_STR" length="9" precision="0" scale="0" codePage="1252"/></referenceColumns></referenceMetadata>"#;
        let found = reference_columns(xml).unwrap();
        let shown: Vec<String> = found
            .iter()
            .map(|column| format!("{}: {}", column.name, column.data_type))
            .collect();
        assert_eq!(shown, ["Dept & Num: DT_I4", "Name: DT_STR,9,1252"]);
        assert_eq!(reference_columns(" ").unwrap(), []);
        assert!(reference_columns("<a><referenceColumn dataType=\"DT_X\"/></a>").is_err());
    }
}
