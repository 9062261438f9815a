//! Lists: what clients may filter and sort by, and how they page.

use ashlar_common::{
    ids::BackendName,
    store::listing::{Column, Filter, Listing, Sort},
    units::GIB,
};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    call::Call,
    error::ApiError,
    links::Link,
    microversion::{LIKE_FILTERS, TIME_FILTERS, WITH_COUNT},
    object, python_dict, time,
};

/// How the value of a filter is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Equal; with `~` behind the key, contained.
    Text(Column),
    /// Yes or no.
    Flag(Column),
    /// A size in GiB.
    Size(Column),
    /// `host@backend#pool`, of which the backend counts.
    Host,
    /// A dictionary.
    Metadata,
    /// Times, from 3.60 on.
    Time(Column),
    /// Every entry does, so true leaves all and false none.
    AlwaysTrue,
}

/// What one kind of list can be asked.
pub(crate) struct Dialect {
    /// Keys of filters.
    pub(crate) filters: &'static [(&'static str, By)],
    /// Keys to sort by.
    pub(crate) sorts: &'static [(&'static str, Column)],
}

impl Dialect {
    /// The keys of filters, with those that may stand with `~`.
    pub(crate) fn keys(&self) -> impl Iterator<Item = String> {
        self.filters.iter().flat_map(|(key, by)| {
            let like = matches!(by, By::Text(_)).then(|| format!("{key}~"));
            std::iter::once((*key).to_owned()).chain(like)
        })
    }
}

/// One page of a list, as asked for.
pub(crate) struct Page {
    pub(crate) listing: Listing,
    /// The answer says how many entries there are in all.
    pub(crate) with_count: bool,
}

impl Page {
    /// Reads the query, all of it.
    ///
    /// # Errors
    /// 400 with the entry that was wrong or unknown.
    pub(crate) fn read(call: &mut Call, dialect: &Dialect, page_limit: u32) -> Result<Self, ApiError> {
        let version = call.version;
        let query = &mut call.query;
        let all_tenants = query.flag("all_tenants")?.unwrap_or(false);
        // Without all_tenants a project sees itself only, whatever it asks.
        let asked_project = query.take("project_id").or(query.take("tenant_id")).filter(|_| all_tenants);
        let mut listing = Listing {
            project_id: if all_tenants { asked_project } else { Some(call.who.project_id.clone()) },
            limit: query.number("limit")?.unwrap_or(page_limit).min(page_limit),
            offset: query.number("offset")?.unwrap_or(0),
            marker: query.take("marker").filter(|marker| !marker.is_empty()),
            sort: sorts(query.take("sort"), query.take("sort_key"), query.take("sort_dir"), dialect)?,
            filters: Vec::new(),
        };
        let with_count = version.has(WITH_COUNT) && query.flag("with_count")?.unwrap_or(false);
        for (key, value) in query.rest() {
            let (name, like) = match key.strip_suffix('~') {
                Some(name) if version.has(LIKE_FILTERS) => (name, true),
                _ => (key.as_str(), false),
            };
            let by = dialect.filters.iter().find(|(known, _)| *known == name).map(|(_, by)| *by);
            match (by, like) {
                (Some(By::Text(column)), true) => listing.filters.push(Filter::Like(column, value)),
                (Some(By::Time(_)), _) if !version.has(TIME_FILTERS) => return Err(unknown(&key, dialect)),
                (Some(by), false) => listing.filters.extend(filters(by, &key, &value)?),
                _ => return Err(unknown(&key, dialect)),
            }
        }
        Ok(Self { listing, with_count })
    }

    /// The marker as an id of what is listed.
    ///
    /// # Errors
    /// 404 when it cannot be one.
    pub(crate) fn marker<T: std::str::FromStr>(&self, what: &'static str) -> Result<Option<T>, ApiError> {
        let Some(marker) = &self.listing.marker else { return Ok(None) };
        marker.parse().map(Some).map_err(|_| ApiError::not_found(what, marker))
    }

    /// The answer, written out: the entries, the way to the next page if this one is full, and the count if asked for. `last` is the
    /// id of the last entry.
    pub(crate) fn answer<T: Serialize>(
        &self,
        call: &Call,
        collection: &'static str,
        entries: Vec<T>,
        last: Option<String>,
        count: Option<u64>,
    ) -> Response {
        let full = entries.len() as u64 == u64::from(self.listing.limit);
        let next = last.filter(|_| full).map(|last| call.links.next(call.query.all(), &last));
        Json(Listed { collection, entries, next, count }).into_response()
    }
}

/// One page of a list.
struct Listed<T> {
    collection: &'static str,
    entries: Vec<T>,
    next: Option<Vec<Link>>,
    count: Option<u64>,
}

/// The names of its members depend on what is listed.
impl<T: Serialize> Serialize for Listed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(self.collection, &self.entries)?;
        if let Some(next) = &self.next {
            map.serialize_entry(&format!("{}_links", self.collection), next)?;
        }
        if let Some(count) = self.count {
            map.serialize_entry("count", &count)?;
        }
        map.end()
    }
}

