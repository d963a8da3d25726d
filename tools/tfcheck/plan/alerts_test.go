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
