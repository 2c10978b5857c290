//! The id of a package and its signature.

#![expect(clippy::unwrap_used, reason = "tests")]

use dtsx::{Error, Package, ProtectionLevel, SsisCode};

fn read(text: &str) -> Package {
    Package::read(text.as_bytes()).unwrap()
}

#[test]
fn a_new_id_replaces_the_old_one_everywhere() {
    let old = "5246b62a-9a6e-4f69-8845-33da5fe87dca";
    let text = format!(
        r#"<?xml version="1.0"?>
<DTS:Executable xmlns:DTS="www.microsoft.com/SqlServer/Dts"><DTS:PackageVariable><DTS:Property DTS:Name="ObjectName">{{{}}}</DTS:Property></DTS:PackageVariable>
<DTS:Property DTS:Name="DTSID">{{{old}}}</DTS:Property><DTS:Property DTS:Name="VersionGUID">{{5246b62a-9a6e-4f69-8845-33da5fe87dcb}}</DTS:Property></DTS:Executable>"#,
        old.to_uppercase()
    );
    let (first, second) = (
        read(&text).with_new_id().unwrap(),
        read(&text).with_new_id().unwrap(),
    );
    assert_ne!(first.id(), second.id());
    let id = first.id().trim_matches(['{', '}']).to_owned();
    assert_eq!((id.len(), id.get(14..15)), (36, Some("4")));
    assert_eq!(first.document().source().matches(&id).count(), 2);
    let back = first.document().source().replace(&id, old);
    assert!(back.eq_ignore_ascii_case(&text));
}

#[test]
fn ids_that_are_none_or_not_known_are_errors() {
    let start = "<DTS:Executable xmlns:DTS=\"www.microsoft.com/SqlServer/Dts\"";
    for id in ["", "{1}", "DTS"] {
        let package = read(&format!("{start} DTS:DTSID=\"{id}\"/>"));
        assert!(matches!(package.with_new_id(), Err(Error::NoId { .. })));
    }
    let closed = read(&format!("{start} DTS:DTSID=\"{{1}}\"/>"))
        .encrypt(ProtectionLevel::EncryptAllWithPassword, Some("p"))
        .unwrap();
    let error = closed.with_new_id().unwrap_err();
    assert_eq!(error.code(), SsisCode::PACKAGE_PASSWORD);
}

#[test]
fn signatures_are_seen_and_do_not_outlive_a_change() {
    let package = |signature: &str| {
        format!(
            r#"<DTS:Executable xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:DTSID="{{5246B62A-9A6E-4F69-8845-33DA5FE87DCA}}">{signature}</DTS:Executable>"#
        )
    };
    let signed = read(&package(
        r#"<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature>"#,
    ));
    assert!(signed.is_signed());
    let error = signed.check_signature().unwrap_err();
    assert_eq!(error.code(), SsisCode::PACKAGE_VERIFICATION_FAILED);
    let level = ProtectionLevel::DontSaveSensitive;
    for changed in [signed.with_new_id(), signed.encrypt(level, None)] {
        assert!(!changed.unwrap().is_signed());
    }
    let unsigned = read(&package(""));
    let error = unsigned.check_signature().unwrap_err();
    assert_eq!(error.code(), SsisCode::SIGNATURE_NOT_PRESENT);
}
