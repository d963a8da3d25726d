locals {
  services = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=~\"^${var.name_prefix}-\""

  # Counted lines: metric name => what counts.
  metrics = {
    errors         = "${local.services} AND severity>=ERROR"
    refresh_reused = "${local.services} AND jsonPayload.event=\"refresh.reused\""
    reload_failed  = "${local.services} AND jsonPayload.event=\"keys.reload_failed\""
    evidence_lost  = "${local.services} AND jsonPayload.event=\"evidence.lost\""
    sign_in_failed = "${local.services} AND jsonPayload.event=\"sign_in.failed\""
    signed_in      = "${local.services} AND jsonPayload.event=\"sign_in.completed\""
  }

  requests        = "sum(increase(run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",service_name=~\"${var.name_prefix}-.*\"}[10m]))"
  failed_requests = "sum(increase(run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\",service_name=~\"${var.name_prefix}-.*\",response_code_class=\"5xx\"}[10m]))"

  # The query is PromQL; it is about a window, so one slow second wakes nobody.
  policies = {
    errors = {
      title = "Postern: errors in the log"
      query = "sum(increase(logging_googleapis_com:user_${var.name_prefix}_errors{monitored_resource=\"cloud_run_revision\"}[10m])) > 5"
      what  = "More than five lines of severity ERROR in ten minutes. Look at the lines (severity>=ERROR); playbook: docs/operations.md."
    }
    unavailable = {
      title = "Postern: requests answered with 5xx"
      query = "${local.failed_requests} > 10 or (${local.failed_requests} > 2 and ${local.failed_requests} > 0.2 * ${local.requests})"
      what  = "More than ten answers with 5xx in ten minutes, or more than two that are a fifth of all: our own 503s and the platform's. Often Firestore, Secret Manager or the identity provider; playbook: docs/operations.md."
    }
    # Where few people sign in, a few failures and no success are all there is to hear.
    sign_in = {
      title = "Postern: nobody can sign in"
      query = "sum(increase(logging_googleapis_com:user_${var.name_prefix}_sign_in_failed{monitored_resource=\"cloud_run_revision\"}[1h])) > 1 unless sum(increase(logging_googleapis_com:user_${var.name_prefix}_signed_in{monitored_resource=\"cloud_run_revision\"}[1h])) > 0"
      what  = "Two or more sign-ins failed within an hour and none succeeded. Often a new or wrong client secret, a callback address that the identity provider does not know, or that provider itself; playbook: docs/operations.md."
    }
    refresh_reused = {
      title = "Postern: refresh tokens presented again"
      query = "sum(increase(logging_googleapis_com:user_${var.name_prefix}_refresh_reused{monitored_resource=\"cloud_run_revision\"}[10m])) > 5"
      what  = "More than five old refresh tokens in ten minutes, each of which ended its grant. One is a client with a bad memory, many are a stolen store of tokens or a fault of ours; playbook: docs/operations.md."
    }
    reload_failed = {
      title = "Postern: keys cannot be read again"
      query = "sum(increase(logging_googleapis_com:user_${var.name_prefix}_reload_failed{monitored_resource=\"cloud_run_revision\"}[30m])) > 2"
      what  = "Instances work on with the keys they have, new instances cannot start work. Look at the newest version of the secret the line names; playbook: docs/operations.md."
    }
    evidence_lost = {
      title = "Postern: nobody can say who may still enter"
      query = "sum(increase(logging_googleapis_com:user_${var.name_prefix}_evidence_lost{monitored_resource=\"cloud_run_revision\"}[10m])) > 5"
      what  = "More than five refreshes in ten minutes could not be decided: the identity provider does not take the tokens it gave, or answers what cannot be understood. After EVIDENCE_MAX_AGE people have to sign in again. Often a wrong GITHUB_CLIENT_ID; playbook: docs/operations.md."
    }
  }

  # Lines of which a single one is enough.
  lines = {
    fast_forwarded = {
      title  = "Postern: a grant was older than its token"
      filter = "${local.services} AND jsonPayload.event=\"refresh.fast_forwarded\""
      what   = "The database was put back to an earlier time. If you restored a backup, this comes once for each connection; if you did not, somebody wrote to the database; playbook: docs/operations.md."
    }
  }
}

resource "google_logging_metric" "this" {
  for_each = local.metrics

  project = var.project
  name    = "${var.name_prefix}_${each.key}"
  filter  = each.value

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

locals {
  channels = [for channel in google_monitoring_notification_channel.email : channel.id]
}

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.emails)

  project      = var.project
  display_name = "Postern ${each.value}"
  type         = "email"
  labels       = { email_address = each.value }
}

resource "google_monitoring_alert_policy" "this" {
  for_each = local.policies

  project               = var.project
  display_name          = each.value.title
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = each.value.title

    condition_prometheus_query_language {
      query               = each.value.query
      evaluation_interval = "60s"

      # A metric exists for Monitoring only some minutes after it was made; the
      # first apply must not stumble over that.
      disable_metric_validation = true
    }
  }

  documentation {
    content   = each.value.what
    mime_type = "text/markdown"
  }

  alert_strategy {
    auto_close = "3600s"
  }

  depends_on = [google_logging_metric.this]
}

resource "google_monitoring_alert_policy" "line" {
  for_each = local.lines

  project               = var.project
  display_name          = each.value.title
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = each.value.title

    condition_matched_log {
      filter = each.value.filter
    }
  }

  documentation {
    content   = each.value.what
    mime_type = "text/markdown"
  }

  alert_strategy {
    auto_close = "3600s"

    notification_rate_limit {
      period = "3600s"
    }
  }
}
