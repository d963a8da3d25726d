package version

import (
	"os/exec"
	"runtime/debug"
	"testing"
)

// The linker takes a name that does not exist in silence, so that only a linked program shows.
func TestTheLinkerSetsTheRelease(t *testing.T) {
	t.Parallel()
	for linked, want := range map[string]string{"v1.2.3": "v1.2.3", Devel: Devel} {
		cmd := exec.CommandContext(t.Context(), "go", "run", "-ldflags", "-X "+Variable+"="+linked, "./testdata/print")
		cmd.Stderr = t.Output()
		got, err := cmd.Output()
		if err != nil || string(got) != want {
			t.Errorf("linked as %s: got %q, %v, want %q", linked, got, err, want)
		}
	}
}

func TestWhatIsNoReleaseNamesItsCommit(t *testing.T) {
	t.Parallel()
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}
	for want, settings := range map[string][]debug.BuildSetting{
		"devel":                    nil,
		"devel-0123456789ab":       {commit, {Key: "vcs.modified", Value: "false"}},
		"devel-0123456789ab-dirty": {commit, {Key: "vcs.modified", Value: "true"}},
	} {
		if got := devel(settings); got != want {
			t.Errorf("built with %v: got %q, want %q", settings, got, want)
		}
	}
}
