package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
)

// BenchmarkRelease compares the present tree with an earlier one, which POSTERN_BASE names to
// git: as many tool calls and refreshes a second, within what the machine makes of it.
func BenchmarkRelease(b *testing.B) {
	base := os.Getenv("POSTERN_BASE")
	if base == "" {
		b.Skip("there is no release to compare with; give a commit: make bench-compare BASE=COMMIT")
	}
	tree := earlier(b, base)
	b.Run("tool call", func(b *testing.B) {
		d := deploy(b, inFirestore(b))
		l := same(8, d.echo(d.signIn(b)))
		now := d.serve(b, "echo", rig.Program(b, "test/bench/echo"), nil)
		then := d.serve(b, "echo", buildIn(b, tree, "test/bench/echo"), nil)
		pair{now, then, l, l, requests}.compare(b, 0.95)
	})
	b.Run("refresh", func(b *testing.B) {
		d := deploy(b, nil)
		now := d.serve(b, "token", rig.Program(b, "functions/token/cmd"), nil)
		then := d.serve(b, "token", buildIn(b, tree, "functions/token/cmd"), nil)
		pair{now, then, d.refreshing(b, 8), d.refreshing(b, 8), requests / 2}.compare(b, 0.95)
	})
}

// earlier returns a work tree of a commit, with the program of this room that it may not have.
func earlier(b *testing.B, commit string) string {
	b.Helper()
	tree := filepath.Join(b.TempDir(), "tree")
	git := func(args ...string) {
		cmd := exec.Command("git", args...)
		cmd.Dir = rig.Root(b)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	git("worktree", "add", "--detach", tree, commit)
	b.Cleanup(func() { git("worktree", "remove", "--force", tree) })
	to := filepath.Join(tree, "test", "bench", "echo")
	if err := os.RemoveAll(to); err != nil {
		b.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(filepath.Join(rig.Root(b), "test", "bench", "echo"))); err != nil {
		b.Fatal(err)
	}
	return tree
}

// buildIn builds a package of a work tree.
func buildIn(b *testing.B, tree, pkg string) string {
	b.Helper()
	program := filepath.Join(b.TempDir(), "then")
	cmd := exec.CommandContext(b.Context(), "go", "build", "-o", program, "./"+pkg)
	cmd.Dir = tree
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build %s of the earlier tree: %v\n%s", pkg, err, out)
	}
	return program
}
