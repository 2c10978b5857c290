//! Packages and projects that a password closes: ciphers that SSIS wrote, and what is closed here.

#![expect(clippy::unwrap_used, reason = "tests")]

use dtsx::{
    ConnectionManager, Document, Error, Limits, Package, Project, ProtectionLevel, SealedBy,
    Secrets, SsisCode,
};

/// Written by SSIS of SQL Server 2022, password `134` (published with the package).
const AES_256: &str = r#"<EncryptedData Type="http://www.w3.org/2001/04/xmlenc#Element" Salt="VjPnyTHSlJk=" IV="mxf0j8bCVIXF2Qu9dtuDKw==" xmlns="http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc" /><CipherData><CipherValue>mxf0j8bCVIXF2Qu9dtuDK4eMS4JMzhi7AAz+xMxzvB45SH7ql82JG+HTohz9fAOqD3oGgWTLf18Po4J6aSQGWaCIiBohKUUEwieGp12A3idf+HjJyU4qesEw9lvYZfe6f7zm9p5425GsiNC2zvEnS46gRMRqnz6vvu40N0fH4Kw=</CipherValue></CipherData></EncryptedData>"#;
/// Written by SSIS of SQL Server 2014, password `134`.
const TRIPLE_DES: &str = r#"<EncryptedData Type="http://www.w3.org/2001/04/xmlenc#Element" Salt="vBNTgYJsvQ==" IV="//2ob6XSm0A=" xmlns="http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#tripledes-cbc" /><CipherData><CipherValue>//2ob6XSm0AW5tGrmNOigmOD7+Od8BxJcmbn1TUMq6QzKsvwqTLh7cwEaEE3Pdne4bzZT9xLBHCd59ocX/hBee4WL4dXHRHqHySpD6qjnbpdhFaMRFTY45fHsUAJSmhtrH41MOOaMxjL82A0/3eafxRHYvwGC5ev</CipherValue></CipherData></EncryptedData>"#;
/// Written by SSIS of SQL Server 2005, password `134`.
const TRIPLE_DES_2005: &str = r#"<EncryptedData Type="http://www.w3.org/2001/04/xmlenc#Element" Salt="HX81ZlhZhA==" IV="LggomVdQUTc=" xmlns="http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#tripledes-cbc"/><CipherData><CipherValue>LggomVdQUTcDo+fzngNUDOEqOxVpofqiDZAs1xQnKOuC0+M45luIHuZqBKiw1D6S</CipherValue></CipherData></EncryptedData>"#;
/// The value of a parameter, an integer; SSIS of SQL Server 2012, password `ssis123` (published with the project).
const PARAMETER: &str = r#"<EncryptedData IV="DSdxwa1Z9bg=" Salt="BD5TixIRQw==" Type="http://www.w3.org/2001/04/xmlenc#Element" xmlns="http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#tripledes-cbc" /><CipherData><CipherValue>DSdxwa1Z9bjVazXDoP2jNMPbRDJrHD8OBFleaf0qjnQEx/RI8iVfEWlY374ai8Zy6Bvo8DioLNhMAl6I7qA+MW0ssDjQ8kMBvBNhPeqMrmWts9IpAqkSNPY2T1v/7EGyNYbO9i3Hn5TFI7QLnGjyBgPIWfJR8hqSCBwsqaTyWNY=</CipherValue></CipherData></EncryptedData>"#;
/// From the project file of the same project.
const VERIFIER: &str = r#"<SSIS:Property SSIS:Name="PasswordVerifier" SSIS:Sensitive="1" SSIS:Salt="HXnjtack/A==" SSIS:IV="KfkNhx5Gf4A=">V15MiE2L6GIVrwjrlE/wlgsDAQw408PuQOdjNV7RDs5/tnGrm5ZUKX7q7+dxezyU43R2eZZFEggfVx86nD/ljeYBR2Gio3wA21HhCyThMgobL7IhdSj2X42QcAKenVClJGT6wYWfGRCSau5Hq4O5Bntse/GLh6oYvBvILF4TiFsHkCaZWl1IGA==</SSIS:Property>"#;
/// From its Project.params.
const PROJECT_PARAMETER: &str = r#"<SSIS:Property SSIS:Name="Value" SSIS:Sensitive="1" SSIS:Salt="epador5i2A==" SSIS:IV="0PJQ+7Nwxuw=">gGo7345pq07rm5e1VMMMYLU4x4OcHONBmq6QtTfsO3q1edVDeucZlwuyaXCdpPfazTs97AiqJ5yM0tc/7IK3xRHw6iIi5nT59IgtOhUF29GMcCL9MZHxtottfqkJ/0AcHq3brrgifVOaHPIfdyS9kxdPEiiYwiYK5dmYai6sBYs=</SSIS:Property>"#;
/// From a .conmgr file of it.
const MANAGER: &str = r#"<DTS:Property DTS:Name="ServerPassword" Sensitive="1" p5:Salt="a5Q6/fVnKw==" p5:IV="q/9W/LWhO9I=" xmlns:p5="www.microsoft.com/SqlServer/SSIS">kU+1vA+7JpkTCMMi3FyW6QDnI5SiPpdeMn00Sf+cFCPjrp78b1qktgzEBmIbOj2lTFUCfuXQP9BYum8IYe20LrSjN9xdX2W4I9OXTWvUY3a0Kvyv67Se3knsixn2fAZxbxO90ENDtUJGDcWBS9M5DMvhW5oiUYKNvXEjcXHRbh4=</DTS:Property>"#;

