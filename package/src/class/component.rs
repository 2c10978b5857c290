//! Data flow components (spec `dtsx-format.md` sections 5 and 5.1).

use crate::class::{class_name, is_guid, is_microsoft_type, same_guid, without_version};

/// Canonical name, English name (first field of `contactInfo`), other ids: GUIDs, ProgID stems, other friendly names.
type Class = (&'static str, &'static str, &'static [&'static str]);

#[rustfmt::skip]
static COMPONENTS: &[Class] = &[
    ("Microsoft.OLEDBSource", "OLE DB Source", &["{2C0A8BE5-1EDC-4353-A0EF-B778599C65A0}", "{BCEFE59B-6819-47F7-A125-63753B33ABB7}", "{165A526D-D5DE-47FF-96A6-F8274C19826B}", "{C8D886B3-1825-4FCC-94DE-C3F108986E21}", "DTSAdapter.OLEDBSource"]),
    ("Microsoft.OLEDBDestination", "OLE DB Destination", &["{E2568105-9550-4F71-A638-B7FE42E66922}", "{5A0B62E8-D91D-49F5-94A5-7BE58DE508F0}", "{4ADA7EAA-136C-4215-8098-D7A7C27FC0D1}", "DTSAdapter.OLEDBDestination"]),
    ("Microsoft.FlatFileSource", "Flat File Source", &["{90C7770B-DE7C-435E-880E-E718C92C0573}", "{5ACD952A-F16A-41D8-A681-713640837664}", "{D23FD76B-F51D-420F-BBCB-19CBF6AC1AB4}", "{C4D48377-EFD6-4C95-9A0B-049219453431}", "DTSAdapter.FlatFileSource"]),
    ("Microsoft.FlatFileDestination", "Flat File Destination", &["{A1DF9F6D-8EE4-4EF0-BB2E-D526130D7A7B}", "{D658C424-8CF0-441C-B3C4-955E183B7FBA}", "{8DA75FED-1B7C-407D-B2AD-2B24209CCCA4}", "{FD4FFB90-EECF-4B5A-A3A7-DE2E1FA8052C}", "DTSAdapter.FlatFileDestination"]),
    ("Microsoft.ExcelSource", "Excel Source", &["{B551FCA8-23BD-4719-896F-D8F352A5283C}", "{A4B1E1C8-17F3-46C8-AAD0-34F0C6FE42DE}", "{8C084929-27D1-479F-9641-ABB7CDADF1AC}", "{9F5C585F-2F02-4622-B273-F75D52419D4A}", "DTSAdapter.ExcelSource"]),
    ("Microsoft.ExcelDestination", "Excel Destination", &["{4963CAED-CB38-4146-96F0-5910342FF3B9}", "{C9269E28-EBDE-4DED-91EB-0BF42842F9F4}", "{1F5D5712-2FBA-4CB9-A95A-86C1F336E1DA}", "{90E2E609-1207-4CB0-A8CE-CC7B8CFE2510}", "DTSAdapter.ExcelDestination"]),
    ("Microsoft.RawSource", "Raw File Source", &["{E2568105-9550-4F71-A638-B7FE42E66930}", "{51DC0B24-7421-45C3-B4AB-9481A683D91D}", "{480C7D5A-CE63-405C-B338-3C7F26560EE3}", "DTSAdapter.RawSource"]),
    ("Microsoft.RawDestination", "Raw File Destination", &["{E2568105-9550-4F71-A638-B7FE42E66933}", "{485E7329-8754-42B4-AA5B-29C5DA09CAD5}", "{04762BB6-892F-4EE6-AD46-9CEB0A7EC7A2}", "DTSAdapter.RawDestination"]),
    ("Microsoft.RecordsetDestination", "Recordset Destination", &["{FFF3C376-C5BF-45BC-A3A3-C8C9DEDD2CF5}", "{167AF7E9-BA81-425F-B73D-E30C2DCC0F09}", "{C457FD7E-CE98-4C4B-AEFE-F3AE0044F181}", "DTSAdapter.RecordsetDestination"]),
    ("Microsoft.SQLServerDestination", "SQL Server Destination", &["{5244B484-7C76-4026-9A01-00928EA81550}", "{E4B61516-847B-4BDF-9CC6-1968A2D43E73}", "{F452EAF3-5EF0-43F1-8067-09DDF0BC6316}", "DTSAdapter.SQLServerDestination"]),
    ("Microsoft.Aggregate", "Aggregate", &["{F40CF2A6-384A-4C57-B99C-ADAF31E51EBC}", "{9ABE8DF3-0052-42DB-8B18-2089E1D1D1B7}", "{5B201335-B360-485C-BB93-75C34E09B3D3}", "DTSTransform.Aggregate"]),
    ("Microsoft.Lineage", "Audit", &["{4FCE8297-9C65-40A9-9D60-00C5CC6BC283}", "{18C6AD8E-96E0-4C94-885B-B5FD43A8A101}", "{32711D35-7D9D-44E5-B57E-A17D33D5C38C}", "DTSTransform.Lineage"]),
    ("Microsoft.BDD", "Balanced Data Distributor", &["DTSTransform.BalancedDataDistributor"]),
    ("Microsoft.Cache", "Cache Transform", &["{A236DD44-4409-433E-A1CE-283DA18F4E0F}", "{BF818E79-2C1C-410D-ADEA-B2D1A04FED01}", "DTSTransform.Cache"]),
    ("Microsoft.CharacterMap", "Character Map", &["{C86C867A-7D40-486A-8734-F0B6943A9DD4}", "{2D9FDEDD-085F-4294-ABBA-818E2CCD0733}", "{DEC33219-BA68-4FEB-AC98-9C1B1E577A8D}", "DTSTransform.CharacterMap"]),
    ("Microsoft.ConditionalSplit", "Conditional Split", &["{53A228EE-EBFA-48D6-A1AC-5269E5824A2C}", "{3AE878C6-0D6C-4F48-8128-40E00E9C1B7D}", "{7F88F654-4E20-4D14-84F4-AF9C925D3087}", "DTSTransform.ConditionalSplit"]),
    ("Microsoft.CopyMap", "Copy Column", &["{98F16A65-E02F-4B0F-87D4-C217EA074619}", "DTSTransform.CopyMap"]),
    ("Microsoft.DataConvert", "Data Conversion", &["{C3BF62C8-7C5C-4F85-83C3-E0B6F6BE267C}", "{BD06A22E-BC69-4AF7-A69B-C44C2EF684BB}", "{62B1106C-7DB8-4EC8-ADD6-4C664DFFC54A}", "DTSTransform.DataConvert"]),
    ("Microsoft.PXPipelineDMQuery", "Data Mining Query", &["{9C58B013-AF30-455F-B809-50F425AFBCAC}", "MSMDPP.PXPipelineDMQuery"]),
    ("Microsoft.DerivedColumn", "Derived Column", &["{9CF90BF0-5BCC-4C63-B91D-1F322DC12C26}", "{2932025B-AB99-40F6-B5B8-783A73F80E24}", "{49928E82-9C4E-49F0-AABE-3812B82707EC}", "{18E9A11B-7393-47C5-9D47-687BE04A6B09}", "DTSTransform.DerivedColumn"]),
    ("Microsoft.Extractor", "Export Column", &["{DE059577-B5F1-4883-A22B-CB0A40E16D7B}", "{A9823821-0085-4483-952F-36277F63FFC5}", "{86151302-DCDB-49FB-92FE-772EC02712B6}", "TxFileExtractor.Extractor"]),
    ("Microsoft.Inserter", "Import Column", &["{B0779BAF-39EA-44A1-B7EA-C2FAF97E0AB8}", "{9053CAE0-140B-48E4-AEEC-4E6A26E9E436}", "{C8AEEE54-67A0-41A8-821D-D1C8BED62C68}", "TxFileInserter.Inserter"]),
    ("Microsoft.FuzzyGrouping", "Fuzzy Grouping", &["Microsoft.GroupDups", "{836E0D0B-0358-45B4-B888-4ADCE9356D4E}", "{30575856-AD5B-483D-92C5-5A36D11F0F75}", "{0A1BDBA0-9C6E-4AD7-97B1-E0E79E462629}", "DTSTransform.GroupDups"]),
    ("Microsoft.FuzzyLookup", "Fuzzy Lookup", &["Microsoft.BestMatch", "{9F4EB4D4-AD71-496D-B70B-31ECE1139884}", "{5056651F-F227-4978-94DF-53CDF9E8CCB6}", "{E4A5F949-EC93-45AB-8B36-B52936257EC2}", "{AD9B9B83-DB60-4188-B57D-93C5155DFACC}", "DTSTransform.BestMatch"]),
    ("Microsoft.Lookup", "Lookup", &["{0FB4AABB-C027-4440-809A-1198049BF117}", "{27648839-180F-45E6-838D-AFF53DF682D2}", "{671046B0-AA63-4C9F-90E4-C06E0B710CE3}", "{9345248B-9709-4C04-90C1-0853F8B68EE8}", "DTSTransform.Lookup"]),
    ("Microsoft.Merge", "Merge", &["{D3FC84FA-748F-40B4-A967-F1574F917BE5}", "{36E0E750-2510-4776-AA6E-17EAE84FD63E}", "DTSTransform.Merge"]),
    ("Microsoft.MergeJoin", "Merge Join", &["{0D598A60-0A32-4B1B-A72C-5030B64E3A20}", "{A18A4D58-7C7A-4448-8B98-AE2CEFE81B4C}", "{14D43A4F-D7BD-489D-829E-6DE35750CFE4}", "DTSTransform.MergeJoin"]),
    ("Microsoft.Multicast", "Multicast", &["{F1CEE4CE-066D-4FBE-9DC4-4C697A617264}", "{1ACA4459-ACE0-496F-814A-8611F9C27E23}", "{EC139FBC-694E-490B-8EA7-35690FB0F445}", "DTSTransform.Multicast"]),
    ("Microsoft.OLEDBCommand", "OLE DB Command", &["{C60ACAD1-9BE8-46B3-87DA-70E59EADEA46}", "{8E61C8F6-C91D-43B6-97EB-3423C06571CC}", "{93FFEC66-CBC8-4C7F-9C6A-CB1C17A7567D}", "DTSTransform.OLEDBCommand"]),
    ("Microsoft.PctSampling", "Percentage Sampling", &["{CEFEB125-5BB5-4F91-A349-94B8961C641B}", "DTSTransform.PctSampling"]),
    ("Microsoft.RowSampling", "Row Sampling", &["{284A868A-7C3D-498C-ABBF-028CEF6AB288}", "{19FBD9D1-7707-49F8-8EB2-BD7C6DA183C2}", "{A44C46A3-0A3F-454B-B3BD-0BC23D4BCE94}", "DTSTransform.RowSampling"]),
    ("Microsoft.Pivot", "Pivot", &["{49EB1DDB-8127-47C6-8B28-B97F7685DD59}", "{DD5A6456-8430-422B-9F50-7EF5A1B63CA8}", "DTSTransform.Pivot"]),
    ("Microsoft.UnPivot", "Unpivot", &["{CDEA2A77-9235-47FC-9D9E-B32EC6F8ACE9}", "{8F25687E-2ACA-4EF3-88A3-53099FDAAF43}", "DTSTransform.UnPivot"]),
    ("Microsoft.RowCount", "Row Count", &["{DE50D3C7-41AF-4804-9247-CF1DEB147971}", "{150E6007-7C6A-4CC3-8FF3-FC73783A972E}", "{E2697D8C-70DA-42B2-8208-A19CE3A9FE41}", "DTSTransform.RowCount"]),
    ("Microsoft.SCD", "Slowly Changing Dimension", &["{70909A92-ECE9-486D-B17E-30EDE908849E}", "{25BBB0C5-369B-4303-B3DF-D0DC741DEE58}", "DTSTransform.SCD"]),
    ("Microsoft.Sort", "Sort", &["{F1CEE4CE-066D-4FBE-9DC4-CD97202F3450}", "{07127A7C-164B-422A-AD1F-24BE39B4DB38}", "{5B1A3FF5-D366-4D75-AD1F-F19A36FCBEDB}", "DTSTransform.Sort"]),
    ("Microsoft.TermExtraction", "Term Extraction", &["{119D450D-E2A3-4DB0-A7BC-ACDE2536673E}", "DTSTransform.TermExtraction"]),
    ("Microsoft.TermLookup", "Term Lookup", &["{4CC3A325-9885-48B4-B451-147C2D523646}", "DTSTransform.TermLookup"]),
    ("Microsoft.UnionAll", "Union All", &["{C5E47A29-265C-4F93-82CA-D8462EE23278}", "{4D9F9B7C-84D9-4335-ADB0-2542A7E35422}", "{B594E9A8-4351-4939-891C-CFE1AB93E925}", "DTSTransform.UnionAll"]),
    ("Microsoft.PXPipelineProcessDM", "Data Mining Training", &["{0183D6BA-8792-4602-A6AB-6DF19E7F9979}", "{3D9FFAE9-B89B-43D9-80C8-B97D2740C746}", "MSMDPP.PXPipelineProcessDM"]),
    ("Microsoft.PXPipelineProcessDimension", "Dimension Processing", &["{7D1B6DD6-C1A9-416E-9E7F-31400E3F7249}", "{2C2F0891-3AAA-4865-A676-D7476FE4CE90}", "MSMDPP.PXPipelineProcessDimension"]),
    ("Microsoft.PXPipelineProcessPartition", "Partition Processing", &["{DCDA2491-C4A4-4C84-9253-119AEF1A4CD7}", "{DA510FB7-E3A8-4D96-9F59-55E15E67FE3D}", "MSMDPP.PXPipelineProcessPartition"]),
    ("Microsoft.SSISODBCSrc", "ODBC Source", &["{A77F5655-A006-443A-9B7E-90B6BD55CB84}", "AttunitySSISODBCSrc", "Attunity.SSISODBCSrc"]),
    ("Microsoft.SSISODBCDst", "ODBC Destination", &["{074B8736-CD73-40A5-822E-888215AF57DA}", "AttunitySSISODBCDst", "Attunity.SSISODBCDst"]),
    ("Microsoft.ManagedComponentHost", "Managed component host", &["{BF01D463-7089-41EE-8F05-0A6DC17CE633}", "{2E42D45B-F83C-400F-8D77-61DDE6A7DF29}", "{874F7595-FB5F-40FF-96AF-FBFF8250E3EF}", "{33D831DE-5DCF-48F0-B431-4D327B9E785D}", "{4F885D04-B578-47B7-94A0-DE9C7DA25EE2}", "DTS.ManagedComponentWrapper"]),
    ("Microsoft.SSISOracleSrc", "Oracle Source", &["Attunity.SSISOraSrc"]),
    ("Microsoft.SSISOracleDst", "Oracle Destination", &["Attunity.SSISOraDst"]),
];

