//! Connection managers, of packages and of `.conmgr` files.

use crate::{
    CacheColumn, ConnectionManager, DataType, Element, Error, FlatFileColumn, FlatFileColumnType,
    Properties, Property,
    document::decode_hex_escapes,
    read::{
        control_flow::read_property_expressions,
        shape::{
            attribute, boolean, collection, is_encrypted, number, own_properties, text, value_error,
        },
    },
};

/// Properties whose text escapes control characters.
const ESCAPED: [&str; 4] = [
    "HeaderRowDelimiter",
    "RowDelimiter",
    "TextQualifier",
    "ColumnDelimiter",
];

/// Reads `DTS:ConnectionManager`; `scope` is `Package` or `Project`, for files that have no refIds.
pub(crate) fn read_connection_manager(
    element: Element<'_>,
    scope: &str,
) -> Result<ConnectionManager, Error> {
    let mut properties = own_properties(element);
    let mut flat_file_columns = Vec::new();
    let mut cache_columns = Vec::new();
    let mut sealed = sealed_properties(element);
    let name = text(&properties, "ObjectName");
    let payload = element
        .child("ObjectData")
        .and_then(|data| data.children().next());
    if let Some(payload) = payload {
        let inner = payload_properties(payload);
        flat_file_columns = collection(payload, "FlatFileColumns", "FlatFileColumn")
            .map(|column| read_flat_file_column(column, &inner))
            .collect::<Result<_, _>>()?;
        cache_columns = collection(payload, "CacheColumns", "CacheColumn")
            .map(read_cache_column)
            .collect::<Result<_, _>>()?;
        for property in inner.iter() {
            properties.push(property.clone());
        }
        sealed.extend(sealed_properties(payload));
    }
    let ref_id = match properties.get("refId") {
        Some(ref_id) if !ref_id.is_empty() => ref_id.to_owned(),
        _ => format!("{scope}.ConnectionManagers[{name}]"),
    };
    Ok(ConnectionManager {
        ref_id,
        dtsid: text(&properties, "DTSID"),
        name,
        creation_name: text(&properties, "CreationName"),
        description: text(&properties, "Description"),
        delay_validation: boolean(element, &properties, "DelayValidation", false)?,
        property_expressions: read_property_expressions(element),
        properties,
        flat_file_columns,
        cache_columns,
        sealed,
    })
}

/// Attributes and properties of the payload and of what it wraps (`DTS:Password`, `DTS:HttpConnection`, ...).
fn payload_properties(payload: Element<'_>) -> Properties {
    let mut found = own_properties(payload);
    let wrapped = payload.children().filter(|child| {
        ![
            "Property",
            "FlatFileColumns",
            "FlatFileColumn",
            "CacheColumns",
            "CacheColumn",
        ]
        .contains(&child.local_name())
    });
    for child in wrapped.filter(|child| !is_encrypted(*child)) {
        if child.attribute("Sensitive").is_some() {
            found.push(Property {
                name: sensitive_name(child),
                value: child.text().into_owned(),
                ..Property::default()
            });
            continue;
        }
        for property in own_properties(child).iter() {
            found.push(property.clone());
        }
    }
    let decoded = found.iter().map(|property| {
        let mut property = property.clone();
        if ESCAPED
            .iter()
            .any(|name| property.name.eq_ignore_ascii_case(name))
        {
            property.value = decode_hex_escapes(&property.value);
        }
        property
    });
    Properties::new(decoded.collect())
}

/// Names of the elements directly inside, or one deeper, whose text is a cipher.
fn sealed_properties(element: Element<'_>) -> Vec<String> {
    element
        .children()
        .filter(|child| child.local_name() != "ObjectData")
        .flat_map(|child| std::iter::once(child).chain(child.children()))
        .filter(|child| is_encrypted(*child))
        .map(sensitive_name)
        .collect()
}

fn sensitive_name(element: Element<'_>) -> String {
    match attribute(element, "Name") {
        name if name.is_empty() => element.local_name().to_owned(),
        name => name,
    }
}

fn read_cache_column(element: Element<'_>) -> Result<CacheColumn, Error> {
    let own = own_properties(element);
    let of = |name| number(element, &own, name, 0);
    let code = of("DataType")?;
    let data_type = DataType::from_code(
        code,
        of("Length")?,
        of("Precision")?,
        of("Scale")?,
        of("CodePage")?,
    );
    Ok(CacheColumn {
        name: text(&own, "ObjectName"),
        data_type: data_type.ok_or_else(|| {
            value_error(
                element,
                "DataType",
                &code.to_string(),
                "the number of a data flow type",
            )
        })?,
        index_position: of("IndexPosition")?,
    })
}

fn read_flat_file_column(
    element: Element<'_>,
    connection: &Properties,
) -> Result<FlatFileColumn, Error> {
    let own = own_properties(element);
    let column_type = text(&own, "ColumnType");
    let delimiter = decode_hex_escapes(&text(&own, "ColumnDelimiter"));
    let width = number(element, &own, "ColumnWidth", 0)?;
    let maximum_width = number(element, &own, "MaximumWidth", 0)?;
    let code = number(element, &own, "DataType", 129)?;
    let data_type = DataType::from_code(
        code,
        if maximum_width == 0 {
            width
        } else {
            maximum_width
        },
        number(element, &own, "DataPrecision", 0)?,
        number(element, &own, "DataScale", 0)?,
        number(element, connection, "CodePage", 0)?,
    );
    Ok(FlatFileColumn {
        name: text(&own, "ObjectName"),
        column_type: match column_type.to_ascii_lowercase().as_str() {
            // Ragged right files are often saved without it: a width, and a delimiter for the last column only.
            "" if delimiter.is_empty() && width > 0 => FlatFileColumnType::FixedWidth,
            "" | "delimited" => FlatFileColumnType::Delimited,
            "fixedwidth" => FlatFileColumnType::FixedWidth,
            "raggedright" if delimiter.is_empty() && width > 0 => FlatFileColumnType::FixedWidth,
            "raggedright" => FlatFileColumnType::RaggedRight,
            _ => {
                let wanted = "Delimited, FixedWidth or RaggedRight";
                return Err(value_error(element, "ColumnType", &column_type, wanted));
            }
        },
        delimiter,
        width,
        maximum_width,
        data_type: data_type.ok_or_else(|| {
            value_error(
                element,
                "DataType",
                &code.to_string(),
                "the number of a data flow type",
            )
        })?,
        text_qualified: boolean(element, &own, "TextQualified", false)?,
    })
}
