//! `[access]`: the access levels for the commands in Discord.

use roms::config::{Access, Level};

use crate::config::{load, refusal};

fn access(file: &str) -> Access {
    load(file, &[]).unwrap_or_else(|report| panic!("{report}")).access
}

#[test]
fn without_any_ids_manage_server_decides() {
    let empty = access("");
    assert!(!empty.is_configured());
    assert_eq!(empty.level_of(1, &[2, 3], true), Some(Level::Admin));
    assert_eq!(empty.level_of(1, &[2, 3], false), None);
}

#[test]
fn a_level_includes_those_below_and_the_highest_counts() {
    let some = access("[access]\nviewer = [\"10\"]\nmanager = [\"20\", \"21\"]\nadmin = [30]");
    for (user, roles, expected) in [
        (1, vec![10], Some(Level::Viewer)),
        (1, vec![10, 21], Some(Level::Manager)),
        (30, vec![], Some(Level::Admin)),
        (1, vec![30, 10], Some(Level::Admin)),
        (1, vec![99], None),
    ] {
        assert_eq!(some.level_of(user, &roles, false), expected, "{user} {roles:?}");
        assert_eq!(
            some.level_of(user, &roles, true),
            expected,
            "Manage Server counts no more: {user} {roles:?}"
        );
    }
    assert_eq!(some.reaching(Level::Manager).collect::<Vec<_>>(), [20, 21, 30]);
    assert!(Level::Viewer < Level::Manager && Level::Manager < Level::Admin);
}

#[test]
fn ids_can_be_variables_and_mistakes_are_reported() {
    let some = load("", &[("ROMS__ACCESS__VIEWER", "5, 6")]).unwrap().access;
    assert_eq!(some.viewer, [5, 6]);
    let report = refusal("[access]\nviewer = [\"@buyers\"]", &[]);
    assert!(report.contains("access.viewer: expected an id"), "{report}");
    let report = refusal("[access]\nowner = []", &[]);
    assert!(report.contains("owner"), "{report}");
}