fn unknown(key: &str, dialect: &Dialect) -> ApiError {
    let shown: String = key.chars().take(60).collect();
    let known: Vec<&str> = dialect.filters.iter().map(|(key, _)| *key).collect();
    ApiError::bad_request(format!("cannot filter by {shown:?}; known here: {}", known.join(", ")))
}

fn filters(by: By, key: &str, value: &str) -> Result<Vec<Filter>, ApiError> {
    Ok(match by {
        By::Text(column) => vec![Filter::Is(column, vec![value.to_owned()])],
        By::Flag(column) => vec![Filter::Flag(column, read_flag(key, value)?)],
        By::Size(column) => {
            let gib: u32 =
                value.parse().map_err(|_| ApiError::bad_request(format!("{key} must be a whole number of GiB")))?;
            vec![Filter::Number(column, i64::from(gib) * GIB.cast_signed())]
        }
        By::Host => {
            let backend = value.rsplit_once('@').map_or(value, |(_, backend)| backend);
            let backend = backend.split_once('#').map_or(backend, |(backend, _)| backend);
            // What is no name is the name of no backend, and the list is empty.
            let backend = backend.parse::<BackendName>().map(|name| name.to_string()).unwrap_or_default();
            vec![Filter::Is(Column::Backend, vec![backend])]
        }
        By::Metadata => {
            python_dict::parse(value)?.into_iter().map(|(key, value)| Filter::Metadata(key, value)).collect()
        }
        By::Time(column) => time::comparisons(key, value)?
            .into_iter()
            .map(|(compare, micros)| Filter::Time(column, compare, micros))
            .collect(),
        By::AlwaysTrue if read_flag(key, value)? => Vec::new(),
        By::AlwaysTrue => vec![Filter::Is(Column::Id, vec![String::new()])],
    })
}

fn read_flag(key: &str, value: &str) -> Result<bool, ApiError> {
    object::flag(value).ok_or_else(|| ApiError::bad_request(format!("{key} must be true or false")))
}

/// `sort=key:dir,...`, or the older pair of `sort_key` and `sort_dir`.
fn sorts(
    sort: Option<String>,
    sort_key: Option<String>,
    sort_dir: Option<String>,
    dialect: &Dialect,
) -> Result<Vec<Sort>, ApiError> {
    let older = sort_key.is_some() || sort_dir.is_some();
    let text = match (sort, older) {
        (Some(_), true) => {
            return Err(ApiError::bad_request("sort cannot be combined with sort_key and sort_dir: use sort alone"));
        }
        (Some(sort), false) => sort,
        (None, true) => {
            let key = sort_key.unwrap_or_else(|| "created_at".to_owned());
            format!("{key}:{}", sort_dir.as_deref().unwrap_or("desc"))
        }
        (None, false) => return Ok(Vec::new()),
    };
    let mut sorts: Vec<Sort> = Vec::new();
    for part in text.split(',') {
        let (key, direction) = part.trim().split_once(':').unwrap_or((part.trim(), "desc"));
        let column = dialect.sorts.iter().find(|(known, _)| *known == key).map(|(_, column)| *column);
        let column = column.ok_or_else(|| {
            let known: Vec<&str> = dialect.sorts.iter().map(|(key, _)| *key).collect();
            ApiError::bad_request(format!("cannot sort by that key; known here: {}", known.join(", ")))
        })?;
        let ascending = match direction {
            "asc" => true,
            "desc" => false,
            _ => return Err(ApiError::bad_request("a sort direction must be asc or desc")),
        };
        if !sorts.iter().any(|sort| sort.column == column) {
            sorts.push(Sort { column, ascending });
        }
    }
    Ok(sorts)
}

#[cfg(test)]
mod tests {
    use ashlar_common::store::listing::{Column, Filter};

    use super::{By, Dialect, filters, sorts};

    const DIALECT: Dialect = Dialect { filters: &[], sorts: &[("name", Column::Name), ("size", Column::SizeBytes)] };

    #[test]
    fn sorting_is_read_in_both_ways() {
        let read = |sort: Option<&str>, key: Option<&str>, dir: Option<&str>| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let read = sorts(owned(sort), owned(key), owned(dir), &DIALECT).ok()?;
            Some(read.iter().map(|sort| (sort.column, sort.ascending)).collect::<Vec<_>>())
        };
        assert_eq!(read(None, None, None), Some(vec![]));
        assert_eq!(
            read(Some("name:asc,size"), None, None),
            Some(vec![(Column::Name, true), (Column::SizeBytes, false)])
        );
        assert_eq!(read(None, Some("size"), Some("asc")), Some(vec![(Column::SizeBytes, true)]));
        assert_eq!(read(Some("name"), Some("size"), None), None);
        assert_eq!(read(Some("name:up"), None, None), None);
        assert_eq!(read(Some("name; DROP TABLE volumes"), None, None), None);
        assert_eq!(read(Some(""), None, None), None);
    }

    #[test]
    fn a_host_is_read_to_its_backend() {
        for (host, backend) in [("h@fast#p", "fast"), ("h@fast", "fast"), ("fast", "fast"), ("a b", "")] {
            assert_eq!(
                filters(By::Host, "host", host),
                Ok(vec![Filter::Is(Column::Backend, vec![backend.to_owned()])])
            );
        }
    }
}
