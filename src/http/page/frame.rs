//! The reader of a page, and the parts that all pages share.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};

use super::assets;
use crate::config::Level;
use crate::http::AppState;
use crate::http::auth::{Access, Caller, session};
use crate::http::error::ApiError;
use crate::store::SavedView;

/// The values in the head of every page.
#[derive(Clone)]
pub(crate) struct Head {
    /// The time zone of days.
    pub(crate) zone: String,
    /// `dark` or `light` if the reader chose one.
    pub(crate) theme: Option<&'static str>,
    pub(crate) style: &'static str,
    pub(crate) script: &'static str,
    pub(crate) icon: &'static str,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            zone: "UTC".to_owned(),
            theme: None,
            style: assets::style_path(),
            script: assets::script_path(),
            icon: assets::icon_path(),
        }
    }
}

impl Head {
    /// The head of a page for anybody, in the theme that the browser has chosen.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self { theme: theme_of(headers), ..Self::default() }
    }
}

fn theme_of(headers: &HeaderMap) -> Option<&'static str> {
    let theme = session::cookie(headers, "theme")?;
    ["dark", "light"].into_iter().find(|it| *it == theme)
}

/// The reader of a page. Extracting one succeeds only behind `auth::authorize`.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    pub(crate) caller: Caller,
    pub(crate) level: Level,
    zone: String,
    theme: Option<&'static str>,
    /// The columns that the reader chose last.
    pub(crate) columns: Option<String>,
    views: Vec<SavedView>,
}

impl FromRequestParts<Arc<AppState>> for Viewer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<AppState>) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let has = |level: &Level| Access::Person(*level).scope().is_none_or(|scope| caller.may(scope));
        let level = Level::ALL.into_iter().rev().find(has).unwrap_or(Level::Viewer);
        let theme = theme_of(&parts.headers);
        let columns = session::cookie(&parts.headers, "columns").map(str::to_owned);
        // A page is shown without them while the database does not answer.
        let views = state.store.saved_views().await.unwrap_or_default();
        Ok(Self { views, caller, level, zone: state.timezone.to_string(), theme, columns })
    }
}

/// The navigation of a page.
pub(crate) struct Frame {
    pub(crate) title: String,
    /// The title of the link that leads here.
    pub(crate) current: &'static str,
    level: Level,
    pub(crate) views: Vec<SavedView>,
    pub(crate) may_change: bool,
    /// The name of the signed-in person or token.
    pub(crate) signed_in: Option<String>,
    pub(crate) sees_personal_data: bool,
}

/// A link of the navigation.
pub(crate) struct PageLink {
    pub(crate) title: &'static str,
    pub(crate) path: &'static str,
    /// The key after `g`.
    pub(crate) key: char,
    /// The lines of its icon, as an SVG path on 24 units.
    pub(crate) icon: &'static str,
    level: Level,
}

const LINKS: [PageLink; 6] = [
    PageLink {
        title: "Start",
        path: "/",
        key: 's',
        icon: "M3 11 12 3l9 8M5 10v10h5v-6h4v6h5V10",
        level: Level::Viewer,
    },
    PageLink {
        title: "Orders",
        path: "/orders",
        key: 'o',
        icon: "M8 6h13M8 12h13M8 18h13M3 6h.01M3 12h.01M3 18h.01",
        level: Level::Viewer,
    },
    PageLink {
        title: "Numbers",
        path: "/numbers",
        key: 'n',
        icon: "M4 20V10M10 20V4M16 20v-7M22 20H2",
        level: Level::Viewer,
    },
    PageLink {
        title: "Files",
        path: "/import",
        key: 'f',
        icon: "M12 3v12M7 10l5 5 5-5M4 20h16",
        level: Level::Manager,
    },
    PageLink {
        title: "Log",
        path: "/log",
        key: 'l',
        icon: "M4 4h16v16H4zM8 9h8M8 13h8M8 17h5",
        level: Level::Admin,
    },
    PageLink {
        title: "State",
        path: "/state",
        key: 't',
        icon: "M3 12h4l3-8 4 16 3-8h4",
        level: Level::Admin,
    },
];

impl Frame {
    /// The links that the reader may use.
    pub(crate) fn links(&self) -> impl Iterator<Item = &'static PageLink> {
        LINKS.iter().filter(|link| link.level <= self.level)
    }
}

impl Viewer {
    /// The name for the history of orders.
    pub(crate) fn actor(&self) -> String {
        self.caller.person().unwrap_or_else(|| "page".to_owned())
    }

    pub(crate) fn head(&self) -> Head {
        Head { zone: self.zone.clone(), theme: self.theme, ..Head::default() }
    }

    /// The frame of a page with this title, below the link `current`.
    pub(crate) fn frame(&self, title: impl Into<String>, current: &'static str) -> Frame {
        Frame {
            title: title.into(),
            current,
            level: self.level,
            views: self.views.clone(),
            may_change: self.level >= Level::Manager,
            signed_in: self.caller.session().map(|session| session.name.clone()),
            sees_personal_data: self.caller.require_pii().is_ok(),
        }
    }
}
