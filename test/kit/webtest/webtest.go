// Package webtest replays HTTP conversations from txtar files against a handler.
//
// A file opens with what it is about. Then come exchanges, and above each a sentence that
// says what it claims; a file of one exchange needs no second sentence.
//
//	Only the code's own verifier redeems it.
//	-- claim --
//	A wrong verifier is invalid_grant (RFC 7636 §4.6).
//	-- request --
//	POST /token HTTP/1.1
//	Host: auth.example.com
//	Content-Type: application/x-www-form-urlencoded
//
//	grant_type=authorization_code&code=…
//	-- response --
//	HTTP/1.1 400 Bad Request
//	Content-Type: application/json
//
//	{"error":"invalid_grant",…
//
// The answer is compared byte by byte with headers sorted, Date and Content-Length left
// out, and what varies replaced by a name in braces; the id of the request is replaced
// always. What every answer must carry stands in no stanza: [Every] asserts it of all of
// them. go test -update rewrites the responses and keeps the sentences.
//
// A section "head" instead of "response" states the status and headers alone, where the
// body is the claim of another file.
//
// A request needs neither Content-Length nor line ends of CR LF. Names given by
// [Options.Set] and values found by [Options.Capture] are filled in where a
// request has them in braces.
package webtest

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the responses in webtest's files")

// A Replacement names what varies in responses. Pattern's first group, or all of
// the match if it has none, becomes {Name}.
type Replacement struct {
	Name    string
	Pattern *regexp.Regexp
}

// Options sets [Run]. The zero value is good.
type Options struct {
	// Replace is applied to each response in order.
	Replace []Replacement
	// Capture is like Replace, and what it found stands for {Name} in the later
	// requests of the file.
	Capture []Replacement
	// Set gives values for {Name} in requests.
	Set map[string]string
	// Every is what all answers carry and no stanza says.
	Every Every
	// RemoteAddr is the peer of each request; empty means 192.0.2.1:1234.
	RemoteAddr string
}

var always = []Replacement{
	{"request_id", regexp.MustCompile(`(?m)^X-Request-Id: ([A-Z2-7]{16})$`)},
	{"request_id", regexp.MustCompile(`"request_id":"([A-Z2-7]{16})"`)},
	{"request_id", regexp.MustCompile(`Request ([A-Z2-7]{16})<`)},
	{"style_hash", regexp.MustCompile(`style-src 'sha256-([^']+)'`)},
}

// Run replays every .txtar file of dir, each as a parallel subtest against a
// handler of its own from open.
func Run(t *testing.T, open func(t *testing.T) http.Handler, dir string, o Options) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("files in %s: got %d, %v", dir, len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			replay(t, open(t), file, o)
		})
	}
}

func replay(t *testing.T, h http.Handler, file string, o Options) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := txtar.Parse(data)
	if err := errors.Join(spoken(got), exchange(h, got, o)); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	text := txtar.Format(got)
	if bytes.Equal(text, data) {
		return
	}
	if !*update {
		t.Errorf("%s: the answers differ, go test -update rewrites them\n%s",
			file, difference(string(data), string(text)))
		return
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// spoken reports the exchanges of a without a sentence above them.
func spoken(a *txtar.Archive) error {
	var errs []error
	if !sentence(a.Comment) {
		errs = append(errs, errors.New("the file does not open with a sentence"))
	}
	requests := 0
	for _, f := range a.Files {
		if f.Name == "request" {
			requests++
		}
	}
	for i, f := range a.Files {
		unsaid := i == 0 || a.Files[i-1].Name != "claim" || !sentence(a.Files[i-1].Data)
		if f.Name == "request" && requests > 1 && unsaid {
			errs = append(errs, fmt.Errorf("no sentence in a section claim stands above %s", firstLine(f.Data)))
		}
	}
	return errors.Join(errs...)
}

func sentence(text []byte) bool {
	return regexp.MustCompile(`^\S.*\.\n\n?$`).Match(text)
}

func firstLine(text []byte) string {
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// exchange sends every request of a and puts the answer into the response after
// it, which it adds if there is none. It reports answers that lack what every one carries.
func exchange(h http.Handler, a *txtar.Archive, o Options) error {
	known := maps.Clone(o.Set)
	if known == nil {
		known = map[string]string{}
	}
	var errs []error
	for i := 0; i < len(a.Files); i++ {
		if a.Files[i].Name != "request" {
			continue
		}
		request := a.Files[i].Data
		answer, err := send(h, fill(string(request), known), o)
		if err != nil {
			return fmt.Errorf("%s: %w", firstLine(request), err)
		}
		if i+1 == len(a.Files) || a.Files[i+1].Name != "response" && a.Files[i+1].Name != "head" {
			a.Files = slices.Insert(a.Files, i+1, txtar.File{Name: "response"})
		}
		stated, err := o.Every.leaveOut(bytes.HasPrefix(request, []byte("OPTIONS ")), mask(answer, o, known))
		if err != nil {
			errs = append(errs, fmt.Errorf("the answer to %s %w", firstLine(request), err))
		}
		if a.Files[i+1].Name == "head" {
			stated, _, _ = strings.Cut(stated, "\n\n")
			stated += "\n"
		}
		a.Files[i+1].Data = []byte(stated)
	}
	return errors.Join(errs...)
}

func fill(request string, known map[string]string) string {
	for name, value := range known {
		request = strings.ReplaceAll(request, "{"+name+"}", value)
	}
	return request
}

func mask(answer string, o Options, known map[string]string) string {
	for _, c := range o.Capture {
		if m := c.Pattern.FindStringSubmatch(answer); m != nil {
			known[c.Name] = m[len(m)-1]
		}
	}
	for _, r := range slices.Concat(always, o.Capture, o.Replace) {
		answer = r.apply(answer)
	}
	return answer
}

func (r Replacement) apply(s string) string {
	return r.Pattern.ReplaceAllStringFunc(s, func(match string) string {
		m := r.Pattern.FindStringSubmatchIndex(match)
		if len(m) < 4 || m[2] < 0 {
			return "{" + r.Name + "}"
		}
		return match[:m[2]] + "{" + r.Name + "}" + match[m[3]:]
	})
}

// send parses a request as a server does and returns the answer as text.
func send(h http.Handler, raw string, o Options) (string, error) {
	head, body, _ := strings.Cut(raw, "\n\n")
	body = strings.TrimSuffix(body, "\n")
	wire := strings.ReplaceAll(strings.TrimRight(head, "\n"), "\n", "\r\n") + "\r\n"
	if body != "" && !strings.Contains(strings.ToLower(head), "\ncontent-length:") {
		wire += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire + "\r\n" + body)))
	if err != nil {
		return "", err
	}
	r.RemoteAddr = o.RemoteAddr
	if r.RemoteAddr == "" {
		r.RemoteAddr = "192.0.2.1:1234"
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return format(w.Result(), w.Body.String()), nil
}

func format(resp *http.Response, body string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\n", resp.StatusCode, http.StatusText(resp.StatusCode))
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		if name == "Date" || name == "Content-Length" {
			continue
		}
		for _, v := range resp.Header[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	b.WriteString("\n" + body)
	if body != "" && !strings.HasSuffix(body, "\n") {
		b.WriteString("\n")
	}
	return b.String()
}
