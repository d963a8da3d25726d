package webtest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// answering returns a handler whose answers carry the lines.
func answering(lines []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, line := range lines {
			name, value, _ := strings.Cut(line, ": ")
			w.Header().Add(name, value)
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// ask returns what is stated of the handler's answer.
func ask(method string, h http.Handler, e Every) (string, error) {
	a := txtar.Parse([]byte("It answers.\n-- request --\n" + method + " / HTTP/1.1\nHost: auth.example.com\n\n"))
	err := exchange(h, a, Options{Every: e})
	return string(a.Files[1].Data), err
}

func TestWhatEveryAnswerCarriesGoesWithoutSaying(t *testing.T) {
	t.Parallel()
	for _, e := range []Every{API, Pages} {
		got, err := ask("OPTIONS", answering(slices.Concat(e.Always, e.Preflight, e.Usual)), e)
		if want := "HTTP/1.1 204 No Content\n\n"; got != want || err != nil {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

func TestAnAnswerThatLacksWhatEveryOneCarriesFails(t *testing.T) {
	t.Parallel()
	for _, e := range []Every{API, Pages} {
		all := slices.Concat(e.Always, e.Preflight, e.Usual)
		for i, line := range slices.Concat(e.Always, e.Preflight) {
			name, _, _ := strings.Cut(line, ":")
			for what, lines := range map[string][]string{
				"left out": slices.Delete(slices.Clone(all), i, i+1),
				"changed":  slices.Replace(slices.Clone(all), i, i+1, name+": another"),
			} {
				_, err := ask("OPTIONS", answering(lines), e)
				if err == nil || !strings.Contains(err.Error(), line) {
					t.Errorf("%s is %s: got %v, want an error that names the line", name, what, err)
				}
			}
		}
	}
}

func TestAnUnusualAnswerIsStated(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string][]string{
		"Cache-Control: none":                 nil,
		"Cache-Control: public, max-age=3600": {"Cache-Control: public, max-age=3600"},
		"X-Unexpected: yes":                   {"Cache-Control: no-store", "X-Unexpected: yes"},
	} {
		got, err := ask("GET", answering(slices.Concat(API.Always, lines)), API)
		if want := "HTTP/1.1 204 No Content\n" + name + "\n\n"; got != want || err != nil {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

func TestAnExchangeWithoutASentenceFails(t *testing.T) {
	t.Parallel()
	const ask = "-- request --\nGET / HTTP/1.1\n"
	for text, spoke := range map[string]bool{
		"One thing.\n" + ask:        true,
		ask:                         false,
		"no full stop\n" + ask:      false,
		"Two things.\n" + ask + ask: false,
		"Two things.\n-- claim --\nThe first.\n" + ask + ask:                                false,
		"Two things.\n-- claim --\nThe first.\n" + ask + "-- claim --\nThe second.\n" + ask: true,
	} {
		if err := spoken(txtar.Parse([]byte(text))); (err == nil) != spoke {
			t.Errorf("%q: got %v, want an error: %v", text, err, !spoke)
		}
	}
}