fn package(managers: &str, parameters: &str, version: &str) -> String {
    format!(
        r#"<?xml version="1.0"?>
<DTS:Executable xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:refId="Package" DTS:DTSID="{{5246B62A-9A6E-4F69-8845-33DA5FE87DCA}}"
  DTS:LastModifiedProductVersion="{version}" DTS:ObjectName="P" DTS:ProtectionLevel="2">
  <DTS:ConnectionManagers><DTS:ConnectionManager DTS:refId="Package.ConnectionManagers[Sales DB]" DTS:CreationName="OLEDB" DTS:ObjectName="Sales DB">
    <DTS:ObjectData><DTS:ConnectionManager DTS:ConnectionString="Data Source=x;User ID=sa;">{managers}</DTS:ConnectionManager></DTS:ObjectData>
  </DTS:ConnectionManager></DTS:ConnectionManagers>
  <DTS:PackageParameters>{parameters}</DTS:PackageParameters>
</DTS:Executable>"#
    )
}

fn parameter(value: &str) -> String {
    format!(
        r#"<DTS:PackageParameter DTS:DataType="3" DTS:ObjectName="Key" DTS:Sensitive="True">{value}</DTS:PackageParameter>"#
    )
}

/// A package in the clear, with a password and a sensitive parameter.
fn clear(version: &str) -> String {
    let password =
        r#"<DTS:Password DTS:Name="Password" Sensitive="1">s&amp;cret &#xE9;</DTS:Password>"#;
    let value = r#"<DTS:Property DTS:DataType="3" DTS:Name="ParameterValue">7</DTS:Property>"#;
    package(password, &parameter(value), version)
}

fn read(text: &str) -> Package {
    Package::read(text.as_bytes()).unwrap()
}

fn open(text: &str, password: &str) -> Result<Package, Error> {
    Package::read_with_password(text.as_bytes(), password, &Limits::default())
}

fn password_of(package: &Package) -> Option<&str> {
    package.connection_managers()[0].properties.get("Password")
}

