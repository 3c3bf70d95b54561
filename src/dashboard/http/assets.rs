//! What the page consists of beside its HTML. Each file has a sum of its content in its address, so that browsers may keep it.
use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use actix_web::{HttpResponse, web};
use aws_lc_rs::digest::{SHA256, digest};

use crate::kernel::AppError;

struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static str,
    /// The first half of its SHA-256.
    sum: String,
}

static ASSETS: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    let asset = |name, kind, content: &'static str| Asset {
        name,
        kind,
        content,
        sum: sum(content)[..32].to_owned(),
    };
    [
        asset("dashboard.css", "text/css; charset=utf-8", include_str!("../assets/dashboard.css")),
        asset("dashboard.js", SCRIPT, include_str!("../assets/dashboard.js")),
        asset("chart.js", SCRIPT, include_str!("../assets/vendor/chart.js-4.6.1/chart.umd.min.js")),
        asset("icon.svg", "image/svg+xml", include_str!("../assets/icon.svg")),
    ]
});

/// SHA-256 in hexadecimal digits.
fn sum(content: &str) -> String {
    digest(&SHA256, content.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where each file is, below `/dashboard/`.
pub fn addresses() -> impl Iterator<Item = (&'static str, String)> {
    ASSETS.iter().map(|asset| (asset.name, format!("assets/{}/{}", asset.sum, asset.name)))
}

/// Fails with 404 for another version than this program's: a browser must not keep the one for the other.
pub async fn get_asset(path: web::Path<(String, String)>) -> Result<HttpResponse, AppError> {
    let (sum, name) = path.into_inner();
    let asset = ASSETS.iter().find(|asset| asset.name == name && asset.sum == sum);
    let asset = asset.ok_or(AppError::NotFound("this file"))?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, asset.kind))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(asset.content))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHART: &str = "87364cc2b2a76a6684929e7d6b80b18a897794db38400caff1fcf1791c6925d2";

    #[test]
    fn the_chart_library_is_the_one_that_was_published() {
        let chart = ASSETS.iter().find(|asset| asset.name == "chart.js").unwrap();
        assert_eq!(sum(chart.content), CHART);
        assert!(chart.content.contains("Chart.js v4.6.1"));
        assert!(include_str!("../assets/vendor/README.md").contains(CHART));
    }

    #[test]
    fn the_own_files_ask_no_other_host() {
        for asset in ASSETS.iter().filter(|asset| asset.name != "chart.js") {
            for forbidden in ["http:", "https:", "url(", "@import", "import(", "fetch("] {
                let content = asset.content.replace("http://www.w3.org/2000/svg", "");
                assert!(!content.contains(forbidden), "{}: {forbidden}", asset.name);
            }
        }
    }
}
