//! Projects from archives and folders.

#![expect(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::io::{Cursor, Write};

use dtsx::{ConnectionManager, DeploymentModel, Error, Limits, Project};
use zip::{ZipWriter, write::SimpleFileOptions};

const MANIFEST: &str = r#"<SSIS:Project SSIS:ProtectionLevel="EncryptSensitiveWithUserKey" xmlns:SSIS="www.microsoft.com/SqlServer/SSIS">
  <SSIS:Properties>
    <SSIS:Property SSIS:Name="Name">Sales</SSIS:Property>
    <SSIS:Property SSIS:Name="TargetServerVersion">150</SSIS:Property>
  </SSIS:Properties>
  <SSIS:Packages>
    <SSIS:Package SSIS:Name="Load it.dtsx" SSIS:EntryPoint="1" />
    <SSIS:Package SSIS:Name="Broken.dtsx" SSIS:EntryPoint="0" />
    <SSIS:Package SSIS:Name="Absent.dtsx" SSIS:EntryPoint="0" />
    <SSIS:Package SSIS:Name="Old.dtsx" SSIS:EntryPoint="0" />
  </SSIS:Packages>
  <SSIS:ConnectionManagers>
    <SSIS:ConnectionManager SSIS:Name="Warehouse.conmgr" />
  </SSIS:ConnectionManagers>
</SSIS:Project>"#;

const PARAMETERS: &str = r#"<SSIS:Parameters xmlns:SSIS="www.microsoft.com/SqlServer/SSIS">
  <SSIS:Parameter SSIS:Name="Server"><SSIS:Properties>
    <SSIS:Property SSIS:Name="Required">1</SSIS:Property><SSIS:Property SSIS:Name="Sensitive">0</SSIS:Property>
    <SSIS:Property SSIS:Name="Value">db</SSIS:Property><SSIS:Property SSIS:Name="DataType">18</SSIS:Property>
  </SSIS:Properties></SSIS:Parameter>
  <SSIS:Parameter SSIS:Name="Key"><SSIS:Properties>
    <SSIS:Property SSIS:Name="Sensitive">1</SSIS:Property><SSIS:Property SSIS:Name="DataType">9</SSIS:Property>
    <SSIS:Property SSIS:Name="Value" SSIS:Sensitive="1">QUJD</SSIS:Property>
  </SSIS:Properties></SSIS:Parameter>
</SSIS:Parameters>"#;

const CONNECTION: &str = r#"<DTS:ConnectionManager xmlns:DTS="www.microsoft.com/SqlServer/Dts" DTS:ObjectName="Warehouse"
  DTS:DTSID="{00000000-0000-0000-0000-000000000051}" DTS:CreationName="OLEDB"><DTS:ObjectData>
  <DTS:ConnectionManager DTS:ConnectionString="Data Source=.;" /></DTS:ObjectData></DTS:ConnectionManager>"#;

fn files() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("@Project.manifest", MANIFEST.as_bytes()),
        ("Project.params", PARAMETERS.as_bytes()),
        ("Warehouse.conmgr", CONNECTION.as_bytes()),
        ("Load%20it.dtsx", include_bytes!("data/format_8.dtsx")),
        ("Broken.dtsx", b"<DTS:Executable"),
        ("Old.dtsx", include_bytes!("data/format_2.dtsx")),
        ("[Content_Types].xml", b"<Types/>"),
    ]
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn check(project: &Project) {
    assert_eq!(
        (
            project.name.as_str(),
            project.target_server_version.as_str()
        ),
        ("Sales", "150")
    );
    assert_eq!(
        (project.deployment_model, project.protection_level),
        (DeploymentModel::Project, 1)
    );
    let names: Vec<_> = project
        .packages
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["Load it.dtsx", "Old.dtsx"]);
    assert_eq!(project.entry_points, ["Load it.dtsx"]);
    assert_eq!(
        project.package("load IT").map(|package| package.name()),
        Some("Orders")
    );
    let broken: Vec<_> = project
        .broken
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(broken, ["Broken.dtsx", "Absent.dtsx"]);
    assert!(matches!(&project.broken[0].1, Error::InEntry { entry, .. } if entry == "Broken.dtsx"));
    let [server, key] = project.parameters.as_slice() else {
        panic!("{:?}", project.parameters)
    };
    assert_eq!(
        (server.value.as_str(), server.data_type, server.required),
        ("db", 8, true)
    );
    assert_eq!(
        (key.value.as_str(), key.data_type, key.sensitive),
        ("", 3, true)
    );
    assert_eq!(project.sealed, ["Project::Key"]);
    assert_eq!(
        project.connection_managers[0].ref_id,
        "Project.ConnectionManagers[Warehouse]"
    );
}

