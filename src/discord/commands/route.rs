//! Buttons, selects and modals. All that one of them has to know stands in its custom id, so that it
//! works after a restart as before: `name:argument:argument`.

use std::fmt::Display;
use std::str::{FromStr, Split};

use futures_util::future::BoxFuture;

use super::failure::Failure;
use super::{cancel, edit, logs, order, orders, read_as_order};
use crate::config::Level;
use crate::discord::reply::responder::Turn;

/// Longest custom id, in characters.
const LONGEST_ID: usize = 100;

/// What answers a component.
pub(crate) struct Route {
    pub(crate) name: &'static str,
    pub(crate) level: Level,
    pub(crate) handle: Handle,
}

type Handle = for<'a> fn(&'a Turn<'a>, Arguments<'a>) -> BoxFuture<'a, Result<(), Failure>>;

macro_rules! routes {
    ($($name:literal, $level:ident => $handle:path;)+) => {
        /// Every component there is, by name, with the level that it takes.
        const ROUTES: &[Route] = &[
            $(Route { name: $name, level: Level::$level, handle: |turn, arguments| Box::pin($handle(turn, arguments)) },)+
        ];
    };
}

routes! {
    "order", Viewer => order::again;
    "open", Viewer => order::chosen;
    "history", Viewer => order::history;
    "share", Viewer => order::share;
    "list", Viewer => orders::turn_page;
    "edit", Manager => edit::open;
    "save", Manager => edit::save;
    "cancel", Manager => cancel::confirmed;
    "keep", Manager => cancel::kept;
    "undo", Manager => cancel::undone;
    "store", Manager => read_as_order::store;
    "logs", Admin => logs::turn_page;
    "log", Admin => logs::chosen;
    "replay", Admin => logs::replay;
}

/// The route of a custom id, and its arguments.
pub(crate) fn find(custom_id: &str) -> Option<(&'static Route, Arguments<'_>)> {
    let mut parts = custom_id.split(':');
    let name = parts.next()?;
    let route = ROUTES.iter().find(|route| route.name == name)?;
    Some((route, Arguments(parts)))
}

/// The custom id of a route with its arguments, none of which holds a colon.
pub(crate) fn custom_id(name: &'static str, arguments: &[&dyn Display]) -> String {
    let id = arguments.iter().fold(name.to_owned(), |id, argument| format!("{id}:{argument}"));
    debug_assert!(id.chars().count() <= LONGEST_ID, "a custom id is at most {LONGEST_ID} characters long");
    id
}

/// The arguments of a custom id, in order. One that is missing or cannot be read was written by
/// another release.
pub(crate) struct Arguments<'a>(Split<'a, char>);

impl<'a> Arguments<'a> {
    pub(crate) fn text(&mut self) -> Result<&'a str, Failure> {
        self.0.next().ok_or(Failure::OutOfDate)
    }

    pub(crate) fn read<T: FromStr>(&mut self) -> Result<T, Failure> {
        self.text()?.parse().map_err(|_| Failure::OutOfDate)
    }
}
