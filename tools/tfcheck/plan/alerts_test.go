package plan

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/telemetry"
)

// TestAlertsCountEventsThatExist: a misspelt event would never wake anybody. One line alone tells
// that the database was put back.
func TestAlertsCountEventsThatExist(t *testing.T) {
	t.Parallel()
	p := firstPlan(t)
	var filters []string
	for _, r := range p.ofType("google_logging_metric") {
		filters = append(filters, str(r.Values, "filter"))
	}
	single := ""
	for _, r := range p.ofType("google_monitoring_alert_policy") {
		if filter := str(r.Values, "conditions", "condition_matched_log", "filter"); filter != "" {
			single = filter
			filters = append(filters, filter)
		}
	}
	if !strings.Contains(single, string(telemetry.RefreshFastForwarded)) {
		t.Errorf("got an alert on each line that matches %q, want %s", single, telemetry.RefreshFastForwarded)
	}
	event := regexp.MustCompile(`jsonPayload\.event="([^"]*)"`)
	for _, found := range event.FindAllStringSubmatch(strings.Join(filters, "\n"), -1) {
		known := func(e telemetry.EventInfo) bool { return string(e.Name) == found[1] }
		if !slices.ContainsFunc(telemetry.Events, known) {
			t.Errorf("an alert is about %s, which is no event", found[1])
		}
	}
}

// TestASmallTeamHears: where ten people sign in, a few failures are all there is to hear, so failed sign-ins wake
// somebody when there are two and no success, and errors when they are a fifth of what little was asked.
func TestASmallTeamHears(t *testing.T) {
	t.Parallel()
	queries := map[string]string{}
	for _, r := range firstPlan(t).ofType("google_monitoring_alert_policy") {
		queries[str(r.Values, "display_name")] = str(r.Values, "conditions", "condition_prometheus_query_language", "query")
	}
	count := func(metric string) string {
		return "sum(increase(" + metric + "{monitored_resource=\"cloud_run_revision\"}[1h]))"
	}
	for title, want := range map[string]string{
		"Postern: nobody can sign in": count("logging_googleapis_com:user_postern_sign_in_failed") + " > 1 unless " +
			count("logging_googleapis_com:user_postern_signed_in") + " > 0",
		"Postern: requests answered with 5xx": " > 0.2 * ",
	} {
		if got := queries[title]; !strings.Contains(got, want) {
			t.Errorf("%s: the query is\n%s\nwant in it\n%s", title, got, want)
		}
	}
}
