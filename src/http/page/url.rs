//! The query of a page's URL: its parameters as they arrived, and links to the same view with other ones.

use form_urlencoded::{Serializer, parse};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::export::ExportFormat;
use crate::http::error::ApiError;
use crate::http::query::{FormatName, Name, read_parameters};

/// The parameter with the part of a page that an open page reads again.
pub(crate) const PART: &str = "part";

/// A link to a file, with the name of its format.
pub(crate) struct FileLink {
    pub(crate) title: &'static str,
    pub(crate) url: String,
}

/// Links to a view as a file, one for each format.
pub(crate) fn file_links(query: &UrlQuery, path: &str) -> Vec<FileLink> {
    let link = |(title, format): (&'static str, ExportFormat)| FileLink {
        title,
        url: query.with("format", format.as_str()).link(path),
    };
    [("CSV", ExportFormat::Csv), ("Excel", ExportFormat::Xlsx)].map(link).into()
}

/// The form of an exported file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileFormat {
    #[param(inline, value_type = FormatName, required = false)]
    format: Option<FormatName>,
}

impl FileFormat {
    pub(crate) fn format(self) -> ExportFormat {
        self.format.map_or(ExportFormat::Csv, |Name(format)| format)
    }
}

/// The parameters of a URL that have a value.
#[derive(Clone, Debug, Default)]
pub(crate) struct UrlQuery(Vec<(String, String)>);

impl UrlQuery {
    pub(crate) fn of(query: Option<&str>) -> Self {
        let pairs = parse(query.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().filter(|(_, value)| !value.is_empty()).collect())
    }

    /// A parameter's value; empty if it has none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        self.get(name).eq_ignore_ascii_case(value)
    }

    /// The same query without these parameters.
    pub(crate) fn without(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())).cloned().collect())
    }

    /// The same query with a parameter set.
    #[expect(clippy::needless_pass_by_value, reason = "callers pass numbers and texts alike")]
    pub(crate) fn with(&self, name: &str, value: impl ToString) -> Self {
        let mut query = self.without(&[name]);
        query.0.push((name.to_owned(), value.to_string()));
        query
    }

    /// A link to a path with this query.
    pub(crate) fn link(&self, path: &str) -> String {
        let query = Serializer::new(String::new()).extend_pairs(&self.0).finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// Reads the parameters as those of a route of the API.
    pub(crate) fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, ApiError> {
        read_parameters(self.0.iter().cloned())
    }
}