/// Canonical name, class name of the managed type.
#[rustfmt::skip]
static MANAGED: &[(&str, &str)] = &[
    ("Microsoft.ScriptComponentHost", "ScriptComponentHost"),
    ("Microsoft.DataReaderSourceAdapter", "DataReaderSourceAdapter"),
    ("Microsoft.ADONETDestination", "ADONETDestination"),
    ("Microsoft.XmlSourceAdapter", "XmlSourceAdapter"),
    ("Microsoft.DataReaderDestinationAdapter", "DataReaderDestinationAdapter"),
    ("Microsoft.SqlCEDestinationAdapter", "SqlCEDestinationAdapter"),
    ("Microsoft.DataStreamingDestinationAdapter", "DataStreamingDestinationAdapter"),
    ("Microsoft.OData", "ODataSource"),
    ("Attunity.CdcSourceComponent", "CdcSourceComponent"),
    ("Attunity.CdcSplitterComponent", "CdcSplitterComponent"),
];

/// Hosts whose component is named by the property `UserComponentTypeName`.
const HOST: &str = "Microsoft.ManagedComponentHost";

/// The canonical name of a component: `Microsoft.DerivedColumn` for each GUID, ProgID (with or without version) and
/// friendly name of it; managed components by `user_component_type_name`. A GUID that is in no list is taken by the
/// name in `contact_info`, if that says it is Microsoft's. `None` for a class that is not known.
pub fn resolve_component(
    class_id: &str,
    user_component_type_name: Option<&str>,
    contact_info: &str,
) -> Option<&'static str> {
    let wanted = class_id.trim();
    let found = by_id(wanted).or_else(|| managed(wanted));
    match (found, user_component_type_name) {
        (Some(HOST), Some(type_name)) => managed(type_name),
        (Some(found), _) => Some(found),
        (None, Some(type_name)) if is_guid(wanted) => managed(type_name),
        (None, _) if is_guid(wanted) => by_contact(contact_info),
        (None, _) => None,
    }
}

