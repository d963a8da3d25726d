package pages

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/about"
)

// Whatever colour is said, links can be read on their ground and the words on the button
// (WCAG 2.2, 1.4.3), and a colour that can be read stays as it was said.
func TestAccentCanAlwaysBeRead(t *testing.T) {
	t.Parallel()
	for r := 0; r < 256; r += 51 {
		for g := 0; g < 256; g += 51 {
			for b := 0; b < 256; b += 51 {
				said := fmt.Sprintf("#%02x%02x%02x", r, g, b)
				a, err := ParseAccent(said)
				if err != nil {
					t.Fatal(err)
				}
				for _, on := range []struct {
					shade
					ground colour
				}{{a.light, lightCard}, {a.dark, darkCard}} {
					if c := min(contrast(on.mark, on.ground), contrast(on.on, on.mark)); c < leastContrast {
						t.Errorf("%s: %v on %v has a contrast of %.2f", said, on.mark, on.ground, c)
					}
				}
				c := colour{float64(r), float64(g), float64(b)}
				if contrast(c, lightCard) >= leastContrast && a.light.mark != c {
					t.Errorf("%s: got %v on light pages, which could be read before", said, a.light.mark)
				}
			}
		}
	}
	if got := contrast(black, white); got != 21 {
		t.Errorf("black on white: got %v, want 21", got)
	}
	for _, s := range []string{"", "#", "blue", "#fff", "1a56c4f", "#1a56c4f0", "#+a56c4", "#1a56cg"} {
		if a, err := ParseAccent(s); err == nil {
			t.Errorf("%q: got %+v, want an error", s, a)
		}
	}
}

// The style's own colours keep the contrast that an accent has to.
func TestGroundsAreThoseOfTheStyle(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"--card: " + lightCard.String(), "--card: " + darkCard.String()} {
		if !strings.Contains(style, want) {
			t.Errorf("page.css does not have %s", want)
		}
	}
}

func dataURI(media string, data []byte) string {
	return "data:" + media + ";base64," + base64.StdEncoding.EncodeToString(data)
}

func picture(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const goodSVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><defs><linearGradient id="a"/></defs>` +
	`<path fill="url(#a)" d="M0 0h8v8z"/></svg>`

// A logo is a small picture that asks for nothing and runs nothing (WB-04).
func TestLogoIsASmallPictureAndNothingElse(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "logo.svg")
	if err := os.WriteFile(file, []byte(goodSVG), 0o600); err != nil {
		t.Fatal(err)
	}
	for s, media := range map[string]string{
		file: "image/svg+xml",
		dataURI("image/svg+xml", []byte(goodSVG)): "image/svg+xml",
		dataURI("image/png", picture(t, 64, 64)):  "image/png",
		dataURI("text/html", picture(t, 64, 64)):  "image/png", // what it is, not what it is called
	} {
		if l, err := ParseLogo(s); err != nil || l.Media != media {
			t.Errorf("%.60s: got %s, %v; want %s", s, l.Media, err, media)
		}
	}
	svg := func(inside string) string { return `<svg xmlns="http://www.w3.org/2000/svg">` + inside + `</svg>` }
	for what, data := range map[string]string{
		"script":       svg(`<script>alert(1)</script>`),
		"handler":      svg(`<rect onload="alert(1)"/>`),
		"link":         svg(`<a href="https://x.example"><rect/></a>`),
		"foreign":      svg(`<foreignObject><p>x</p></foreignObject>`),
		"style":        svg(`<style>@import "https://x.example"</style>`),
		"picture":      svg(`<image href="https://x.example/a.png"/>`),
		"use":          svg(`<use href="https://x.example/a.svg#a"/>`),
		"address":      svg(`<rect fill="url(#a) url( https://x.example )"/>`),
		"javascript":   svg(`<use xlink:href="java script:alert(1)"/>`),
		"document":     `<!DOCTYPE svg [<!ENTITY x "y">]>` + svg(``),
		"stylesheet":   `<?xml-stylesheet href="https://x.example"?>` + svg(``),
		"page":         `<html><body/></html>`,
		"text":         `hello`,
		"broken":       `<svg><g></svg>`,
		"empty":        ``,
		"too large":    svg(`<desc>` + strings.Repeat("a", maxLogo) + `</desc>`),
		"large pixels": string(picture(t, 513, 1)),
	} {
		if l, err := ParseLogo(dataURI("image/svg+xml", []byte(data))); err == nil {
			t.Errorf("%s: got %s, want an error", what, l.Media)
		}
	}
	for _, s := range []string{"no/such/file", "data:image/svg+xml,<svg/>", "data:image/png;base64,-"} {
		if _, err := ParseLogo(s); err == nil {
			t.Errorf("%s: got no error", s)
		}
	}
}

// An operator's look is on every page, its policy allows what is in the page, and another server's
// pages stay plain.
func TestLookIsOnThePage(t *testing.T) {
	t.Parallel()
	accent, err := ParseAccent("#ffd400")
	if err != nil {
		t.Fatal(err)
	}
	logo, err := ParseLogo(dataURI("image/svg+xml", []byte(goodSVG)))
	if err != nil {
		t.Fatal(err)
	}
	l := Look{
		Server: about.Server{
			Name: "Acme <Tools>", Support: about.Contact{Text: "help@example.com", Link: "mailto:help@example.com"},
			Privacy: "https://example.com/privacy", Terms: "https://example.com/terms",
		},
		Logo: logo, Accent: accent,
	}
	w := httptest.NewRecorder()
	With(l, Errors(func(http.ResponseWriter, *http.Request) error { return errors.New("x") })).
		ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	light, dark, differs := accent.Adjusted()
	if !differs || light == dark || dark != "#ffd400" {
		t.Errorf("got %s on light and %s on dark pages, differs %t", light, dark, differs)
	}
	for _, want := range []string{
		"<title>Sign-in stopped · Acme &lt;Tools&gt;</title>", "<bdi>Acme &lt;Tools&gt;</bdi>",
		`<img src="data:image/svg`, `href="mailto:help@example.com"`, `href="https://example.com/privacy"`,
		`href="https://example.com/terms"`, "--mark: " + light, "--mark: " + dark,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page does not have %s:\n%s", want, w.Body)
		}
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "img-src data:;") {
		t.Errorf("got policy %q, want one that allows the logo", csp)
	}
	w = httptest.NewRecorder()
	With(Look{}, Errors(func(http.ResponseWriter, *http.Request) error { return errors.New("x") })).
		ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	csp := w.Header().Get("Content-Security-Policy")
	if strings.Contains(w.Body.String(), "<img") || strings.Contains(csp, "img-src") {
		t.Errorf("a plain page has a picture, or allows one: %v\n%s", w.Header(), w.Body)
	}
}
