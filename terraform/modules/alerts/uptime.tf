# Whether the server can be reached, asked from several continents: DNS, certificate, load balancer,
# gateway and a function that needs nothing else.
resource "google_monitoring_uptime_check_config" "this" {
  count = var.host == null ? 0 : 1

  project      = var.project
  display_name = "Postern ${var.host}"
  timeout      = "10s"
  period       = "300s"

  http_check {
    path         = "/.well-known/oauth-authorization-server"
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project
      host       = var.host
    }
  }
}

resource "google_monitoring_alert_policy" "unreachable" {
  count = var.host == null ? 0 : 1

  project               = var.project
  display_name          = "Postern: not to be reached"
  combiner              = "OR"
  notification_channels = local.channels

  # One of the places it is asked from may have trouble of its own.
  conditions {
    display_name = "Postern: not to be reached"

    condition_threshold {
      filter          = "resource.type=\"uptime_url\" AND metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id=\"${google_monitoring_uptime_check_config.this[0].uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "300s"

      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }

  documentation {
    content   = "From two places or more, the metadata document of ${var.host} could not be had. Look at DNS, the certificate and the load balancer, then at the functions; playbook: docs/operations.md."
    mime_type = "text/markdown"
  }

  alert_strategy {
    auto_close = "3600s"
  }
}