#[test]
fn what_ssis_closed_opens() {
    for (cipher, element) in [
        (
            AES_256,
            r#"<DTS:Password DTS:Name="Password" Sensitive="1">sapw</DTS:Password>"#,
        ),
        (
            TRIPLE_DES,
            r#"<DTS:Password DTS:Name="Password" Sensitive="1">sapw</DTS:Password>"#,
        ),
        (TRIPLE_DES_2005, r#"<PassWord Sensitive="1"></PassWord>"#),
    ] {
        let closed = package(cipher, "", "12.0.2344.23");
        assert_eq!(
            read(&closed).connection_managers()[0].sealed,
            ["EncryptedData"]
        );
        let opened = open(&closed, "134").unwrap();
        assert_eq!(
            opened.document().source(),
            package(element, "", "12.0.2344.23")
        );
        assert_eq!(opened.sealed(), []);
        assert_eq!(opened.protection_level(), 2);
    }
    let opened = open(&package(AES_256, "", "16.0"), "134").unwrap();
    assert_eq!(password_of(&opened), Some("sapw"));
}

#[test]
fn a_parameter_that_ssis_closed_opens() {
    let property = format!(r#"<DTS:Property DTS:Name="ParameterValue">{PARAMETER}</DTS:Property>"#);
    let closed = read(&package("", &parameter(&property), "12.0"));
    assert_eq!(closed.parameters()[0].value, "");
    assert_eq!(closed.sealed()[0].to_string(), "Key.ParameterValue");
    let opened = closed.decrypt("ssis123").unwrap();
    let wanted = r#"<DTS:Property DTS:Name="ParameterValue" DTS:DataType="3">2</DTS:Property>"#;
    assert_eq!(
        opened.document().source(),
        package("", &parameter(wanted), "12.0")
    );
    assert_eq!(opened.parameters()[0].value, "2");
}

#[test]
fn a_project_that_ssis_closed_opens() {
    let manifest = format!(
        r#"<Project><DeploymentModel>Project</DeploymentModel><DeploymentModelSpecificContent><Manifest>
<SSIS:Project SSIS:ProtectionLevel="EncryptSensitiveWithPassword" xmlns:SSIS="www.microsoft.com/SqlServer/SSIS"><SSIS:Properties>
<SSIS:Property SSIS:Name="Name">Sample</SSIS:Property>{VERIFIER}</SSIS:Properties><SSIS:ConnectionManagers>
<SSIS:ConnectionManager SSIS:Name="FTP.conmgr" /></SSIS:ConnectionManagers></SSIS:Project></Manifest></DeploymentModelSpecificContent></Project>"#
    );
    let parameters = format!(
        r#"<SSIS:Parameters xmlns:SSIS="www.microsoft.com/SqlServer/SSIS"><SSIS:Parameter SSIS:Name="SourceDBName"><SSIS:Properties>
<SSIS:Property SSIS:Name="Sensitive">1</SSIS:Property>{PROJECT_PARAMETER}<SSIS:Property SSIS:Name="DataType">18</SSIS:Property>
</SSIS:Properties></SSIS:Parameter></SSIS:Parameters>"#
    );
    let manager = format!(
        r#"<DTS:ConnectionManager xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:ObjectName="FTP" DTS:CreationName="FTP"><DTS:ObjectData>
<DTS:ConnectionManager DTS:ConnectionString="ss.ee:21"><DTS:FtpConnection DTS:ServerUserName="anonymous">{MANAGER}</DTS:FtpConnection>
</DTS:ConnectionManager></DTS:ObjectData></DTS:ConnectionManager>"#
    );
    let files: Vec<(String, Vec<u8>)> = [
        ("Sample.dtproj", manifest),
        ("Project.params", parameters),
        ("FTP.conmgr", manager),
    ]
    .map(|(name, text)| (name.to_owned(), text.into_bytes()))
    .into();
    let closed = Project::read_folder(&files).unwrap();
    assert_eq!(closed.sealed, ["Project::SourceDBName"]);
    assert_eq!(closed.parameters[0].value, "");
    assert_eq!(closed.connection_managers[0].sealed, ["ServerPassword"]);
    let server_password = |project: &Project| {
        let properties = &project.connection_managers[0].properties;
        properties.get("ServerPassword").map(str::to_owned)
    };
    assert_eq!(server_password(&closed).as_deref(), Some(""));
    let limits = Limits::default();
    let opened = Project::read_folder_with_password(&files, "ssis123", &limits).unwrap();
    assert_eq!(opened.parameters[0].value, "master");
    assert_eq!(server_password(&opened).as_deref(), Some("12345"));
    assert_eq!(opened.sealed, [""; 0]);
    let error = Project::read_folder_with_password(&files, "ssis124", &limits).unwrap_err();
    assert_eq!(error.code(), SsisCode::DECRYPT_XML_PASSWORD);
    assert!(error.to_string().contains("PasswordVerifier"), "{error}");
}

#[test]
fn closed_and_opened_again() {
    for version in ["11.0.2100.60", "14.0.500.272", "15.0.2000.93", "17.0.1"] {
        let text = clear(version);
        let original = read(&text);
        for level in [
            ProtectionLevel::EncryptSensitiveWithPassword,
            ProtectionLevel::EncryptAllWithPassword,
        ] {
            let closed = original.encrypt(level, Some("pä")).unwrap();
            let source = closed.document().source();
            assert!(
                !source.contains("cret") && !source.contains(">7<"),
                "{source}"
            );
            let is_aes = source.contains("aes256-cbc");
            assert_eq!(
                is_aes,
                ["15", "17"].contains(&version.get(..2).unwrap()),
                "{version}"
            );
            assert_eq!(closed.protection_level(), level.number());
            let again = read(source).decrypt("pä").unwrap();
            let wanted = text.replace(
                "ProtectionLevel=\"2\"",
                &format!("ProtectionLevel=\"{}\"", level.number()),
            );
            assert_eq!(
                again.document().canonical(),
                read(&wanted).document().canonical()
            );
            assert_eq!(password_of(&again), Some("s&cret é"));
            assert_eq!(again.parameters()[0].value, "7");
        }
    }
}

#[test]
fn level_0_leaves_secrets_out() {
    let closed = read(&clear("15.0"))
        .encrypt(ProtectionLevel::DontSaveSensitive, None)
        .unwrap();
    assert_eq!(closed.protection_level(), 0);
    assert_eq!(password_of(&closed), None);
    assert_eq!(closed.parameters()[0].value, "");
    // Values that cannot be opened are left out too.
    let sealed = read(&package(AES_256, "", "15.0"));
    let left = sealed
        .encrypt(ProtectionLevel::DontSaveSensitive, None)
        .unwrap();
    assert_eq!(left.sealed(), []);
}

#[test]
fn old_formats_keep_their_property_elements() {
    let text = r#"<DTS:Executable xmlns:DTS="www.microsoft.com/SqlServer/Dts"><DTS:Property DTS:Name="ProtectionLevel">1</DTS:Property><DTS:ConnectionManager><DTS:Property DTS:Name="ObjectName">M</DTS:Property><DTS:ObjectData><DTS:ConnectionManager><DTS:Password DTS:Name="Password" Sensitive="1">x</DTS:Password></DTS:ConnectionManager></DTS:ObjectData></DTS:ConnectionManager></DTS:Executable>"#;
    let level = ProtectionLevel::EncryptSensitiveWithPassword;
    let closed = read(text).encrypt(level, Some("p")).unwrap();
    assert_eq!(closed.protection_level(), 2);
    assert_eq!(closed.sealed()[0].name, "M");
    let again = closed.decrypt("p").unwrap();
    assert_eq!(again.document().source(), text.replace(">1<", ">2<"));
}

#[test]
fn other_passwords_are_errors() {
    let closed = package(AES_256, "", "16.0");
    let error = open(&closed, "135").unwrap_err();
    assert_eq!(error.code(), SsisCode::DECRYPT_XML_PASSWORD);
    assert_eq!(error.position().map(|at| at.line), Some(5));
    let wanted = "line 5, column 93: Package.ConnectionManagers[Sales DB].EncryptedData is encrypted with a password";
    assert!(error.to_string().contains(wanted), "{error}");
    let whole = read(&clear("16.0"))
        .encrypt(ProtectionLevel::EncryptAllWithPassword, Some("p"))
        .unwrap();
    assert!(whole.check_open().is_err() && whole.executables().count() == 1);
    let error = whole.decrypt("q").unwrap_err();
    assert_eq!(error.code(), SsisCode::PACKAGE_PASSWORD);
    // The same with the start tag of the package around the cipher.
    let inside = |cipher: &str| {
        format!(
            r#"<DTS:Executable xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:ProtectionLevel="3">{cipher}</DTS:Executable>"#
        )
    };
    let wrapped = read(&inside(whole.document().root().outer_xml()));
    assert_eq!(
        wrapped.decrypt("q").unwrap_err().code(),
        SsisCode::PACKAGE_PASSWORD
    );
    assert_eq!(
        password_of(&wrapped.decrypt("p").unwrap()),
        Some("s&cret é")
    );
}

#[test]
fn levels_that_are_not_possible_are_refused() {
    let package = read(&clear("16.0"));
    let code = |level, password| package.encrypt(level, password).unwrap_err().code();
    use ProtectionLevel as Level;
    for level in [
        Level::EncryptSensitiveWithUserKey,
        Level::EncryptAllWithUserKey,
    ] {
        assert_eq!(code(level, Some("p")), SsisCode::PACKAGE_PROTECT);
    }
    assert_eq!(
        code(Level::ServerStorage, None),
        SsisCode::SERVER_STORAGE_DISALLOWED
    );
    for password in [None, Some("")] {
        let level = Level::EncryptAllWithPassword;
        assert_eq!(code(level, password), SsisCode::PACKAGE_PASSWORD_EMPTY);
    }
}

#[test]
fn what_is_closed_is_not_closed_again() {
    let level = ProtectionLevel::EncryptSensitiveWithPassword;
    let by_password = read(&package(AES_256, "", "16.0"));
    let error = by_password.encrypt(level, Some("p")).unwrap_err();
    assert_eq!(error.code(), SsisCode::DECRYPT_XML_PASSWORD);
    let blob = r#"<DTS:Password DTS:Name="Password" Sensitive="1" Encrypted="1">AQAAANCMnd8BFdERjHoAwE/Cl+s=</DTS:Password>"#;
    let by_user = read(&package(blob, "", "16.0"));
    assert_eq!(by_user.sealed()[0].by, SealedBy::UserKey);
    let error = by_user.encrypt(level, Some("p")).unwrap_err();
    assert_eq!(error.code(), SsisCode::DECRYPT_USER_KEY);
    assert_eq!(by_user.decrypt("p").unwrap().sealed().len(), 1);
    let whole = read(&clear("16.0"))
        .encrypt(ProtectionLevel::EncryptAllWithPassword, Some("p"))
        .unwrap();
    let error = whole
        .encrypt(ProtectionLevel::DontSaveSensitive, None)
        .unwrap_err();
    assert_eq!(error.code(), SsisCode::PACKAGE_PASSWORD);
    let by_user = read("<DTS:Executable xmlns:DTS=\"u\" Encrypted=\"1\">AQAA</DTS:Executable>");
    for error in [by_user.with_new_id(), by_user.encrypt(level, Some("p"))] {
        assert_eq!(error.unwrap_err().code(), SsisCode::DECRYPT_USER_KEY);
    }
}

#[test]
fn damaged_ciphers_are_errors() {
    for (from, to, wanted) in [
        (r#"Salt="VjPnyTHSlJk=""#, "", "it has no Salt"),
        (
            r#"IV="mxf0j8bCVIXF2Qu9dtuDKw==""#,
            r#"IV="?""#,
            "its IV is no Base64",
        ),
        (
            "aes256-cbc",
            "rc4",
            "its algorithm is `http://www.w3.org/2001/04/xmlenc#rc4`",
        ),
        ("aes256-cbc", "tripledes-cbc", "does not open it"),
        (
            "<CipherValue>",
            "<CipherValue>QUJD</CipherValue><X>",
            "its IV has 3 bytes, wanted 16",
        ),
        ("CipherData", "Data", "it has no CipherValue"),
    ] {
        let cipher = AES_256.replace(from, to);
        let cipher = if to.ends_with("<X>") {
            cipher.replace("</CipherValue></CipherData>", "</X></CipherData>")
        } else {
            cipher
        };
        let error = open(&package(&cipher, "", "16.0"), "134").unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
    }
    let limits = Limits {
        ciphers_max: 2,
        ..Limits::default()
    };
    let text = package(&AES_256.repeat(3), "", "16.0");
    let error = Package::read_with_password(text.as_bytes(), "134", &limits).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: 2, .. }), "{error}");
}

