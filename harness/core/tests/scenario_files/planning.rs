//! Plans: files, seeds, cases, ids and trace folders.

use weaknet_harness::files::Folders;
use weaknet_harness::plan::{Plan, Request};
use weaknet_harness::registry::Registry;

use crate::{Folder, call, collections, plan, plugins};

fn load(request: &Request) -> Plan {
    Plan::load(request, &plugins::registry()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn folders_patterns_and_files_name_each_file_once() {
    let text = call("");
    let folder = Folder::new(&[
        ("s/b.yaml", &text),
        ("s/a.yml", &text),
        ("s/sub/c.yaml", &text),
        ("s/notes.txt", "no"),
    ]);
    let names = |paths: &[&str]| {
        let paths = paths.iter().map(|path| folder.path(path)).collect();
        let plan = load(&Request {
            paths,
            ..Request::default()
        });
        plan.cases
            .iter()
            .map(|case| case.scenario.name.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(names(&["s"]), "a b c");
    assert_eq!(names(&["s/*.yaml"]), "b");
    assert_eq!(names(&["s/sub/c.yaml", "s", "s/../s/b.yaml"]), "c a b");
    assert_eq!(names(&["s/**/*.yaml"]), "b c");
}

#[test]
fn seeds_of_the_request_count() {
    let folder = Folder::new(&[("a.yaml", &call("seeds: [5, 6]\n"))]);
    let request = folder.request("a.yaml");
    let seeds = |request: &Request| {
        load(request)
            .cases
            .iter()
            .map(|case| case.seed)
            .collect::<Vec<_>>()
    };
    assert_eq!(seeds(&request), [5, 6]);
    assert_eq!(
        seeds(&Request {
            seeds: Some(3),
            ..request.clone()
        }),
        [1, 2, 3]
    );
    assert_eq!(
        seeds(&Request {
            seed: Some(9),
            seeds: Some(3),
            ..request.clone()
        }),
        [9]
    );
    // The other seeds of a request do not change what a case is called.
    let of = |request: &Request| {
        load(request)
            .cases
            .into_iter()
            .find(|case| case.seed == 5)
            .unwrap()
            .id
    };
    assert_eq!(
        of(&request),
        of(&Request {
            seeds: Some(7),
            ..request.clone()
        })
    );
}

#[test]
fn a_case_is_picked_by_the_start_of_its_id() {
    let folder = Folder::new(&[("a.yaml", &call("seeds: 20\n"))]);
    let all = load(&folder.request("a.yaml"));
    let wanted = &all.cases[13];
    assert_eq!(wanted.id.len(), 12);
    assert!(wanted.id.bytes().all(|b| b.is_ascii_hexdigit()));
    let request = Request {
        case: Some(wanted.id[..10].to_owned()),
        ..folder.request("a.yaml")
    };
    let one = load(&request);
    assert_eq!(
        (one.cases.len(), one.cases[0].index, one.cases[0].seed),
        (1, 13, 14)
    );
}

#[test]
fn the_limit_counts_all_files_together() {
    let folder = Folder::new(&[
        ("s/a.yaml", &call("seeds: 3\n")),
        ("s/b.yaml", &call("seeds: 3\n")),
    ]);
    let request = Request {
        limit: 5,
        ..folder.request("s")
    };
    assert!(
        folder
            .error(&request)
            .contains("6 runs and more: more than the limit of 5")
    );
    assert_eq!(
        load(&Request {
            limit: 6,
            ..request
        })
        .cases
        .len(),
        6
    );
}

#[test]
fn errors_of_all_files_are_shown() {
    let folder = Folder::new(&[
        ("s/a.yaml", "duration: 1\n"),
        ("s/b.yaml", &call("")),
        ("s/c.yaml", "duration: x\n"),
    ]);
    let found = folder.error(&folder.request("s"));
    assert!(found.contains("s/a.yaml:1:11: `1` has no unit"), "{found}");
    assert!(
        found.contains("s/c.yaml:1:11: expected a duration"),
        "{found}"
    );
}

#[test]
fn traces_are_looked_for_in_order() {
    let folder = Folder::new(&[
        ("scenarios/x.down", "1\n"),
        ("one/x.down", "2\n"),
        ("two/deep/y.down", "3\n"),
        ("two/deep/er/z.down", "4\n"),
    ]);
    let folders = collections(&folder, &["one", "two"]).beside(&[folder.path("scenarios").into()]);
    let found = |name: &str| folders.find(name).map(|path| path.display().to_string());
    assert_eq!(found("x.down"), Ok(folder.path("scenarios/x.down")));
    assert_eq!(found("deep/y.down"), Ok(folder.path("two/deep/y.down")));
    assert_eq!(
        found("y.down"),
        Ok(folder.path("two/deep/y.down")),
        "one folder deep"
    );
    assert_eq!(
        found("deep/er/z.down"),
        Ok(folder.path("two/deep/er/z.down"))
    );
    assert!(found("z.down").is_err(), "not two folders deep");
    assert!(found("").is_err());
    assert!(found("deep").is_err(), "folders are no files");
    assert!(
        found("deep/yy.down")
            .unwrap_err()
            .ends_with("(did you mean `deep/y.down`?)")
    );
    let names: Vec<String> = folders.names().into_iter().collect();
    assert_eq!(names, ["deep/y.down", "x.down"]);
    assert_eq!(Folders::default().names().len(), 0);
}

#[test]
fn registries_refuse_duplicates_and_stay_sorted() {
    let registry = plugins::registry();
    assert_eq!(registry.check(), Ok(()));
    let names: Vec<(&str, &str)> = registry
        .entries()
        .iter()
        .map(|entry| (entry.kind, entry.name))
        .collect();
    assert!(names.is_sorted(), "{names:?}");
    let twice = registry.add::<plugins::Gcc>();
    let message = "two plug-ins of kind congestion_control are called `gcc`";
    assert_eq!(twice.check(), Err(message.to_owned()));
    let error = Plan::load(&Request::default(), &twice).unwrap_err();
    assert_eq!(
        (error.exit_code(), error.to_string().as_str()),
        (2, message)
    );
}

#[test]
fn defaults_that_are_not_there_say_so() {
    let folder = Folder::new(&[("a.yaml", &call(""))]);
    let error = Plan::load(&folder.request("a.yaml"), &Registry::new())
        .unwrap_err()
        .to_string();
    assert!(
        error
            .contains("the default of rate, `unlimited`, cannot be used: unknown rate `unlimited`"),
        "{error}"
    );
}

#[test]
fn flows_are_needed_for_runs_only() {
    let none = "duration: 1s\n";
    let plan = plan(none, &[]).unwrap();
    assert_eq!(plan.cases[0].scenario.flows.len(), 0);
    let folder = Folder::new(&[("a.yaml", none), ("b.yaml", "duration: 1s\nflows: []\n")]);
    for (file, place) in [("a.yaml", "a.yaml:1:1"), ("b.yaml", "b.yaml:2:8")] {
        let found = folder.error(&Request {
            needs_flows: true,
            ..folder.request(file)
        });
        let start = format!("{place}: a scenario without flows has nothing to run");
        assert!(found.starts_with(&start), "{found}");
    }
}

#[test]
fn a_mistake_on_the_command_line_is_told_once() {
    let folder = Folder::new(&[("s/a.yaml", &call("")), ("s/b.yaml", &call(""))]);
    let found = folder.error(&Request {
        sets: vec!["flows.cal.fec=none".to_owned()],
        ..folder.request("s")
    });
    assert_eq!(found.matches("unknown item `cal`").count(), 1, "{found}");
}
