package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A release is a tag, and nothing else: what was changed since, or is another commit, is none.
func TestAReleaseIsATagAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com",
			"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "file"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := func(when, want string) {
		t.Helper()
		if got := releaseOf(dir); got != want {
			t.Errorf("%s: got %s, want %s", when, got, want)
		}
	}
	want("no repository", "devel")
	git("init", "-q")
	write("one")
	git("add", "file")
	git("commit", "-qm", "one")
	want("no tag", "devel")
	git("tag", "nightly")
	want("a tag that is not a version", "devel")
	git("tag", "v1.2.3")
	want("at the tag", "v1.2.3")
	write("two")
	want("changed since", "devel")
	git("commit", "-qam", "two")
	want("another commit", "devel")
}