#[test]
fn archives_and_folders_give_the_same_project() {
    check(&Project::open_ispac(&archive(&files())).unwrap());
    let project_file = format!(
        "<Project><DeploymentModel>Project</DeploymentModel><DeploymentModelSpecificContent><Manifest>{MANIFEST}</Manifest>\
         </DeploymentModelSpecificContent></Project>"
    );
    let mut folder: Vec<(String, Vec<u8>)> = files()
        .into_iter()
        .skip(1)
        .map(|(name, bytes)| (name.replace("%20", " "), bytes.to_vec()))
        .collect();
    folder.push(("Other.dtsx".to_owned(), b"not listed".to_vec()));
    folder.push(("Sales.dtproj".to_owned(), project_file.into_bytes()));
    check(&Project::read_folder(&folder).unwrap());
}

#[test]
fn package_deployment_model() {
    let text = "<Project><DeploymentModel>Package</DeploymentModel><DTSPackages><DtsPackage><Name>Old.dtsx</Name>\
                <FullPath>Old.dtsx</FullPath></DtsPackage></DTSPackages></Project>";
    let old = include_bytes!("data/format_2.dtsx").to_vec();
    let mut folder = vec![
        ("Old.dtsx".to_owned(), old),
        ("Nightly.dtproj".to_owned(), text.as_bytes().to_vec()),
    ];
    let project = Project::read_folder(&folder).unwrap();
    assert_eq!(
        (project.name.as_str(), project.deployment_model),
        ("Nightly", DeploymentModel::Package)
    );
    assert_eq!(project.packages.len(), 1);
    folder.pop();
    assert_eq!(Project::read_folder(&folder).unwrap().packages.len(), 1);
}

#[test]
fn connection_files() {
    let manager = ConnectionManager::read(CONNECTION.as_bytes()).unwrap();
    assert_eq!(
        manager.properties.get("ConnectionString"),
        Some("Data Source=.;")
    );
    assert!(matches!(
        ConnectionManager::read(b"<a/>"),
        Err(Error::WrongRoot { .. })
    ));
}

#[test]
fn hostile_archives_are_refused() {
    let open = |files: &[(&str, &[u8])], limits: &Limits| {
        Project::open_ispac_with(&archive(files), limits)
            .unwrap_err()
            .to_string()
    };
    let limits = Limits::default();
    let manifest = ("@Project.manifest", MANIFEST.as_bytes());
    for name in [
        "../../etc/cron.d/x",
        "..\\x.dtsx",
        "/x",
        "%2E%2E/x.dtsx",
        "C:\\x.dtsx",
    ] {
        let message = open(&[manifest, (name, b"x")], &limits);
        assert!(
            message.contains(name) && message.contains("leads out"),
            "{message}"
        );
    }
    let zeros = vec![0; 4 << 20];
    let message = open(&[manifest, ("Bomb.dtsx", &zeros)], &limits);
    assert!(
        message.contains("Bomb.dtsx") && message.contains("when unpacked"),
        "{message}"
    );
    let tight = Limits {
        unpacked_bytes_max: 1500,
        ..Limits::default()
    };
    assert!(open(&[manifest, ("Big.dtsx", &[b'x'; 1000])], &tight).contains("Big.dtsx"));
    let few = Limits {
        entries_max: 1,
        ..Limits::default()
    };
    assert!(open(&[manifest, ("a", b"")], &few).contains("2 entries"));
    assert!(open(&[("a", b"")], &limits).contains("no @Project.manifest"));
    assert!(open(&[manifest, ("a.dtsx", b""), ("A.dtsx", b"")], &limits).contains("two entries"));
    let whole = archive(&files());
    for length in (0..whole.len()).step_by(101) {
        assert!(Project::open_ispac(&whole[..length]).is_err(), "{length}");
    }
}
