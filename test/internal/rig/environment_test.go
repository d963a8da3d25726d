package rig

import (
	"slices"
	"testing"
)

// What a test says counts, whatever the program that runs it sees.
func TestASettingOfTheTestIsTheOnlyOne(t *testing.T) {
	for _, inherited := range []string{"127.0.0.1:1", "127.0.0.1:9"} {
		t.Setenv("FIRESTORE_EMULATOR_HOST", inherited)
		got := environment(map[string]string{"FIRESTORE_EMULATOR_HOST": "127.0.0.1:5"})
		i := slices.Index(got, "FIRESTORE_EMULATOR_HOST=127.0.0.1:5")
		if i < 0 || slices.Contains(got, "FIRESTORE_EMULATOR_HOST="+inherited) {
			t.Errorf("inherited %s: got %q, want the test's value alone", inherited, got)
		}
	}
}
