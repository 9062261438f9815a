//! `GET /scheduler-stats/get_pools`: the pools as the scheduler sees them.

use ashlar_common::{
    scheduler::PoolView,
    stats::{Capacity, Provisioning},
};
use axum::{Json, extract::State};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    call::Call,
    error::ApiError,
    state::{ApiSettings, ApiState},
    time,
};

pub(crate) async fn list(State(api): State<ApiState>, mut call: Call) -> Result<Json<Value>, ApiError> {
    let query = &mut call.query;
    let detail = query.flag("detail")?.unwrap_or(false);
    let wanted = query.take("name");
    let backend_name = query.take("volume_backend_name").or(query.take("pool_name"));
    query.take("all_tenants");
    query.take("is_detail");
    if let Some(unknown) = query.rest().keys().next() {
        return Err(ApiError::bad_request(format!("cannot filter by {unknown:?}; known here: name, pool_name")));
    }
    let now = api.store().now();
    let settings = api.settings();
    let pools: Vec<Value> = api
        .intake()
        .pool_views()
        .await?
        .iter()
        .map(|pool| (settings.pool(&pool.backend, &pool.stats.name), pool))
        .filter(|(name, _)| wanted.as_ref().is_none_or(|wanted| wanted == name))
        .filter(|(_, pool)| {
            backend_name
                .as_ref()
                .is_none_or(|wanted| *wanted == pool.volume_backend_name || *wanted == pool.stats.name.as_str())
        })
        .map(|(name, pool)| match detail {
            true => json!({ "name": name, "capabilities": capabilities(pool, settings, now) }),
            false => json!({ "name": name }),
        })
        .collect();
    Ok(Json(json!({ "pools": pools })))
}

/// What a pool reports, in Cinder's words.
fn capabilities(pool: &PoolView, settings: &ApiSettings, now: Timestamp) -> Value {
    let stats = &pool.stats;
    let reported = now.checked_sub(pool.age).ok();
    json!({
        "pool_name": stats.name.as_str(),
        "volume_backend_name": pool.volume_backend_name,
        "vendor_name": pool.driver.vendor_name,
        "driver_version": pool.driver.version,
        "storage_protocol": pool.driver.storage_protocol,
        "location_info": settings.service(&pool.backend),
        "availability_zone": pool.availability_zone,
        "total_capacity_gb": capacity(stats.total),
        "free_capacity_gb": capacity(stats.free),
        // As in Cinder: what the records hold on it. What the backend itself counts, if it can, is in its free room.
        "allocated_capacity_gb": pool.provisioned.gib_f64(),
        "provisioned_capacity_gb": pool.provisioned.gib_f64(),
        "reserved_percentage": stats.reserved_percentage,
        "max_over_subscription_ratio": stats.max_over_subscription_ratio,
        "thin_provisioning_support": stats.provisioning == Provisioning::Thin,
        "thick_provisioning_support": stats.provisioning == Provisioning::Thick,
        "multiattach": pool.capabilities.multi_attach,
        "online_extend_support": pool.capabilities.online_extend,
        "total_volumes": pool.volumes,
        "QoS_support": pool.capabilities.qos,
        "replication_enabled": false,
        "filter_function": stats.filter_function,
        "goodness_function": stats.goodness_function,
        "backend_state": if pool.up { "up" } else { "down" },
        "timestamp": time::value(reported),
    })
}

/// GiB as a number, or one of the two words.
fn capacity(capacity: Capacity) -> Value {
    match capacity {
        Capacity::Known(count) => json!(count.gib_f64()),
        Capacity::Unknown => json!("unknown"),
        Capacity::Infinite => json!("infinite"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ashlar_common::{
        driver::{Capabilities, DriverInfo},
        scheduler::PoolView,
        stats::{Capacity, PoolStats, Provisioning},
        units::ByteCount,
    };
    use jiff::Timestamp;

    use super::{ApiSettings, capabilities};

    fn gib(count: u64) -> ByteCount {
        ByteCount::from_gib(count).expect("small")
    }

    #[test]
    fn a_pool_is_reported_in_gib_and_words() {
        let pool = PoolView {
            id: "node@fast#a".to_owned(),
            backend: "fast".parse().expect("a name"),
            stats: PoolStats {
                name: "a".parse().expect("a name"),
                total: Capacity::Known(gib(100)),
                free: Capacity::Unknown,
                allocated: Capacity::Infinite,
                reserved_percentage: 5,
                max_over_subscription_ratio: 20.0,
                provisioning: Provisioning::Thin,
                thin_metadata_free_percentage: None,
                filter_function: Some("volume.size < 10".to_owned()),
                goodness_function: None,
            },
            volume_backend_name: "ssd".to_owned(),
            driver: DriverInfo {
                name: "local".to_owned(),
                version: "1.0.0".to_owned(),
                vendor_name: "Ashlar".to_owned(),
                storage_protocol: "local".to_owned(),
            },
            capabilities: Capabilities::default(),
            machine: "node-1".to_owned(),
            filter_function: None,
            goodness_function: None,
            availability_zone: "nova".to_owned(),
            up: true,
            age: Duration::from_secs(6),
            provisioned: gib(3),
            volumes: 2,
            promised: gib(1),
        };
        let settings = ApiSettings::new("node", "default");
        let now = Timestamp::from_second(66).expect("small");
        let shown = serde_json::to_string_pretty(&capabilities(&pool, &settings, now)).expect("JSON");
        insta::assert_snapshot!(shown, @r##"
        {
          "QoS_support": false,
          "allocated_capacity_gb": 3.0,
          "availability_zone": "nova",
          "backend_state": "up",
          "driver_version": "1.0.0",
          "filter_function": "volume.size < 10",
          "free_capacity_gb": "unknown",
          "goodness_function": null,
          "location_info": "node@fast",
          "max_over_subscription_ratio": 20.0,
          "multiattach": false,
          "online_extend_support": false,
          "pool_name": "a",
          "provisioned_capacity_gb": 3.0,
          "replication_enabled": false,
          "reserved_percentage": 5,
          "storage_protocol": "local",
          "thick_provisioning_support": false,
          "thin_provisioning_support": true,
          "timestamp": "1970-01-01T00:01:00.000000",
          "total_capacity_gb": 100.0,
          "total_volumes": 2,
          "vendor_name": "Ashlar",
          "volume_backend_name": "ssd"
        }
        "##);
    }
}