/// All components that are known: canonical name, and name in the designer.
pub fn component_classes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let own = COMPONENTS.iter().filter(|class| class.0 != HOST);
    let own = own.map(|class| (class.0, class.1));
    own.chain(MANAGED.iter().copied())
}

/// The name of a component in the designer; `None` for a class that is not known.
pub(crate) fn english_name(class_id: &str) -> Option<&'static str> {
    let canonical = by_id(class_id.trim())?;
    let class = COMPONENTS.iter().find(|class| class.0 == canonical);
    class.map(|class| class.1)
}

fn by_id(wanted: &str) -> Option<&'static str> {
    let stem = without_version(wanted);
    let matches = |class: &&Class| {
        class.0.eq_ignore_ascii_case(wanted)
            || class.2.iter().any(|id| match is_guid(id) {
                true => same_guid(id, wanted),
                false => id.eq_ignore_ascii_case(stem),
            })
    };
    COMPONENTS.iter().find(matches).map(|class| class.0)
}

/// By friendly name or by the class of a type in the namespaces of SQL Server.
fn managed(type_name: &str) -> Option<&'static str> {
    let class = class_name(type_name);
    let is_type = is_microsoft_type(type_name);
    MANAGED
        .iter()
        .find(|(name, known)| {
            name.eq_ignore_ascii_case(type_name) || (is_type && known.eq_ignore_ascii_case(class))
        })
        .map(|(name, _)| *name)
}

