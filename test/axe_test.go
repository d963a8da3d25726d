package test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/tool"
)

var previewSays = regexp.MustCompile(`Pages: (http://\S+)`)

// axeEnds stands before the number of pages at which axe.mjs looked.
const axeEnds = "pages: "

// startPreview starts postern pages preview and returns its address.
func startPreview(t *testing.T) string {
	t.Helper()
	p := rig.Launch(t, rig.Command{
		Name: "preview", Path: rig.Program(t, "cmd/postern"),
		Args: []string{"pages", "preview", "--listen", "127.0.0.1:0"},
	})
	said, err := p.Says(t.Context(), previewSays)
	if err != nil {
		t.Fatal(err)
	}
	return said[1]
}

// axe runs axe-core over the pages that the one at index links, and returns its findings and how many pages there were.
func axe(t *testing.T, index string) (findings string, pages int) {
	t.Helper()
	program := tool.Chromium.Need(t)
	p := rig.Launch(t, rig.Command{
		Name: "axe", Path: tool.Node.Need(t), Env: map[string]string{"TMPDIR": t.TempDir()},
		Args: []string{filepath.Join(rig.Npm(t, "."), "axe.mjs"), program, index},
	})
	if code, err := p.Wait(t.Context()); err != nil || code != 0 {
		t.Fatalf("got status %d, %v", code, err)
	}
	findings, looked, _ := strings.Cut(strings.TrimSpace(p.Log.String()), axeEnds)
	pages, err := strconv.Atoi(looked)
	if err != nil {
		t.Fatal(err)
	}
	return findings, pages
}

// axe-core finds nothing on any page in any language, light or dark.
func TestAxeFindsNothingOnAnyPage(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	findings, pages := axe(t, startPreview(t))
	if findings != "" {
		t.Errorf("axe-core finds:\n%s", findings)
	}
	if pages < 200 {
		t.Errorf("got %d pages, want all in every language", pages)
	}
}

// The test above means something: a page with a fault in the dark alone is found.
func TestAxeFindsAFault(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_, _ = w.Write([]byte(`<!DOCTYPE html><html lang="en"><title>faint</title>` +
			`<style>@media (prefers-color-scheme: dark) { body { background: #222; color: #333; } }</style>` +
			`<main><h1>A heading</h1><a href="/">itself</a></main>`))
	}))
	t.Cleanup(site.Close)
	if findings, _ := axe(t, site.URL); !strings.Contains(findings, "dark: color-contrast") {
		t.Errorf("got %q, want the contrast in the dark", findings)
	}
}