#[test]
fn secrets_are_supplied_to_the_view() {
    let mut secrets = Secrets::default();
    secrets.insert("Sales DB", "given");
    secrets.insert("key", "9");
    let property = format!(r#"<DTS:Property DTS:Name="ParameterValue">{PARAMETER}</DTS:Property>"#);
    let text = package(AES_256, &parameter(&property), "16.0");
    let mut package = read(&text);
    assert!(package.sealed().iter().all(|sealed| secrets.has(sealed)));
    package.supply(&secrets);
    assert_eq!(password_of(&package), Some("given"));
    assert_eq!(package.connection_managers()[0].sealed, [""; 0]);
    assert_eq!(package.parameters()[0].value, "9");
    assert_eq!(package.write(), text.as_bytes());
}

#[test]
fn connection_files_of_a_user_key_are_sealed() {
    let text = r#"<DTS:ConnectionManager xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:ObjectName="M" DTS:CreationName="OLEDB"><DTS:ObjectData><DTS:ConnectionManager><DTS:Password DTS:Name="Password" Sensitive="1">AQAAANCMnd8BFdERjHoAwE/Cl+sBAAAA</DTS:Password></DTS:ConnectionManager></DTS:ObjectData></DTS:ConnectionManager>"#;
    let manager = ConnectionManager::read(text.as_bytes()).unwrap();
    assert_eq!(manager.sealed, ["Password"]);
    assert_eq!(manager.properties.get("Password"), None);
    assert!(Document::read(text.as_bytes()).is_ok());
}
