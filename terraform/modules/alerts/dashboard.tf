# What one asks first: does it answer, how fast, do people get in, does somebody try what they should not.
locals {
  run     = "monitored_resource=\"cloud_run_revision\",service_name=~\"${var.name_prefix}-.*\""
  counted = "monitored_resource=\"cloud_run_revision\""

  charts = [
    { title = "Requests a second, by function", query = "sum by (service_name) (rate(run_googleapis_com:request_count{${local.run}}[5m]))" },
    { title = "Answers with 5xx in five minutes, by function", query = "sum by (service_name) (increase(run_googleapis_com:request_count{${local.run},response_code_class=\"5xx\"}[5m]))" },
    { title = "Slowest twentieth of the answers, ms, by function", query = "histogram_quantile(0.95, sum by (service_name, le) (rate(run_googleapis_com:request_latencies_bucket{${local.run}}[5m])))" },
    { title = "Instances, by function", query = "sum by (service_name) (run_googleapis_com:container_instance_count{${local.run}})" },
    { title = "Sign-ins in an hour that succeeded", query = "sum(increase(logging_googleapis_com:user_${var.name_prefix}_signed_in{${local.counted}}[1h]))" },
    { title = "Sign-ins in an hour that failed", query = "sum(increase(logging_googleapis_com:user_${var.name_prefix}_sign_in_failed{${local.counted}}[1h]))" },
    { title = "Old refresh tokens in an hour, each of which ended its grant", query = "sum(increase(logging_googleapis_com:user_${var.name_prefix}_refresh_reused{${local.counted}}[1h]))" },
    { title = "Lines of severity ERROR in five minutes", query = "sum(increase(logging_googleapis_com:user_${var.name_prefix}_errors{${local.counted}}[5m]))" },
  ]
}

resource "google_monitoring_dashboard" "this" {
  project = var.project

  dashboard_json = jsonencode({
    displayName = "Postern"
    mosaicLayout = {
      columns = 48
      tiles = [for i, chart in local.charts : merge(
        { width = 24, height = 16, widget = {
          title   = chart.title
          xyChart = { dataSets = [{ plotType = "LINE", targetAxis = "Y1", timeSeriesQuery = { prometheusQuery = chart.query } }] }
        } },
        # Zero is left out, as Monitoring does.
        i % 2 == 0 ? {} : { xPos = 24 },
        i < 2 ? {} : { yPos = 16 * floor(i / 2) },
      )]
    }
  })

  depends_on = [google_logging_metric.this]
}
