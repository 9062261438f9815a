//! Which handler answers what.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::{delete, get, post, put},
};
use tower_http::catch_panic::CatchPanicLayer;

use super::{
    admission, answers, attachments,
    body::MAX_BODY,
    capabilities, encryption, extensions, gather, guard, health, limits, messages, metrics, microversion, observe,
    oversize, pools, quotas, request_id, resource_filters, services, snapshots,
    state::ApiState,
    tagged::{self, Tagged},
    types, versions, volumes, zones,
};

/// The API as a service: all of it, with the layers around each request.
pub fn router(state: ApiState) -> Router {
    let routes = Router::new()
        .route("/", get(versions::choices))
        .route("/v3", get(versions::version))
        .route("/v3/", get(versions::version))
        // Clients may name their project in the URL, and older ones do.
        .nest("/v3/{project_id}", resources())
        .nest("/v3", resources())
        .fallback(guard::no_route)
        .method_not_allowed_fallback(guard::no_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(microversion::settle))
        .layer(from_fn_with_state(state.clone(), answers::bound))
        .layer(from_fn_with_state(state.clone(), guard::bound))
        // A request is let in when all of it is there, so that nobody is let in who then keeps others waiting.
        .layer(from_fn_with_state(state.clone(), admission::admit))
        .layer(from_fn_with_state(state.clone(), gather::gather))
        .layer(from_fn(oversize::refuse));
    // These answer whatever the load.
    let watching = Router::new().route("/healthcheck", get(health::check)).route("/metrics", get(metrics::show));
    watching
        .merge(routes)
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn_with_state(state.clone(), observe::observe))
        .layer(from_fn(request_id::assign))
        .with_state(state)
}

fn resources() -> Router<ApiState> {
    Router::new()
        .merge(of_volumes())
        .merge(of_snapshots())
        .merge(of_attachments())
        .merge(of_types())
        .merge(of_operators())
}

fn of_volumes() -> Router<ApiState> {
    use volumes::{action, create, edit, list, show, summary};
    Router::new()
        .route("/volumes", get(list::brief).post(create::create))
        .route("/volumes/detail", get(list::detail))
        .route("/volumes/summary", get(summary::summary))
        .route("/volumes/{id}", get(show::show).put(edit::update).delete(edit::delete))
        .route("/volumes/{id}/encryption", get(encryption::of_volume))
        .route("/volumes/{id}/action", post(action::act))
        .merge(of_metadata::<volumes::metadata::Volumes>("/volumes/{id}/metadata", "/volumes/{id}/metadata/{key}"))
}

fn of_snapshots() -> Router<ApiState> {
    use snapshots::{action, create, edit, list};
    Router::new()
        .route("/snapshots", get(list::brief).post(create::create))
        .route("/snapshots/detail", get(list::detail))
        .route("/snapshots/{id}", get(edit::show).put(edit::update).delete(edit::delete))
        .route("/snapshots/{id}/action", post(action::act))
        .merge(of_metadata::<snapshots::metadata::Snapshots>(
            "/snapshots/{id}/metadata",
            "/snapshots/{id}/metadata/{key}",
        ))
}

fn of_metadata<T: Tagged + 'static>(all: &str, one: &str) -> Router<ApiState> {
    Router::new()
        .route(all, get(tagged::list::<T>).post(tagged::merge::<T>).put(tagged::replace::<T>))
        .route(one, get(tagged::show::<T>).put(tagged::set::<T>).delete(tagged::remove::<T>))
}

fn of_attachments() -> Router<ApiState> {
    use attachments::{change, list};
    Router::new()
        .route("/attachments", get(list::brief).post(change::create))
        .route("/attachments/detail", get(list::detail))
        .route("/attachments/{id}", get(list::show).put(change::connect).delete(change::delete))
        .route("/attachments/{id}/action", post(change::act))
}

fn of_types() -> Router<ApiState> {
    use types::{edit, extra_specs, list};
    Router::new()
        .route("/types", get(list::list).post(edit::create))
        .route("/types/default", get(list::default))
        .route("/types/{id}", get(list::show).put(edit::update).delete(edit::delete))
        .route("/types/{id}/encryption", get(encryption::of_type))
        .route("/types/{id}/extra_specs", get(extra_specs::list).post(extra_specs::merge))
        .route(
            "/types/{id}/extra_specs/{key}",
            get(extra_specs::show).put(extra_specs::set).delete(extra_specs::remove),
        )
}

fn of_operators() -> Router<ApiState> {
    Router::new()
        .route("/limits", get(limits::show))
        .route("/messages", get(messages::list))
        .route("/messages/{id}", get(messages::show).merge(delete(messages::delete)))
        .route("/os-availability-zone", get(zones::list))
        .route("/os-services", get(services::list))
        .route("/os-services/{id}", put(services::change))
        .route("/os-quota-sets/{id}", get(quotas::show))
        .route("/os-quota-sets/{id}/defaults", get(quotas::defaults))
        .route("/scheduler-stats/get_pools", get(pools::list))
        .route("/capabilities/{id}", get(capabilities::show))
        .route("/resource_filters", get(resource_filters::list))
        .route("/extensions", get(extensions::list))
        .route("/extensions/{id}", get(extensions::show))
}