fn by_contact(contact_info: &str) -> Option<&'static str> {
    let (name, rest) = contact_info.split_once(';')?;
    let is_microsoft = rest.trim_start().starts_with("Microsoft Corporation");
    COMPONENTS
        .iter()
        .find(|class| is_microsoft && class.1.eq_ignore_ascii_case(name.trim()))
        .map(|class| class.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_component() {
        for (class_id, canonical) in [
            (
                "{2932025B-AB99-40F6-B5B8-783A73F80E24}",
                Some("Microsoft.DerivedColumn"),
            ),
            (
                "{49928e82-9c4e-49f0-aabe-3812b82707ec}",
                Some("Microsoft.DerivedColumn"),
            ),
            (
                "DTSTransform.DerivedColumn.3",
                Some("Microsoft.DerivedColumn"),
            ),
            (
                "DTSTransform.DerivedColumn",
                Some("Microsoft.DerivedColumn"),
            ),
            ("microsoft.derivedcolumn", Some("Microsoft.DerivedColumn")),
            ("Attunity.SSISODBCSrc", Some("Microsoft.SSISODBCSrc")),
            ("Contoso.DerivedColumn", None),
            ("{00000000-0000-0000-0000-000000000001}", None),
            ("", None),
        ] {
            assert_eq!(
                resolve_component(class_id, None, ""),
                canonical,
                "{class_id}"
            );
        }
    }

    #[test]
    fn managed_components() {
        let host = "{2E42D45B-F83C-400F-8D77-61DDE6A7DF29}";
        for (type_name, canonical) in [
            (
                "Microsoft.SqlServer.Dts.Pipeline.DataReaderDestinationAdapter, Microsoft.SqlServer.DataReaderDest, \
                 Version=10.0.0.0, Culture=neutral, PublicKeyToken=89845dcd8080cc91",
                Some("Microsoft.DataReaderDestinationAdapter"),
            ),
            (
                "Microsoft.ScriptComponentHost",
                Some("Microsoft.ScriptComponentHost"),
            ),
            ("Contoso.Pipeline.ScriptComponentHost, Contoso", None),
        ] {
            assert_eq!(
                resolve_component(host, Some(type_name), ""),
                canonical,
                "{type_name}"
            );
        }
    }

    #[test]
    fn unknown_guid_by_contact() {
        let guid = "{00000000-0000-0000-0000-000000000001}";
        let contact = "Pivot;Microsoft Corporation; Microsoft SqlServer v9; ...;0";
        assert_eq!(
            resolve_component(guid, None, contact),
            Some("Microsoft.Pivot")
        );
        assert_eq!(resolve_component(guid, None, "Pivot;Contoso;0"), None);
    }
}
