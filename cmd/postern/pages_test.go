package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/shared/about"
	"github.com/postern-dev/postern/shared/pages"
)

// fullLook is the heaviest that an operator can choose.
func fullLook(t *testing.T) pages.Look {
	t.Helper()
	const begin, end = `<svg xmlns="http://www.w3.org/2000/svg"><desc>`, `</desc></svg>`
	accent, err := pages.ParseAccent("#ffd400")
	if err != nil {
		t.Fatal(err)
	}
	return pages.Look{
		Server: about.Server{
			Name:    strings.Repeat("W", 60),
			Support: about.Contact{Text: "help@a.example", Link: "mailto:help@a.example"},
			Privacy: "https://example.com/privacy", Terms: "https://example.com/terms",
		},
		Logo: pages.Logo{
			Media: "image/svg+xml", Data: []byte(begin + strings.Repeat("a", 4096-len(begin)-len(end)) + end),
		},
		Accent: accent,
	}
}

// Every page in every language is one answer below 20 KiB without a script or anything that would be loaded,
// whatever look the operator chose, and says everything in that language.
func TestEveryPageInEveryLanguage(t *testing.T) {
	t.Parallel()
	h := preview(fullLook(t))
	for _, s := range allSamples() {
		for _, tag := range pages.Languages() {
			r := httptest.NewRequest("GET", "http://127.0.0.1/"+s.Name+"?ui_locales="+tag.String(), nil)
			r.RemoteAddr = "127.0.0.1:1"
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			what := fmt.Sprintf("%s in %s", s.Name, tag)
			body := w.Body.String()
			if w.Code != s.Status || !strings.Contains(body, `<html lang="`+tag.String()+`"`) {
				t.Errorf("%s: got status %d, want %d\n%.200s", what, w.Code, s.Status, body)
			}
			if len(body) > 20<<10 {
				t.Errorf("%s has %d bytes", what, len(body))
			}
			if rtl := strings.Contains(body, `dir="rtl"`); rtl != (tag.String() == "ar") {
				t.Errorf("%s: right to left: %t", what, rtl)
			}
			checkElements(t, what, body)
		}
	}
}

// checkElements wants no element that runs or loads something, no empty one that a person reads, and ids and headings
// in order.
func checkElements(t *testing.T, what, body string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	headings := 0
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "link", "iframe", "object", "embed", "video", "audio":
			t.Errorf("%s has the element %s", what, n.Data)
		case "img":
			for _, a := range n.Attr {
				if a.Key == "src" && !strings.HasPrefix(a.Val, "data:") {
					t.Errorf("%s loads %s", what, a.Val)
				}
			}
		case "h1":
			headings++
		}
		switch n.Data {
		case "h1", "h2", "title", "p", "dt", "dd", "a", "button", "label", "summary", "li":
			if strings.TrimSpace(textOf(n)) == "" {
				t.Errorf("%s has an empty %s", what, n.Data)
			}
		}
	}
	if headings != 1 {
		t.Errorf("%s has %d headings of the first level", what, headings)
	}
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// The preview lists every page in every language.
func TestPreviewListsEveryPage(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "http://127.0.0.1/", nil)
	r.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	preview(pages.Look{}).ServeHTTP(w, r)
	want := len(allSamples()) * len(pages.Languages())
	if got := strings.Count(w.Body.String(), "?ui_locales="); got != want || want < 200 {
		t.Errorf("got %d links, want %d", got, want)
	}
}

// The command shows the look of its environment until it is stopped, and says what became of a colour. It sets the
// environment, so it runs alone.
func TestPreviewShowsTheLookOfTheSettings(t *testing.T) {
	t.Setenv("SERVER_NAME", "Acme Tools")
	t.Setenv("ACCENT_COLOR", "#ffd400")
	ctx, stop := context.WithCancel(t.Context())
	said, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- previewPages(ctx, &cli.Output{Out: out}, "127.0.0.1:0")
		_ = out.Close()
	}()
	lines := bufio.NewScanner(said)
	lines.Scan()
	address := strings.TrimPrefix(lines.Text(), "Pages: ")
	lines.Scan()
	if !strings.Contains(lines.Text(), "#ffd400 on dark ones") {
		t.Errorf("got %q, want what became of the colour", lines.Text())
	}
	resp, err := http.Get(address + "consent?ui_locales=de")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	for _, want := range []string{"<bdi>Acme Tools</bdi>", "Genehmigen"} {
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("got %v, want %s in\n%s", err, want, body)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	t.Setenv("LOGO", "no/such/file")
	if err := previewPages(t.Context(), &cli.Output{Out: io.Discard}, "127.0.0.1:0"); err == nil {
		t.Error("a logo that is not there is no problem")
	}
}
