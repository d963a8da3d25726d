package plan

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/telemetry"
)

// TestEveryAlertHasItsPlaybook: whoever is woken finds the alert's title in docs/operations.md.
func TestEveryAlertHasItsPlaybook(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	alerts := firstPlan(t).ofType("google_monitoring_alert_policy")
	for address, r := range alerts {
		if title := str(r.Values, "display_name"); !strings.Contains(string(page), "\n### "+title+"\n") {
			t.Errorf("%s: docs/operations.md has no section %q", address, title)
		}
	}
	if got, want := strings.Count(string(page), "\n### Postern: "), len(alerts); got != want {
		t.Errorf("docs/operations.md has %d sections about alerts, want %d", got, want)
	}
}

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
